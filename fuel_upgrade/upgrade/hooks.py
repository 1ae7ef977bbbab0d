"""Operator hooks: finds those of a point, checks who can change them, and runs them.

Names and order follow run-parts(8) with LANG=C.
"""

import json
import os
import re
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuel_upgrade.errors import CommandError
from fuel_upgrade.system.process import stream

BEFORE_CHECK = "before-check"
BEFORE_INSTALL = "before-install"
AFTER_STAGE = "after-stage"
BEFORE_REGISTER = "before-register"
AFTER_INSTALL = "after-install"
ON_FAILURE = "on-failure"
AFTER_ROLLBACK = "after-rollback"
ON_INCONSISTENT = "on-inconsistent"
STEP_POINTS = (BEFORE_INSTALL, AFTER_STAGE, BEFORE_REGISTER, AFTER_INSTALL)
"""Hooks of these points are steps of the install, so they can have an undo twin."""
POINTS = (BEFORE_CHECK, *STEP_POINTS, ON_FAILURE, AFTER_ROLLBACK, ON_INCONSISTENT)
REPAIRED = 75
"""A hook exits with this code (EX_TEMPFAIL of sysexits.h) to have the checks run again."""
REFUSED = 126  # the exit code of a shell for a program that cannot be executed

_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_UNDO = ".undo"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TAIL_BYTES = 4096
_LINE_BYTES = 4096  # a longer line is split
_LINES = 1000  # reported one by one; every event of a job is kept in memory

Context = Mapping[str, Any]
"""The input of a hook, as JSON on its stdin; see docs/hooks.rst for the keys."""


@dataclass(frozen=True, slots=True)
class Hook:
    """An operator's executable at a named point; ``undo`` is its twin ``NAME.undo``."""

    point: str
    path: Path
    undo: Path | None = None

    @property
    def name(self) -> str:
        """The file name."""
        return self.path.name

    @property
    def title(self) -> str:
        """Point and name, as events and messages show them."""
        return f"{self.point}/{self.name}"

    def twin(self) -> "Hook | None":
        """Return the undo twin as a hook of its own."""
        return Hook(self.point, self.undo) if self.undo else None


