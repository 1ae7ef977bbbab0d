"""Write node sources into a tree that is, or will be, the root of a node."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.system.files import make_folders, write_file


def write_tree(files: Mapping[str, str], into: Path) -> tuple[Path, ...]:
    """Write texts to their relative paths below ``into``, each atomically, and return the paths.

    All paths are checked before the first file is written.

    Raises:
        ValueError: a path is absolute or has ``..``, which no renderer returns.
        PreflightError: a link leads a path out of ``into``, or writing fails.
    """
    targets = {_inside(into, relative): text for relative, text in files.items()}
    try:
        for target, text in targets.items():
            make_folders(target.parent)
            write_file(target, text.encode())
    except OSError as error:
        raise PreflightError(
            f"{error.filename or into}: {error.strerror}; node sources were to be written there",
            remedy=f"make {into} writable and run the command again",
        ) from error
    return tuple(targets)


def _inside(into: Path, relative: str) -> Path:
    parts = PurePosixPath(relative)
    if parts.is_absolute() or ".." in parts.parts or not parts.name:
        raise ValueError(f"{relative!r} is not a path below a root")
    target = into / parts
    if not target.parent.resolve().is_relative_to(into.resolve()):
        raise PreflightError(
            f"{target} lies outside {into}: a folder on the way is a link to elsewhere",
            remedy=f"remove the link or give another folder than {into}",
        )
    return target
