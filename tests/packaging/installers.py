"""The real installer file, built once a session, and the same as of other versions."""

import atexit
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from fuel_upgrade import __version__

SOURCE = Path(__file__).parents[2]
PACKAGING = SOURCE / "packaging"
TREE = "usr/lib/fuel-upgrade"
PACKAGE = "lib/python3/dist-packages/fuel_upgrade"


@cache
def tree() -> Path:
    """Return the runtime tree: from TREE, or built and cached by its inputs."""
    if given := os.environ.get("TREE"):
        return Path(given)
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "fuel-upgrade/trees")
    out = kept / _digest_of_inputs()
    if not out.exists():
        made = out.with_name(f"{out.name}.{os.getpid()}")
        _run(sys.executable, PACKAGING / "build-tree", made)
        made.rename(out)
    return out / TREE


def _digest_of_inputs() -> str:
    digest = hashlib.sha256((SOURCE / "locks/runtime.txt").read_bytes())
    folders = (SOURCE / "fuel_upgrade", PACKAGING / "runtime_tree")
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    for path in sorted(path for path in files if path.suffix != ".pyc"):
        digest.update(f"{path.relative_to(SOURCE)} {path.stat().st_size} ".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def installer(version: str = __version__) -> Path:
    """Return the installer file; another version differs only in its version."""
    root = _folder() / f"root-{version}"
    _run(PACKAGING / "stage-root", tree(), root, PYTHON=sys.executable)
    if version != __version__:
        _call_it(root / TREE, version)
    out = _folder() / f"dist-{version}"
    _run(PACKAGING / "build-installer", root, out, LEVEL="9" if version == __version__ else "1")
    shutil.rmtree(root)
    (path,) = out.iterdir()
    return path


def _call_it(copy: Path, version: str) -> None:
    for path, line in (
        (copy / "BUILD-INFO", '"version": "{}"'),
        (copy / PACKAGE / "__init__.py", '__version__ = "{}"'),
    ):
        text = path.read_text()
        assert line.format(__version__) in text
        path.write_text(text.replace(line.format(__version__), line.format(version)))
    for path in (copy / PACKAGE / "__pycache__").glob("__init__.*.pyc"):
        path.unlink()  # it is not compared with the source


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="installers-"))
    atexit.register(shutil.rmtree, folder)
    return folder


def _run(*argv: str | Path, **env: str) -> None:
    done = subprocess.run(
        argv, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def version_in(output: str) -> str:
    """Return the version that ``fuel-upgrade --version`` printed."""
    match = re.search(r"version (\S+)", output)
    assert match, output
    return match[1]
