"""Reading two repos, folders or archives of one kind, and comparing them."""

import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.repo.apt.fast_diff import quick_diff
from fuel_upgrade.repo.apt.repo import AptRepo, open_apt, read_apt, suites
from fuel_upgrade.repo.apt.stanza import identity_by_sha256
from fuel_upgrade.repo.description import FILE_NAME, DiffDescription
from fuel_upgrade.repo.diff import RepoDiff, diff
from fuel_upgrade.repo.package import Identity, Package, RepoKind, common_algorithm
from fuel_upgrade.repo.repo_contents import Holding, IndexName, hidden
from fuel_upgrade.repo.version import compare_deb, compare_rpm
from fuel_upgrade.repo.yum.repo import YumRepo, read_yum
from fuel_upgrade.system.archive import ArchiveReader, extract
from fuel_upgrade.system.compression import open_stream
from fuel_upgrade.system.files import hash_file

Repo = AptRepo | YumRepo
_COMPUTED = "sha256"
_REPO_PARTS = ("dists", "repodata")  # all that a repo without packages may hold


@dataclass(frozen=True, slots=True)
class Comparison:
    """The current repo and what became of its packages since the base.

    ``base_inherited`` is what the base, where it is a diff repo itself, leaves to its own base.
    ``touched`` are the names of packages that may not be as they were, None where not known.
    """

    current: Repo
    diff: RepoDiff
    base: Repo
    base_inherited: tuple[Package, ...] = ()
    touched: frozenset[str] | None = None

    @property
    def kind(self) -> RepoKind:
        """The kind of both repos."""
        return RepoKind.APT if isinstance(self.current, AptRepo) else RepoKind.YUM


def detect_kind(root: Path) -> RepoKind:
    """Tell an apt repo from a yum repo.

    Raises:
        BundleError: it is neither, or both.
    """
    apt, yum = bool(suites(root)), (root / "repodata/repomd.xml").exists()
    if apt == yum:
        found = "both dists/ and repodata/" if apt else "neither dists/*/ nor repodata/repomd.xml"
        raise BundleError(
            f"{root}: expected an apt or a yum repo, found {found}",
            remedy="name the folder that holds dists/ or repodata/",
        )
    return RepoKind.APT if apt else RepoKind.YUM


