"""The one place that starts other programs."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.errors import CommandError

_STDERR_TAIL_CHARS = 2000
_CHUNK_BYTES = 1 << 16
_LAST_CHUNKS = 16  # a pipe holds one; who floods it from the background is not listened to for ever
_TICK_S = 1.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended; ``exit_code`` is the negative number of the signal that ended it."""

    exit_code: int
    timed_out: bool


def run(
    argv: Sequence[str],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a program to its end and return what it printed.

    stdin is closed and the language is C, so that output can be parsed; ``env`` adds to the
    environment.

    Raises:
        CommandError: it could not be started, ended with an error, or took over ``timeout_s``.
    """
    try:
        done = subprocess.run(
            list(argv),
            cwd=cwd,
            env={**os.environ, **(env or {}), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except OSError as error:
        raise CommandError(tuple(argv), None, str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(tuple(argv), None, f"no end after {timeout_s:g} s") from error
    if done.returncode != 0:
        tail = (done.stderr or done.stdout).decode(errors="replace")[-_STDERR_TAIL_CHARS:]
        raise CommandError(tuple(argv), done.returncode, tail)
    return done.stdout.decode(errors="replace")


def stream(  # noqa: PLR0913 - all that a program is given, and who is told
    argv: Sequence[str],
    *,
    stdin: bytes,
    env: Mapping[str, str],
    timeout_s: float,
    told: Callable[[bytes], None],
    tick: Callable[[], None],
    monotonic: Callable[[], float] = time.monotonic,
) -> Ending:
    """Run a program in a process group of its own and tell its output, stderr too, as it comes.

    ``env`` is the whole environment. What the program leaves in the background is not waited
    for, even where it holds the output open. After ``timeout_s`` the whole group is killed, and
    so it is when ``told`` or ``tick``, called at least once a second, raises.

    Raises:
        CommandError: it could not be started.
    """
    # A file, not a pipe: a program that does not read it would block us.
    source = os.memfd_create("stdin")
    try:
        os.write(source, stdin)
        os.lseek(source, 0, os.SEEK_SET)
        child = subprocess.Popen(
            list(argv),
            cwd="/",
            env=dict(env),
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise CommandError(tuple(argv), None, str(error)) from error
    finally:
        os.close(source)
    with child:
        try:
            end_s = monotonic() + timeout_s
            ended = _follow(child, lambda: end_s - monotonic(), told, tick)
        finally:
            if child.poll() is None:  # not waited for yet, so the number is still its group's
                os.killpg(child.pid, signal.SIGKILL)
    return Ending(child.returncode, timed_out=not ended)


def _follow(
    child: subprocess.Popen[bytes],
    left: Callable[[], float],
    told: Callable[[bytes], None],
    tick: Callable[[], None],
) -> bool:
    """Tell the output until the program ends; say whether it did while there was time left."""
    assert child.stdout is not None  # noqa: S101 - it was asked for
    output, end = child.stdout.fileno(), os.pidfd_open(child.pid)
    os.set_blocking(output, False)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            selector.register(end, selectors.EVENT_READ)
            while (left_s := left()) > 0:
                ready = {key.fd for key, _ in selector.select(min(left_s, _TICK_S))}
                if end in ready:
                    _tell_rest(output, told)
                    return True
                if output in ready and not _tell(output, told):
                    selector.unregister(output)
                tick()
            _tell_rest(output, told)
            return False
    finally:
        os.close(end)


def _tell(output: int, told: Callable[[bytes], None]) -> bool:
    """Tell one chunk; say whether there was one."""
    try:
        chunk = os.read(output, _CHUNK_BYTES)
    except BlockingIOError:
        return False
    if chunk:
        told(chunk)
    return bool(chunk)


def _tell_rest(output: int, told: Callable[[bytes], None]) -> None:
    for _ in range(_LAST_CHUNKS):
        if not _tell(output, told):
            return
