"""Recovery volumes, which restore lost and damaged volumes: PAR 2.0 files by the program par2."""

from collections.abc import Sequence
from pathlib import Path

from fuel_upgrade.errors import CommandError
from fuel_upgrade.system.process import run

SUFFIX = ".par2"
# Time grows with blocks times recovery blocks; damage costs at least a block (measured).
_BLOCKS = 500
_TIMEOUT_S = 24 * 3600


def add_recovery(volumes: Sequence[Path], percent: int, name: str) -> tuple[Path, ...]:
    """Write recovery volumes beside the volumes; together they restore so much of the data.

    Raises:
        CommandError: par2 is missing, or failed.
    """
    folder = volumes[0].parent
    total_bytes = sum(path.stat().st_size for path in volumes)
    block_bytes = -(-total_bytes // _BLOCKS // 4 + 1) * 4 if total_bytes > 4 * _BLOCKS else 4
    largest = max(path.stat().st_size for path in volumes)
    files = max(1, -(-total_bytes * percent // 100 // largest))
    argv = ["create", "-q", "-q", f"-s{block_bytes}", f"-r{percent}", f"-n{files}", "-u"]
    _par2([*argv, "--", f"{name}{SUFFIX}", *(path.name for path in volumes)], folder)
    return tuple(sorted(folder.glob(f"{name}*{SUFFIX}")))


def repair(paths: Sequence[Path], scratch: Path) -> tuple[Path, ...]:
    """Restore volumes into ``scratch`` from the given files, which stay as they are.

    Return the volumes there; none if there is no recovery volume, or too few.

    Raises:
        CommandError: par2 is missing.
    """
    recovery = [path for path in paths if path.name.endswith(SUFFIX)]
    if not recovery:
        return ()
    links = {}
    for number, path in enumerate(paths):
        is_taken = (scratch / path.name).is_symlink()
        links[path] = scratch / (f"{number}-{path.name}" if is_taken else path.name)
        links[path].symlink_to(path.absolute())  # par2 writes new files and moves these aside
    try:
        first, *others = sorted(links, key=lambda path: path not in recovery)
        names = (links[path].name for path in (first, *others))
        _par2(["repair", "-q", "-q", "-N", "--", *names], scratch)
    except CommandError as error:
        if error.returncode is None:
            raise
        return ()
    return tuple(p for p in sorted(scratch.iterdir()) if not p.name.endswith(SUFFIX))


def _par2(argv: Sequence[str], folder: Path) -> None:
    run(["par2", *argv], timeout_s=_TIMEOUT_S, cwd=folder, package="par2")
