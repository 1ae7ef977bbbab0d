"""Removes files from the tree that an operator never runs."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from runtime_tree.errors import run
from runtime_tree.wheels import SITE

# Of the standard library: development, graphics, and modules that read settings of the host
# (sitecustomize). The rest stays: the imports of libraries are not known here.
_STDLIB = (
    "EXTERNALLY-MANAGED", "LICENSE.txt", "config-*", "distutils", "_distutils_system_mod.py",
    "ensurepip", "idlelib", "lib2to3", "pydoc_data", "sitecustomize.py", "test", "tkinter",
    "turtle.py", "turtledemo", "venv", "unittest/test", "*/test", "*/tests",
)  # fmt: skip
_DYNLOAD = (
    "_crypt.*", "_curses*", "_dbm.*", "_gdbm.*", "_test*", "_tkinter.*", "_xx*", "nis.*",
    "ossaudiodev.*", "readline.*", "xx*",
)  # fmt: skip
_PACKAGES = (
    "**/__pycache__", "**/*.pyi", "**/*.c", "**/*.h", "**/*.pxd", "**/*.pyx", "*/test", "*/tests",
    "**/test_data", "zstandard/*cffi*", "*.dist-info/sboms", "alembic/testing",
    "sqlalchemy/testing", "sqlalchemy/dialects/mysql", "sqlalchemy/dialects/oracle",
    "sqlalchemy/dialects/mssql",
)  # fmt: skip


def prune(tree: Path, python: str) -> None:
    """Remove modules from the tree that nothing in it imports."""
    stdlib = tree / "lib" / python
    _remove(stdlib, _STDLIB)
    _remove(stdlib / "lib-dynload", _DYNLOAD)
    _remove(tree / SITE, _PACKAGES)


def strip_modules(tree: Path) -> None:
    """Remove the debug information from compiled modules.

    Wheels that bring libraries are left alone: the tool that put these in has moved parts of the
    files, in a way that strip does not always keep.
    """
    site = tree / SITE
    patched = {path.name.removesuffix(".libs") for path in site.glob("*.libs")}
    modules = [path for path in sorted(site.rglob("*.so")) if not _is_of(path, site, patched)]
    run(["strip", "--strip-debug", *map(str, modules)], remedy="install binutils")


def _is_of(path: Path, site: Path, packages: set[str]) -> bool:
    return path.relative_to(site).parts[0].removesuffix(".libs") in packages


def _remove(folder: Path, patterns: Iterable[str]) -> None:
    for path in [path for pattern in patterns for path in folder.glob(pattern)]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
