"""The interpreters of this machine."""

import subprocess
from functools import cache
from pathlib import Path


@cache
def interpreters() -> dict[int, Path]:
    """Return an interpreter that runs for each minor version of Python 3, without shims."""
    places = [Path("/usr/bin"), Path("/usr/local/bin"), *Path.home().glob(".pyenv/versions/*/bin")]
    known: dict[int, Path] = {}
    for path in (path for place in places for path in place.glob("python3.[0-9]*")):
        minor = path.name.removeprefix("python3.")
        if minor.isdigit() and int(minor) not in known and _runs(path):
            known[int(minor)] = path
    return dict(sorted(known.items()))


def _runs(path: Path) -> bool:
    done = subprocess.run([path, "-c", "import ensurepip"], check=False, capture_output=True)
    return done.returncode == 0
