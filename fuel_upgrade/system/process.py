"""The one place that starts other programs."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from fuel_upgrade.errors import CommandError

_STDERR_TAIL_CHARS = 2000


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
