"""Compare two repos of one kind by checksum."""

from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.repo.description import read_inherited
from fuel_upgrade.repo.diff import RepoDiff, diff
from fuel_upgrade.repo.package import Identity, Package, RepoKind, common_algorithm
from fuel_upgrade.repo.read_repo import open_repo
from fuel_upgrade.repo.repo import QuickDiff, Reading, Repo
from fuel_upgrade.repo.repo_contents import hidden, holding_of
from fuel_upgrade.repo.version import version_order
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.system.hashing import on_all_cores

_COMPUTED = "sha256"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two repos of one kind.

    ``base_inherited`` are the packages that the base, if it is a diff repo, inherits itself.
    """

    base: Repo
    current: Repo
    base_inherited: tuple[Package, ...]

    @property
    def kind(self) -> RepoKind:
        """The kind of both repos."""
        return self.current.kind

    @property
    def one_index_holds_all(self) -> bool:
        """Whether both repos have one and the same architecture, as every yum repo has."""
        architectures = {architecture for _, architecture in self.base.index_names}
        return len(architectures) == 1 and architectures == {a for _, a in self.current.index_names}


@dataclass(frozen=True, slots=True)
class Comparison(Pair):
    """A pair, and the changes of the packages since the base.

    ``quick`` has the entries of those that may have changed, where the comparison was quick.
    """

    diff: RepoDiff
    quick: QuickDiff | None = None


def open_pair(
    base_root: Path, current_root: Path, *, suite: str | None = None, base_suite: str | None = None
) -> Pair:
    """Open two repos to be compared.

    Raises:
        ConfigError: they are of different kinds.
        BundleError: one of them is damaged.
    """
    base = open_repo(base_root, suite=base_suite)
    current = open_repo(current_root, suite=suite)
    if base.kind is not current.kind:
        raise ConfigError(
            f"{base_root} and {current_root}: one is an apt repo, the other a yum repo",
            remedy="compare two repos of one kind",
        )
    return Pair(base, current, read_inherited(base_root))


def compare_pair(pair: Pair, *, algorithm: str | None = None) -> Comparison:
    """Read two repos and compare them by checksum, by ``algorithm`` if given.

    The checksums come from the indexes; if the two have no algorithm in common, the files of both
    are hashed. If the base is a diff repo, its inherited packages count as its own: a release
    that builds on it gets the repos of the base as well.

    Raises:
        BundleError: one of them is damaged.
    """
    base, current, inherited = pair.base, pair.current, pair.base_inherited
    if algorithm in (None, _COMPUTED) and pair.one_index_holds_all:
        quick = current.quick_diff(base, inherited)
        if quick is not None:
            return Comparison(base, current, inherited, quick.diff, quick)
    return _compare_packages(pair, algorithm)


def compare_repos(base_root: Path, current_root: Path, **suites: str | None) -> Comparison:
    """Open and compare two repos, as :func:`open_pair` and :func:`compare_pair`."""
    return compare_pair(open_pair(base_root, current_root, **suites))


def _compare_packages(pair: Pair, algorithm: str | None) -> Comparison:
    """Compare by ``algorithm``, by the best one that both have, or by one computed of files."""
    base, current, inherited = pair.base, pair.current, pair.base_inherited
    algorithm = algorithm or common_algorithm((*base.packages, *inherited), current.packages)
    if algorithm in (None, _COMPUTED):  # hashes no file if the index has its checksum
        algorithm = _COMPUTED
        base, current = with_computed(base), with_computed(current)
    computed = Pair(base, current, inherited)
    try:
        changes = diff(
            (*base.packages, *inherited),
            current.packages,
            algorithm=algorithm,
            compare=version_order(current.kind),
            hidden=_hidden(computed, algorithm),
        )
    except KeyError as error:
        raise BundleError(
            f"{base.root}: its diff.yaml has no {algorithm} checksums, {current.root} no others",
            remedy="use the full repo as the base",
        ) from error
    return Comparison(base, current, inherited, changes)


def _hidden(pair: Pair, algorithm: str) -> frozenset[Identity]:
    """Return the packages of the base to carry all the same: some nodes do not see them there."""
    if pair.one_index_holds_all:
        return frozenset()
    taken = (package.identity(algorithm) for package in pair.base_inherited)
    old, new = (Reading("", repo.identities(algorithm)) for repo in (pair.base, pair.current))
    unseen = hidden(holding_of(pair.base, old, taken), holding_of(pair.current, new, ()))
    return frozenset().union(*unseen.values())


def with_computed(repo: Repo) -> Repo:
    """Add SHA-256 checksums, computed from the files, to packages whose index has none.

    Raises:
        BundleError: a file cannot be read.
    """
    unknown = {p.location: p for p in repo.packages if _COMPUTED not in dict(p.digests)}

    def compute(package: Package) -> str:
        try:
            return hash_file(repo.root / package.location, _COMPUTED)
        except OSError as error:
            raise BundleError(
                f"{repo.root}: {package} cannot be read for its checksum: {error}",
                remedy="copy the repo again, with its packages",
            ) from error

    if not unknown:
        return repo
    sums = on_all_cores(compute, unknown.values())
    return repo.with_sha256(dict(zip(unknown, sums, strict=True)))
