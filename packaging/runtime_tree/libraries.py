"""The shared libraries that programs in the tree need, and no others."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from runtime_tree.errors import BuildError, run
from runtime_tree.interpreter import LOADER, Interpreter

# Loaded when it is needed, so that no program names it: the end of a thread needs the first.
_LOADED_LATER = ("libgcc_s.so.1",)
_FOLDERS = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")
_ELF = b"\x7fELF"


def add_loader(debian: Path, interpreter: Interpreter) -> None:
    """Copy the loader and libraries that are loaded later from unpacked packages into the tree."""
    for name in (LOADER, *_LOADED_LATER):
        _copy(_find(debian, name), interpreter.libraries / name)


def add_libraries(debian: Path, interpreter: Interpreter) -> None:
    """Copy the libraries that the tree's programs and modules need into its ``lib``.

    Raises:
        BuildError: a library is neither in the tree nor in the unpacked packages.
    """
    places = ":".join(str(debian / folder) for folder in _FOLDERS)
    for program in _programs(interpreter.tree):
        loader = str(interpreter.libraries / LOADER)
        argv = [loader, "--inhibit-cache", "--library-path", places, "--list", str(program)]
        listed = run(argv, remedy=f"leave {program.name} out, if nothing imports it")
        for name, where in re.findall(r"^\s*(\S+) => (.+?)(?: \(0x\w+\))?$", listed, re.MULTILINE):
            _add(name, where, debian, interpreter, program)


def _add(name: str, where: str, debian: Path, interpreter: Interpreter, program: Path) -> None:
    path = Path(where)
    if path.is_relative_to(interpreter.tree):
        return
    if not path.is_relative_to(debian):
        raise BuildError(
            f"{program}: needs {name}, which none of the Debian packages has ({where})",
            remedy="name its package in packaging/runtime_tree/debs.py",
        )
    if not (interpreter.libraries / name).exists():
        _copy(path, interpreter.libraries / name)


def _programs(tree: Path) -> Iterator[Path]:
    """Yield programs and modules; libraries of a wheel's own are listed with the module."""
    own = (f"*/lib/{LOADER}", "*.libs/*")
    for path in sorted(tree.rglob("*")):
        if path.is_file() and not path.is_symlink() and not any(path.match(name) for name in own):
            with path.open("rb") as file:
                if file.read(len(_ELF)) == _ELF:
                    yield path


def _find(debian: Path, name: str) -> Path:
    for folder in _FOLDERS:
        if (debian / folder / name).exists():
            return debian / folder / name
    raise BuildError(f"no Debian package has {name}", remedy="correct runtime_tree/debs.py")


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o755 if target.name == LOADER else 0o644)
