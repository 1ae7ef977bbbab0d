"""Builds the tree: interpreter, libraries, packages, launchers, build information."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from runtime_tree.bytecode import compile_all
from runtime_tree.debs import Deb, contributing, fetch_debs, python_of_debian, unpack
from runtime_tree.errors import BuildError
from runtime_tree.interpreter import PREFIX, Interpreter, write_launchers
from runtime_tree.libraries import add_libraries, add_loader
from runtime_tree.pruning import prune, strip_modules
from runtime_tree.wheels import SITE, install_packages, install_project, installed_packages

_SOURCE = Path(__file__).resolve().parents[2]
_EXIT_FAILED = 1


def main(arguments: Sequence[str]) -> int:
    """Build the tree that the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(prog="build-tree", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT_DIR", help="gets usr/lib/fuel-upgrade")
    out: Path = parser.parse_args(arguments).out.absolute()
    os.umask(0o022)
    try:
        build(_SOURCE, out, cache=_cache())
    except BuildError as error:
        sys.stderr.write(f"error:  {error.what}\nremedy: {error.remedy}\n")
        return _EXIT_FAILED
    return 0


def build(source: Path, out: Path, *, cache: Path) -> Path:
    """Build the tree of the project in ``source`` below ``out``; return where it is.

    Raises:
        BuildError: the tree exists, or a part of it cannot be had.
    """
    tree = out / PREFIX.lstrip("/")
    if tree.exists():
        raise BuildError(f"{tree}: exists already", remedy="remove it, or name another folder")
    python = python_of_debian()
    debs = fetch_debs(python, cache)
    for folder in ("bin", "lib", "libexec", "share/licenses", SITE):
        (tree / folder).mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="runtime-tree-") as scratch:
        debian = Path(scratch).resolve()
        unpack(debs, debian)
        _fill(source, tree, debian, python, cache)
        used = contributing(debs, tree)
        copy_licenses(used, debian, tree)
    write_build_info(source, tree, python, used)
    set_modes_and_times(tree, time_of(source))
    return tree


def _fill(source: Path, tree: Path, debian: Path, python: str, cache: Path) -> None:
    interpreter = Interpreter(tree)
    shutil.copytree(debian / "usr/lib" / python, tree / "lib" / python, symlinks=True)
    shutil.copyfile(debian / "usr/bin" / python, tree / "libexec/python")
    (tree / "libexec/python").chmod(0o755)
    prune(tree, python)  # first of all, so that no library comes in for a module that goes
    add_loader(debian, interpreter)
    add_libraries(debian, interpreter)
    write_launchers(tree)
    install_packages(source / "locks/runtime.txt", interpreter, cache)
    install_project(source, tree)
    prune(tree, python)
    strip_modules(tree)
    add_libraries(debian, interpreter)
    compile_all(interpreter)


def copy_licenses(debs: list[Deb], debian: Path, tree: Path) -> None:
    """Copy the licenses of the Debian packages; a Python package has its own beside it.

    Packages of one source have the same text: it is there once, with links to it.
    """
    names: dict[bytes, str] = {}
    for deb in debs:
        license_file = debian / "usr/share/doc" / deb.name / "copyright"
        if not license_file.is_file():
            continue
        target, text = tree / "share/licenses" / deb.name, license_file.read_bytes()
        if text in names:
            target.symlink_to(names[text])
        else:
            target.write_bytes(text)
            names[text] = deb.name


def write_build_info(source: Path, tree: Path, python: str, debs: list[Deb]) -> None:
    """Write ``BUILD-INFO``: the components of the tree."""
    info = {
        "format": 1,
        "version": version_of(source),
        "python": python,
        "commit": _git(source, "rev-parse", "HEAD"),
        "debian_packages": [
            {"name": deb.name, "version": deb.version, "sha256": deb.sha256} for deb in debs
        ],
        "python_packages": installed_packages(tree),
    }
    (tree / "BUILD-INFO").write_text(json.dumps(info, indent=2) + "\n")


def version_of(source: Path) -> str:
    """Return the version of the project."""
    text = (source / "fuel_upgrade/__init__.py").read_text()
    match = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if match is None:
        raise BuildError("fuel_upgrade/__init__.py names no version", remedy="restore the file")
    return match[1]


def time_of(source: Path) -> int:
    """Return the time that every file gets: of the last commit, or SOURCE_DATE_EPOCH.

    A source archive has no commits: the time is that of its changelog, which ``tar`` kept.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH") or _git(source, "log", "-1", "--format=%ct")
    return int(given) if given else int((source / "CHANGELOG.rst").stat().st_mtime)


def _git(source: Path, *arguments: str) -> str | None:
    """Return the output of git, or None if the source is not a clone."""
    if not (source / ".git").exists():
        return None
    argv = ["git", "-C", str(source), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def set_modes_and_times(tree: Path, time_s: int) -> None:
    """Give every file the same owner's modes and the same time, whoever builds, and when."""
    for path in sorted(tree.rglob("*"), reverse=True):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        os.utime(path, (time_s, time_s), follow_symlinks=False)
    os.utime(tree, (time_s, time_s))


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "fuel-upgrade"
