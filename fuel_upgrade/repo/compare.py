"""Compare two repos of one kind by checksum."""

from collections.abc import Sequence
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
class Comparison:
    """The current repo, and the changes of its packages since the base.

    ``base_inherited`` are the packages that the base, if it is a diff repo, inherits itself.
    ``quick`` has the entries of those that may have changed, where the comparison was quick.
    ``readings`` are those of base and current for the proof by SHA-256, if they run already.
    """

    current: Repo
    diff: RepoDiff
    base: Repo
    base_inherited: tuple[Package, ...] = ()
    quick: QuickDiff | None = None
    readings: tuple[Reading, ...] | None = None

    @property
    def kind(self) -> RepoKind:
        """The kind of both repos."""
        return self.current.kind


def compare_repos(  # noqa: PLR0913 - two repos, their suites and the purpose
    base_root: Path,
    current_root: Path,
    *,
    suite: str | None = None,
    base_suite: str | None = None,
    algorithm: str | None = None,
    will_prove: bool = False,
) -> Comparison:
    """Read two repos and compare them by checksum, by ``algorithm`` if given.

    The checksums come from the indexes; if the two have no algorithm in common, the files of both
    are hashed. If the base is a diff repo, its inherited packages count as its own: a release
    that builds on it gets the repos of the base as well. With ``will_prove`` the library of the
    proof begins to read beside the comparison.

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
    inherited = read_inherited(base_root)
    if algorithm in (None, _COMPUTED) and _one_index_holds_all(base, current):
        readings = current.read_both_for_proof(base, _COMPUTED) if will_prove else None
        quick = current.quick_diff(base, inherited)
        if quick is not None:
            return Comparison(current, quick.diff, base, inherited, quick, readings)
    return _compare_packages(base, current, inherited, algorithm)


def _compare_packages(
    base: Repo, current: Repo, inherited: tuple[Package, ...], algorithm: str | None
) -> Comparison:
    """Compare by ``algorithm``, by the best one that both have, or by one computed of files."""
    algorithm = algorithm or common_algorithm((*base.packages, *inherited), current.packages)
    if algorithm in (None, _COMPUTED):  # hashes no file if the index has its checksum
        algorithm = _COMPUTED
        base, current = with_computed(base), with_computed(current)
    try:
        changes = diff(
            (*base.packages, *inherited),
            current.packages,
            algorithm=algorithm,
            compare=version_order(current.kind),
            hidden=_hidden(base, inherited, current, algorithm),
        )
    except KeyError as error:
        raise BundleError(
            f"{base.root}: its diff.yaml has no {algorithm} checksums, {current.root} no others",
            remedy="use the full repo as the base",
        ) from error
    return Comparison(current, changes, base, inherited)


def _hidden(
    base: Repo, inherited: Sequence[Package], current: Repo, algorithm: str
) -> frozenset[Identity]:
    """Return the packages of the base to carry all the same: some nodes do not see them there."""
    if _one_index_holds_all(base, current):
        return frozenset()
    taken = (package.identity(algorithm) for package in inherited)
    old, new = (Reading("", repo.identities(algorithm)) for repo in (base, current))
    unseen = hidden(holding_of(base, old, taken), holding_of(current, new, ()))
    return frozenset().union(*unseen.values())


def _one_index_holds_all(base: Repo, current: Repo) -> bool:
    """Return whether both repos have one and the same architecture, as every yum repo has."""
    architectures = {architecture for _, architecture in base.index_names}
    return len(architectures) == 1 and architectures == {a for _, a in current.index_names}


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
