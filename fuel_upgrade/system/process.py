"""Starts programs. No other module does."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fuel_upgrade.errors import CommandError

_STDERR_TAIL_CHARS = 2000
_CHUNK_BYTES = 1 << 16
_LAST_CHUNKS = 16  # a pipe holds one; a background process that writes on is cut off here
_TICK_S = 1.0


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a program; ``exit_code`` is the negative signal number if a signal ended it."""

    exit_code: int
    timed_out: bool


def run(  # noqa: PLR0913 - the program and its surroundings
    argv: Sequence[str],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    output: IO[bytes] | None = None,
    package: str | None = None,
) -> str:
    """Run a program to its end and return its stdout, or write it to the file ``output``.

    stdin is closed and the locale is C, so that the output can be parsed. ``env`` adds to the
    environment. ``package`` is the package to install if the program is missing.

    Raises:
        CommandError: the program did not start, failed, or ran longer than ``timeout_s``.
    """
    try:
        done = subprocess.run(
            list(argv),
            cwd=cwd,
            env={**os.environ, **(env or {}), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=timeout_s,
            check=False,
        )
    except OSError as error:
        missing = CommandError(tuple(argv), None, str(error))
        raise missing.amended(remedy=package and f"install {package}") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(tuple(argv), None, f"no end after {timeout_s:g} s") from error
    if done.returncode != 0:
        tail = (done.stderr or done.stdout or b"").decode(errors="replace")[-_STDERR_TAIL_CHARS:]
        raise CommandError(tuple(argv), done.returncode, tail)
    return (done.stdout or b"").decode(errors="replace")


def stream(  # noqa: PLR0913 - inputs of the program and callbacks
    argv: Sequence[str],
    *,
    stdin: bytes,
    env: Mapping[str, str],
    timeout_s: float,
    on_output: Callable[[bytes], None],
    tick: Callable[[], None],
    monotonic: Callable[[], float] = time.monotonic,
) -> Ending:
    """Run a program in its own process group; pass stdout and stderr to ``on_output`` at once.

    ``env`` is the whole environment. Background processes of the program are not awaited, even
    if they hold the output open. ``tick`` is called at least once a second. The whole group is
    killed after ``timeout_s``, or if ``on_output`` or ``tick`` raises.

    Raises:
        CommandError: the program did not start.
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
            ended = _follow(child, lambda: end_s - monotonic(), on_output, tick)
        finally:
            if child.poll() is None:  # not reaped yet, so the id still names its group
                os.killpg(child.pid, signal.SIGKILL)
    return Ending(child.returncode, timed_out=not ended)


def _follow(
    child: subprocess.Popen[bytes],
    remaining: Callable[[], float],
    on_output: Callable[[bytes], None],
    tick: Callable[[], None],
) -> bool:
    """Pass on the output until the program ends; return False if the time is over before."""
    assert child.stdout is not None  # noqa: S101 - Popen got PIPE
    output, end = child.stdout.fileno(), os.pidfd_open(child.pid)
    os.set_blocking(output, False)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            selector.register(end, selectors.EVENT_READ)
            while (remaining_s := remaining()) > 0:
                ready = {key.fd for key, _ in selector.select(min(remaining_s, _TICK_S))}
                if end in ready:
                    _pass_rest(output, on_output)
                    return True
                if output in ready and not _pass_chunk(output, on_output):
                    selector.unregister(output)
                tick()
            _pass_rest(output, on_output)
            return False
    finally:
        os.close(end)


def _pass_chunk(output: int, on_output: Callable[[bytes], None]) -> bool:
    """Pass on one chunk; return False if there is none."""
    try:
        chunk = os.read(output, _CHUNK_BYTES)
    except BlockingIOError:
        return False
    if chunk:
        on_output(chunk)
    return bool(chunk)


def _pass_rest(output: int, on_output: Callable[[bytes], None]) -> None:
    for _ in range(_LAST_CHUNKS):
        if not _pass_chunk(output, on_output):
            return