@contextmanager
def opened_repo(path: Path, *, scratch: Path) -> Iterator[Path]:
    """Give the root of a repo that is a folder or a tar archive, unpacked below ``scratch``.

    Raises:
        ConfigError: there is nothing at ``path``.
        BundleError: the archive is damaged, or holds no repo.
    """
    if path.is_dir():
        yield path
        return
    if not path.is_file():
        raise ConfigError(f"{path}: no such folder or archive", remedy="name an existing repo")
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=scratch))
    try:
        with open_stream(path) as stream:
            extract(ArchiveReader(stream, name=str(path)), folder)
        yield _root_inside(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _root_inside(folder: Path) -> Path:
    """Archives often hold one folder that holds the repo (``ubuntu-repo/``)."""
    inside = list(folder.iterdir())
    is_wrapped = len(inside) == 1 and inside[0].is_dir() and inside[0].name not in _REPO_PARTS
    return inside[0] if is_wrapped else folder


def read_repo(root: Path, *, suite: str | None = None) -> Repo:
    """Read the indexes of the apt or yum repo at ``root``.

    Raises:
        ConfigError, BundleError: as :func:`detect_kind`, ``read_apt`` and ``read_yum``.
    """
    if detect_kind(root) is RepoKind.APT:
        return read_apt(root, suite=suite)
    return read_yum(root)


def compare_repos(
    base_root: Path,
    current_root: Path,
    *,
    suite: str | None = None,
    base_suite: str | None = None,
    algorithm: str | None = None,
) -> Comparison:
    """Read two repos and compare them by checksum, of kind ``algorithm`` if that is given.

    The checksums come from the indexes; where the two have no kind in common, the files of
    both are read for it. Where the base is itself a diff repo, what it inherits counts as its
    own: a release that builds on it gets its base's repos as well.

    Raises:
        ConfigError: they are of different kinds.
        BundleError: one of them is damaged.
    """
    base = open_repo(base_root, suite=base_suite)
    current = open_repo(current_root, suite=suite)
    if type(base) is not type(current):
        raise ConfigError(
            f"{base_root} and {current_root}: one is an apt repo, the other a yum repo",
            remedy="compare two repos of one kind",
        )
    inherited = _inherited(base_root)
    if isinstance(base, AptRepo) and isinstance(current, AptRepo):
        quick = None
        if algorithm in (None, _COMPUTED) and _one_index_holds_all(base, current):
            quick = quick_diff(base, current, inherited)
        if quick is not None:
            return Comparison(current, quick.diff, base, inherited, quick.touched)
    return _compare_packages(base, current, inherited, algorithm)


def open_repo(root: Path, *, suite: str | None = None) -> Repo:
    """Find and check the indexes as :func:`read_repo` does, but parse those of apt only when used.

    Raises:
        ConfigError, BundleError: as :func:`read_repo`.
    """
    if detect_kind(root) is RepoKind.APT:
        return open_apt(root, suite=suite)
    return read_yum(root)


def _compare_packages(
    base: Repo, current: Repo, inherited: tuple[Package, ...], algorithm: str | None
) -> Comparison:
    """Compare by the wanted or the best checksum that both have, or by one computed of files."""
    algorithm = algorithm or common_algorithm((*base.packages, *inherited), current.packages)
    if algorithm in (None, _COMPUTED):  # reads no file where the index has it
        algorithm = _COMPUTED
        base, current = with_computed(base), with_computed(current)
    compare = compare_deb if isinstance(current, AptRepo) else compare_rpm
    try:
        found = diff(
            (*base.packages, *inherited),
            current.packages,
            algorithm=algorithm,
            compare=compare,
            hidden=_hidden(base, inherited, current, algorithm),
        )
    except KeyError as error:
        raise BundleError(
            f"{base.root}: its diff.yaml has no {algorithm} checksums, {current.root} no others",
            remedy="use the full repo as the base",
        ) from error
    return Comparison(current, found, base, inherited)


def holding_of(
    repo: Repo,
    inherited: Iterable[Identity],
    algorithm: str,
    *,
    pool: dict[Identity, Identity] | None = None,
) -> Holding:
    """Return what the repo offers, index by index, and what it inherits.

    Holdings that are made with one ``pool`` share their identities: most packages are in all.

    Raises:
        KeyError: a package lacks the checksum ``algorithm``.
    """
    once = (pool if pool is not None else {}).setdefault
    indexes: dict[IndexName, set[Identity]] = {("", ""): set()}
    if isinstance(repo, AptRepo):
        indexes = {(c, a): set() for c in repo.components for a in repo.architectures}
    for name, identity in _identities(repo, algorithm):
        indexes[name].add(once(identity, identity))
    frozen = {name: frozenset(found) for name, found in indexes.items()}
    return Holding(frozen, frozenset(once(identity, identity) for identity in inherited))


def _identities(repo: Repo, algorithm: str) -> Iterator[tuple[IndexName, Identity]]:
    if isinstance(repo, YumRepo) or algorithm != _COMPUTED or repo.computed:
        return ((name, package.identity(algorithm)) for name, package in walk(repo, algorithm))
    return (
        ((index.component, index.architecture), identity_by_sha256(s, source=str(index.path)))
        for index in repo.indexes
        for s in index.stanzas()
    )


def walk(
    repo: Repo, algorithm: str, names: Collection[str] | None = None
) -> Iterator[tuple[IndexName, Package]]:
    """Give the packages of every index, one at a time, with at least the checksum ``algorithm``.

    Of the packages of ``names`` alone, if they are given.

    Raises:
        KeyError: one lacks it. BundleError: an index is damaged or malformed.
    """
    if isinstance(repo, YumRepo):
        return ((("", ""), p) for p in repo.packages if names is None or p.name in names)
    return (
        ((entry.component, entry.index_architecture), entry.package)
        for entry in repo.iter_entries(algorithm=algorithm, names=names)
    )


def _hidden(
    base: Repo, inherited: Sequence[Package], current: Repo, algorithm: str
) -> frozenset[Identity]:
    """Return what must be carried although the base has it: not every node finds it there."""
    if not isinstance(base, AptRepo) or not isinstance(current, AptRepo):
        return frozenset()
    if _one_index_holds_all(base, current):
        return frozenset()
    left = (package.identity(algorithm) for package in inherited)
    found = hidden(holding_of(base, left, algorithm), holding_of(current, (), algorithm))
    return frozenset().union(*found.values())


def _one_index_holds_all(base: AptRepo, current: AptRepo) -> bool:
    return len(base.architectures) == 1 and base.architectures == current.architectures


def _inherited(root: Path) -> tuple[Package, ...]:
    path = root / FILE_NAME
    if not path.exists():
        return ()
    text = path.read_text(encoding="utf-8", errors="replace")
    return DiffDescription.parse(text, source=str(path)).inherited_packages()


def with_computed(repo: Repo) -> Repo:
    """Add SHA-256 checksums of the files where the index has none.

    Raises:
        BundleError: a file cannot be read.
    """
    if all(_COMPUTED in dict(package.digests) for package in repo.packages):
        return repo
    if isinstance(repo, YumRepo):
        return replace(repo, packages=_hashed(repo.root, repo.packages))
    hashed = _hashed(repo.root, repo.packages)
    return replace(repo, computed={p.location: p.digest(_COMPUTED) for p in hashed})


def _hashed(root: Path, packages: Sequence[Package]) -> tuple[Package, ...]:
    values: dict[str, str] = {}
    for package in packages:
        if package.location not in values and _COMPUTED not in dict(package.digests):
            try:
                values[package.location] = hash_file(root / package.location, _COMPUTED)
            except OSError as error:
                raise BundleError(
                    f"{root}: {package} cannot be read for its checksum: {error}",
                    remedy="copy the repo again, with its packages",
                ) from error
    return tuple(
        replace(p, digests=(*p.digests, (_COMPUTED, values[p.location])))
        if p.location in values
        else p
        for p in packages
    )
