"""The current repo's own indexes, carried unchanged, so that a full view can have them.

A diff repo is described by indexes of its own. Those of the repo that it was made from, with
their signatures, would be lost: no tool can make a signature again. So they travel beside, in a
folder of which no package manager knows.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.index_files import SMALLEST_FIRST
from fuel_upgrade.repo.apt.other_indexes import find_extras
from fuel_upgrade.repo.apt.repo import AptRepo, read_apt, suites
from fuel_upgrade.repo.apt.write_indexes import IndexChoice, suite_folder
from fuel_upgrade.repo.compare import Repo, detect_kind, read_repo
from fuel_upgrade.repo.description import CURRENT_FOLDER, DiffDescription
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.repo.yum.repo import index_files

SIGNED = ("Release", "InRelease", "Release.gpg")


def write_original(current: Repo, out: Path, choice: IndexChoice) -> tuple[str, ...]:
    """Copy the indexes of ``current`` into the side folder of the diff repo at ``out``.

    The kinds of those beside ``Packages`` are the chosen ones; each is whole.

    Returns:
        The files' paths relative to ``out``, as ``diff.yaml`` lists them.
    """
    return tuple(
        f"{CURRENT_FOLDER}/{name}" for name in write_indexes(current, out / CURRENT_FOLDER, choice)
    )


def write_indexes(repo: Repo, out: Path, choice: IndexChoice) -> tuple[str, ...]:
    """Copy a repo's own index files, byte for byte, to their places below ``out``.

    Of a ``Packages`` or other large file only the smallest form is taken: apt falls back on
    what is there of the forms that ``Release`` lists. Of a yum repo every file is taken that
    ``repomd.xml`` lists and the repo has.

    Returns:
        Their paths relative to ``out``, sorted.
    """
    found = _apt_files(repo, choice) if isinstance(repo, AptRepo) else index_files(repo.root)
    names = sorted(set(found))
    for name in names:
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(repo.root / name, target)
    return tuple(names)


def read_original(root: Path, description: DiffDescription) -> Repo | None:
    """Read the indexes that the diff repo at ``root`` carries; None where it carries none.

    Its packages' locations are those in the full repo; most of the files are not below ``root``.

    Raises:
        BundleError: a file that ``diff.yaml`` lists is gone, or an index is damaged.
    """
    if not description.original:
        return None
    if gone := [name for name in description.original if not (root / name).is_file()]:
        raise BundleError(
            f"{root}: diff.yaml lists {gone[0]}, which is not there",
            remedy="copy the diff repo whole, with its folder current/",
        )
    return read_repo(root / CURRENT_FOLDER)


def read_suites(root: Path) -> Iterator[Repo]:
    """Read every suite of the apt repo, or the yum repo, at ``root``.

    Raises:
        BundleError: it is no repo, or an index is damaged.
    """
    if detect_kind(root) is RepoKind.YUM:
        yield read_repo(root)
        return
    yield from (read_apt(root, suite=name) for name in suites(root))


def _apt_files(repo: AptRepo, choice: IndexChoice) -> Iterator[str]:
    folder = suite_folder(repo)
    indexes = [f"{c}/binary-{a}" for c in repo.components for a in repo.architectures]
    texts = [e.stem for e in find_extras(folder, repo.components) if choice.carries(e)]
    names = [*SIGNED, *(f"{index}/Release" for index in indexes)]
    for stem in [*(f"{index}/Packages" for index in indexes), *texts]:
        forms = [stem + suffix for suffix in SMALLEST_FIRST]
        names += [form for form in forms if (folder / form).is_file()][:1]
    yield from (f"dists/{repo.suite}/{name}" for name in names if (folder / name).is_file())