@dataclass(frozen=True, slots=True)
class Hooks:
    """The hooks of a point in order, and for each refused one the reason."""

    accepted: tuple[Hook, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HookRun:
    """The result of a hook; ``exit_code`` is negative for a signal, ``output`` its last 4 KiB."""

    name: str
    point: str
    exit_code: int
    duration_s: float
    output: str
    timed_out: bool = False

    @property
    def ending(self) -> str:
        """The result in words, with the last line of the output."""
        if self.timed_out:
            how = f"was killed: no end after {self.duration_s:.0f} s"
        elif self.exit_code < 0:
            how = f"was ended by signal {-self.exit_code}"
        else:
            how = f"ended with {self.exit_code}"
        last = self.output.strip().rpartition("\n")[2]
        return f"hook {self.point}/{self.name} {how}{f': {last}' if last else ''}"


def read_hooks(folder: Path) -> dict[str, Hooks]:
    """Find the hooks of every point below ``folder``."""
    return {point: find_hooks(folder, point) for point in POINTS}


def find_hooks(folder: Path, point: str) -> Hooks:
    """Find the hooks of one point: executable files whose name run-parts accepts."""
    place = folder / point
    try:
        names = sorted(path.name for path in place.iterdir() if _NAME.fullmatch(path.name))
    except FileNotFoundError:
        return Hooks()
    except OSError as error:
        return Hooks(refused=(f"{place}: {error.strerror}",))
    accepted: list[Hook] = []
    refused: list[str] = []
    for path in (place / name for name in names):
        if not _is_enabled(path):
            continue
        undo = path.with_name(path.name + _UNDO)
        hook = Hook(point, path, undo if os.path.lexists(undo) else None)
        faults = [f for p in (path, hook.undo) if p and (f := find_fault(p))]
        refused.extend(faults)
        if not faults:
            accepted.append(hook)
    return Hooks(tuple(accepted), tuple(refused))


def _is_enabled(path: Path) -> bool:
    """Return whether a file is a hook: without the executable bit it is switched off."""
    try:
        return not path.is_dir() and (path.is_symlink() or bool(path.stat().st_mode & 0o111))
    except OSError:
        return True  # find_fault reports the error


def find_fault(path: Path) -> str | None:
    """Return why a hook must not run, or None: only the user that it runs as may change it."""
    try:
        status = path.lstat()
        folders = [(place, place.stat()) for place in (path.parent, path.parent.parent)]
    except OSError as error:
        return f"{path}: {error.strerror}"
    if not stat.S_ISREG(status.st_mode):
        return f"{path}: expected a regular file, found {stat.filemode(status.st_mode)}"
    if not status.st_mode & 0o111:
        return f"{path}: not executable"
    for place, info in ((path, status), *folders):
        if info.st_uid not in (0, os.geteuid()):
            return f"{path}: {place} belongs to user {info.st_uid}, expected root"
        if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            mode = stat.S_IMODE(info.st_mode)
            return f"{path}: {place} can be written by others than its owner (mode {mode:o})"
    return None


def run_hook(  # noqa: PLR0913 - as of ``stream``
    hook: Hook,
    context: Context,
    *,
    timeout_s: float,
    report: Callable[[str], None],
    tick: Callable[[], None],
    monotonic: Callable[[], float] = time.monotonic,
) -> HookRun:
    """Run a hook to its end; ``report`` gets its output line by line.

    A hook that must not or cannot run ends with REFUSED.
    """
    output, began = _Output(report), monotonic()
    fault = find_fault(hook.path)
    if fault:
        return _not_run(hook, f"refused: {fault}", report)
    try:
        ending = stream(
            [str(hook.path)],
            stdin=json.dumps(context).encode(),
            env=environment(context),
            timeout_s=timeout_s,
            on_output=output.add,
            tick=tick,
            monotonic=monotonic,
        )
    except CommandError as error:
        return _not_run(hook, error.stderr_tail, report)
    output.end()
    duration_s = monotonic() - began
    return HookRun(
        hook.name, hook.point, ending.exit_code, duration_s, output.tail, ending.timed_out
    )


def _not_run(hook: Hook, why: str, report: Callable[[str], None]) -> HookRun:
    report(why)
    return HookRun(hook.name, hook.point, REFUSED, 0.0, why)


def environment(context: Context) -> dict[str, str]:
    """Return the whole environment of a hook."""
    known = ("point", "install", "tarball", "fuel_from", "fuel_to", "state")
    ours = {f"FUEL_UPGRADE_{key.upper()}": str(context[key]) for key in known if key in context}
    # The service's /tmp is read-only: it sets TMPDIR for programs that need temporary files.
    kept = {key: os.environ[key] for key in ("TMPDIR",) if key in os.environ}
    return {"PATH": _PATH, "LC_ALL": "C", "HOME": "/", **kept, **ours}


class _Output:
    """Splits the output of a hook into lines, and keeps its tail in bounded memory."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._line = b""
        self._tail = b""
        self._reported = 0

    @property
    def tail(self) -> str:
        return self._tail.decode(errors="replace")

    def add(self, chunk: bytes) -> None:
        self._tail = (self._tail + chunk)[-_TAIL_BYTES:]
        *lines, self._line = (self._line + chunk).split(b"\n")
        for line in lines:
            self._report_line(line)
        while len(self._line) > _LINE_BYTES:
            self._report_line(self._line[:_LINE_BYTES])
            self._line = self._line[_LINE_BYTES:]

    def end(self) -> None:
        if self._line:
            self._report_line(self._line)

    def _report_line(self, line: bytes) -> None:
        self._reported += 1
        if self._reported == _LINES:
            self._report("(more lines are not shown; the journal keeps the last ones)")
        elif self._reported < _LINES:
            self._report(line[:_LINE_BYTES].decode(errors="replace"))
