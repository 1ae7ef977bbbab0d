"""The one error of the build, and the one place that starts programs for it."""

import os
import subprocess
from collections.abc import Mapping, Sequence

_TIMEOUT_S = 900.0
_TAIL_LINES = 8


class BuildError(Exception):
    """The tree cannot be built; with a message and a remedy."""

    def __init__(self, what: str, *, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def run(argv: Sequence[str], *, remedy: str, env: Mapping[str, str] | None = None) -> str:
    """Run a program and return its standard output.

    Raises:
        BuildError: it is not installed, or ended with an error.
    """
    try:
        done = subprocess.run(
            list(argv),
            env={**os.environ, "LC_ALL": "C", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except OSError as error:
        raise BuildError(f"{argv[0]}: {error.strerror}", remedy=f"install {argv[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{argv[0]}: no end after {_TIMEOUT_S:g} s", remedy=remedy) from error
    if done.returncode != 0:
        tail = (done.stderr or done.stdout).strip().splitlines()[-_TAIL_LINES:]
        raise BuildError(
            "\n  ".join([f"{argv[0]} ended with {done.returncode}:", *tail]), remedy=remedy
        )
    return done.stdout
