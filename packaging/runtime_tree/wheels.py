"""The Python packages of the lock, and the project itself, in the tree."""

import hashlib
import importlib.util
import re
import shutil
import sys
import tempfile
from pathlib import Path

from runtime_tree.errors import BuildError, run
from runtime_tree.interpreter import Interpreter

SITE = "lib/python3/dist-packages"  # where Debian's CPython looks, below its own prefix
# Has no wheel: it is built here, of Python alone. With the lines of its hashes.
_SOURCE_ONLY = re.compile(r"^sdnotify==.*\n(?:[ \t]+.*\n)*", re.MULTILINE)
_WHEEL = ("wheel", "--no-deps", "--require-hashes")
_ONLINE = "connect this machine to a package index, then build again: the cache keeps the downloads"
_OPTIONS = ("--quiet", "--disable-pip-version-check", "--no-input")
_WRITTEN_BY_PIP = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


def install_packages(lock: Path, interpreter: Interpreter, cache: Path) -> None:
    """Install the packages of the lock from cached wheels.

    pip runs in the tree's own Python, so that it chooses wheels and reads markers for that.

    Raises:
        BuildError: a package is neither cached nor within reach, or differs from the lock.
    """
    site = interpreter.tree / SITE
    wheels = [str(path) for path in sorted(_wheels(lock, interpreter, cache).glob("*.whl"))]
    _pip(interpreter, "install", "--no-deps", "--no-index", "--no-compile", "--target", str(site),
         *wheels)  # fmt: skip
    shutil.rmtree(site / "bin", ignore_errors=True)
    for info in site.glob("*.dist-info"):
        for name in _WRITTEN_BY_PIP:
            (info / name).unlink(missing_ok=True)


def _wheels(lock: Path, interpreter: Interpreter, cache: Path) -> Path:
    """Return the folder with the wheels of this lock, each of which had one of its hashes."""
    asked = "import sys; print(sys.implementation.cache_tag)"
    tag = interpreter.run("-c", asked, env={}, remedy="build on x86_64").strip()
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    folder = cache / "wheels" / f"{tag}-{digest}"
    complete = folder / ".complete"
    if not complete.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _fetch_wheels(_SOURCE_ONLY.sub("", lock.read_text()), interpreter, folder)
        _build_wheels("".join(_SOURCE_ONLY.findall(lock.read_text())), folder)
        complete.touch()
    return folder


def _fetch_wheels(lock: str, interpreter: Interpreter, folder: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(lock)
        file.flush()
        places = ("--wheel-dir", str(folder), "--requirement", file.name)
        _pip(interpreter, *_WHEEL, "--only-binary=:all:", *places)


def _build_wheels(lock: str, folder: Path) -> None:
    """Build with the Python that runs this: the tree's own, when pip starts it, sees no setuptools.

    The launcher in the tree isolates it from the environment, and finds no whole tree yet.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(lock)
        file.flush()
        options = ("--no-binary=:all:", "--no-build-isolation", "--use-pep517")
        places = ("--wheel-dir", str(folder), "--requirement", file.name)
        run([sys.executable, "-m", "pip", *_WHEEL, *_OPTIONS, *options, *places], remedy=_ONLINE)


def _pip(interpreter: Interpreter, command: str, *arguments: str) -> None:
    interpreter.run(
        *("-m", "pip", command, *_OPTIONS, *arguments),
        env={"PYTHONPATH": str(_place_of_pip())},
        remedy=_ONLINE,
    )


def _place_of_pip() -> Path:
    """Return the folder from which this Python imports pip and setuptools."""
    spec = importlib.util.find_spec("pip")
    if spec is None or spec.origin is None:
        raise BuildError(
            "this Python has no pip", remedy="run it by .venv/bin/python, or install pip"
        )
    return Path(spec.origin).parent.parent


def install_project(source: Path, tree: Path) -> None:
    """Copy the package of the project: Python files and the data beside them."""
    shutil.copytree(
        source / "fuel_upgrade",
        tree / SITE / "fuel_upgrade",
        ignore=shutil.ignore_patterns("__pycache__", "*.pyc"),
    )


def installed_packages(tree: Path) -> dict[str, str]:
    """Return the version of each Python package in the tree, by its name."""
    infos = sorted((tree / SITE).glob("*.dist-info"))
    return dict(info.name.removesuffix(".dist-info").split("-", 1) for info in infos)
