"""Open and read repos, folders or archives, apt or yum."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from fuel_upgrade.errors import BundleError, ConfigError, UpgradeError
from fuel_upgrade.repo.apt.repo import AptRepo, read_apt
from fuel_upgrade.repo.apt.suite import SuiteChoiceError, suites
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.repo.repo import Repo
from fuel_upgrade.system.unpacked import unpacked

_REPO_PARTS = ("dists", "repodata")  # the only folders of a repo without packages


class Role(Enum):
    """The part of a repo in a command, as errors name it."""

    BASE = "base repo"
    CURRENT = "current repo"
    DIFF = "diff repo"
    FULL = "full repo"


_SUITE_OPTIONS = {Role.BASE: "--base-suite", Role.DIFF: "--diff-suite"}


def detect_kind(root: Path) -> RepoKind:
    """Return the kind of the repo at ``root``.

    Raises:
        BundleError: it is no repo, or both kinds.
    """
    apt, yum = bool(suites(root)), (root / "repodata/repomd.xml").exists()
    if apt == yum:
        neither = "neither dists/*/ nor repodata/repomd.xml, and no Packages of a flat repo"
        actual = "both dists/ and repodata/" if apt else neither
        raise BundleError(
            f"{root}: expected an apt or a yum repo, found {actual}",
            remedy="name the folder that holds dists/ or repodata/, or the folder that is the URL"
            " of a flat repo",
        )
    return RepoKind.APT if apt else RepoKind.YUM


@contextmanager
def opened_repo(path: Path, role: Role, *, scratch: Path) -> Iterator[Path]:
    """Yield the root of a repo: ``path`` if it is a folder, else unpacked below ``scratch``.

    Errors inside that are about this repo name it by its role and ``path``.

    Raises:
        ConfigError: ``path`` does not exist.
        BundleError: the archive is damaged, or holds no repo.
    """
    with (
        unpacked(path, scratch, parts=_REPO_PARTS, kind="repo") as root,
        naming(role, path, root),
    ):
        yield root


@contextmanager
def naming(role: Role, path: Path, root: Path) -> Iterator[None]:
    """Add to each error about a file below ``root`` that it is of the repo ``path``."""
    try:
        yield
    except (BundleError, ConfigError) as error:
        if error.side is not None or not error.what.startswith((f"{root}/", f"{root}:")):
            raise
        side = f"the {role.value} {path}"
        raise error.amended(side=side, remedy=f"{_remedy(error, role)} ({side})") from error


def _remedy(error: UpgradeError, role: Role) -> str:
    if isinstance(error, SuiteChoiceError) and role in _SUITE_OPTIONS:
        return f"name one of them with {_SUITE_OPTIONS[role]}"
    return error.remedy


def read_repo(root: Path, *, suite: str | None = None) -> Repo:
    """Read the indexes of the apt or yum repo at ``root``.

    Raises:
        ConfigError, BundleError: as :func:`detect_kind`, ``read_apt`` and ``YumRepo.read``.
    """
    return read_apt(root, suite=suite) if detect_kind(root) is RepoKind.APT else _read_yum(root)


def open_repo(root: Path, *, suite: str | None = None) -> Repo:
    """Check the indexes as :func:`read_repo` does, but parse them only when needed.

    Raises:
        ConfigError, BundleError: as :func:`read_repo`.
    """
    is_apt = detect_kind(root) is RepoKind.APT
    return AptRepo.open(root, suite=suite) if is_apt else _open_yum(root)


def read_suites(root: Path) -> Iterator[Repo]:
    """Read every suite of the apt repo, or the yum repo, at ``root``.

    Raises:
        BundleError: it is no repo, or an index is damaged.
    """
    if detect_kind(root) is RepoKind.YUM:
        yield _read_yum(root)
        return
    yield from (read_apt(root, suite=name) for name in suites(root))


def _open_yum(root: Path) -> Repo:
    from fuel_upgrade.repo.yum.repo import YumRepo  # noqa: PLC0415 - not loaded for apt

    return YumRepo.open(root)


def _read_yum(root: Path) -> Repo:
    repo = _open_yum(root)
    _ = repo.packages  # reports a malformed entry now, not at the first use
    return repo
