"""The current repo's own indexes, carried unchanged for the full view.

A diff repo has indexes of its own. The indexes of the current repo, and their signatures, would be
lost, and no tool can make a signature again. They travel in a folder that package managers ignore.
"""

import shutil
from pathlib import Path

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.description import CURRENT_FOLDER, DiffDescription
from fuel_upgrade.repo.read_repo import read_repo
from fuel_upgrade.repo.repo import IndexChoice, Repo


def write_original(current: Repo, out: Path, choice: IndexChoice) -> tuple[str, ...]:
    """Copy the indexes of ``current`` into the side folder of the diff repo at ``out``.

    ``choice`` selects the kinds of index beside ``Packages``; each is copied whole.

    Returns:
        The paths of the files relative to ``out``, as ``diff.yaml`` lists them.
    """
    names = copy_indexes(current, out / CURRENT_FOLDER, choice)
    return tuple(f"{CURRENT_FOLDER}/{name}" for name in names)


def copy_indexes(repo: Repo, out: Path, choice: IndexChoice) -> tuple[str, ...]:
    """Copy the index files of a repo, byte for byte, to the same paths below ``out``.

    Returns:
        Their paths relative to ``out``, sorted.
    """
    names = sorted(set(repo.index_files(choice)))
    for name in names:
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(repo.root / name, target)
    return tuple(names)


def read_original(root: Path, description: DiffDescription) -> Repo | None:
    """Read the original indexes in the diff repo at ``root``; None if it carries none.

    The locations of their packages are those in the full repo; most files are not below ``root``.

    Raises:
        BundleError: a file that ``diff.yaml`` lists is missing, or an index is damaged.
    """
    if not description.original:
        return None
    if missing := [name for name in description.original if not (root / name).is_file()]:
        raise BundleError(
            f"{root}: diff.yaml lists {missing[0]}, which does not exist",
            remedy="copy the diff repo whole, with its folder current/",
        )
    return read_repo(root / CURRENT_FOLDER)
