"""Compares the repos of an unpacked tarball with their descriptions in its header."""

from pathlib import Path

from fuel_upgrade.bundle.manifest import UPGRADE, RepoPart
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.repo.proof.read_proof import prove_ready
from fuel_upgrade.repo.read_repo import detect_kind, open_repo

_REMEDY = "build the tarball again with fuel-upgrade bundle build"


def check_repo(part: RepoPart, root: Path) -> None:
    """Check that the repo at ``root`` is the one that ``upgrade.yaml`` and ``diff.yaml`` describe.

    The indexes of a diff repo are read, which are small; those of a full repo are not.

    Raises:
        BundleError: it is another one.
    """
    try:
        kind = detect_kind(root)
        if kind is not part.kind:
            raise _other(part, kind.value)
        if kind is RepoKind.YUM and part.base is None:
            return
        repo = open_repo(root, suite=part.suite)
        if (part.suite, part.components) != (repo.suite, repo.components):
            raise _other(part, " ".join((repo.suite or "no suite", *repo.components)))
        if part.base is not None:
            prove_ready(repo).require(part.folder)
    except ConfigError as error:  # such as another suite
        raise BundleError(error.what, remedy=_REMEDY) from error


def _other(part: RepoPart, actual: str) -> BundleError:
    stated = " ".join((part.kind.value, part.suite or "no suite", *part.components))
    return BundleError(
        f"{part.folder}: {UPGRADE} describes {stated}, but it is {actual}", remedy=_REMEDY
    )
