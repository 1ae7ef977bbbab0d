"""Reading from disk what a proof compares."""

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.repo import AptRepo
from fuel_upgrade.repo.apt.write_indexes import IndexChoice
from fuel_upgrade.repo.compare import (
    Comparison,
    Repo,
    compare_repos,
    holding_of,
    open_repo,
    opened_repo,
    read_repo,
    walk,
    with_computed,
)
from fuel_upgrade.repo.description import FILE_NAME, DiffDescription
from fuel_upgrade.repo.package import Identity, RepoKind
from fuel_upgrade.repo.proof.dependencies import DependencyReport, check
from fuel_upgrade.repo.proof.prove import Proof, prove, prove_alone
from fuel_upgrade.repo.proof.requirements import read_apt_requirements, read_yum_requirements
from fuel_upgrade.repo.repo_contents import Holding
from fuel_upgrade.repo.report.package_changes import Change, Listed, RepoReport, find_changes
from fuel_upgrade.repo.version import compare_deb, compare_rpm


@dataclass(frozen=True, slots=True)
class Suites:
    """The apt suites to read where a repo has several."""

    base: str | None = None
    diff: str | None = None
    current: str | None = None


def prove_written(comparison: Comparison, root: Path, *, expected: DiffDescription) -> Proof:
    """Prove the diff repo at ``root`` by what its files say, against what was compared.

    ``expected`` is the comparison's own description.

    Raises:
        BundleError: it is damaged, or no diff repo.
    """
    found = read_description(root)
    return _prove(comparison, open_repo(root), found=found, expected=expected)


def _prove(
    comparison: Comparison, repo: Repo, *, found: DiffDescription, expected: DiffDescription
) -> Proof:
    algorithm, pool = comparison.diff.algorithm, dict[Identity, Identity]()
    current = holding_of(comparison.current, (), algorithm, pool=pool)
    left = (package.identity(algorithm) for package in comparison.base_inherited)
    base = holding_of(comparison.base, left, algorithm, pool=pool)
    diff = _diff_holding(repo, found, algorithm, pool)
    return prove(base, diff, current, found=found, expected=expected)


def describe(comparison: Comparison) -> DiffDescription:
    """Return the description that the diff repo of this comparison has by default."""
    found = DiffDescription.of(comparison.diff, comparison.kind, changes_of(comparison))
    return replace(found, dropped=IndexChoice().dropped(comparison.current))


def changes_of(comparison: Comparison) -> tuple[Change, ...]:
    """Return the changes from the base to the current repo, name by name."""
    compare = compare_deb if comparison.kind is RepoKind.APT else compare_rpm
    algorithm, names = comparison.diff.algorithm, None
    if comparison.touched is not None:
        names = comparison.touched | _moved(comparison)
    left = (p for p in comparison.base_inherited if names is None or p.name in names)
    return find_changes(
        chain(_listed(comparison.base, algorithm, names), map(Listed, left)),
        _listed(comparison.current, algorithm, names),
        algorithm=algorithm,
        compare=compare,
    )


def _listed(repo: Repo, algorithm: str, names: Collection[str] | None) -> Iterator[Listed]:
    """Give the packages of ``names``, or all; those of an apt repo with their component."""
    found = walk(repo, algorithm, names)
    return (Listed(package, component or None) for (component, _), package in found)


def _moved(comparison: Comparison) -> set[str]:
    """Name the packages that are not in the components that they were in."""
    base, current = comparison.base, comparison.current
    if not isinstance(base, AptRepo) or not isinstance(current, AptRepo):
        return set()
    if len({*base.components, *current.components}) == 1:
        return set()
    places = [
        {(p.name, component) for (component, _), p in walk(repo, comparison.diff.algorithm)}
        for repo in (base, current)
    ]
    return {name for name, _ in places[0] ^ places[1]}


def report_repos(base: Path, current: Path, *, suites: Suites, name: str = "") -> RepoReport:
    """Report what changed from ``base`` to ``current``, each a folder or an archive.

    Only indexes are read: neither needs its packages.

    Raises:
        ConfigError, BundleError: as ``compare_repos``.
    """
    with (
        tempfile.TemporaryDirectory(prefix="fuel-upgrade-") as folder,
        opened_repo(base, scratch=Path(folder)) as base_root,
        opened_repo(current, scratch=Path(folder)) as current_root,
    ):
        compared = compare_repos(
            base_root, current_root, suite=suites.current, base_suite=suites.base
        )
        return describe(compared).report(name or f"{base} -> {current}")


def prove_repos(
    base: Path, diff: Path, current: Path, *, suites: Suites, check_dependencies: bool = False
) -> tuple[Proof, DependencyReport | None]:
    """Prove that ``base`` and ``diff``, folders or archives, are together ``current``.

    No package is opened: the indexes are enough. The dependencies of the release are checked
    where that is asked for.

    Raises:
        ConfigError: one of them does not exist, or they are of different kinds.
        BundleError: one is damaged, or ``diff`` is no diff repo.
    """
    with (
        tempfile.TemporaryDirectory(prefix="fuel-upgrade-") as name,
        opened_repo(base, scratch=Path(name)) as base_root,
        opened_repo(diff, scratch=Path(name)) as diff_root,
        opened_repo(current, scratch=Path(name)) as current_root,
    ):
        found = read_description(diff_root)
        compared = compare_repos(
            base_root,
            current_root,
            suite=suites.current,
            base_suite=suites.base,
            algorithm=found.algorithm,
        )
        written = open_repo(diff_root, suite=suites.diff)
        proof = _prove(compared, written, found=found, expected=describe(compared))
        return proof, dependencies_of(compared.current) if check_dependencies else None


def prove_ready(repo: Repo) -> Proof:
    """Prove of a diff repo that was made elsewhere that its ``diff.yaml`` is its own.

    Raises:
        BundleError: the description is malformed.
    """
    found = read_description(repo.root)
    return prove_alone(_diff_holding(repo, found, found.algorithm, {}), found)


def read_description(root: Path) -> DiffDescription:
    """Read the ``diff.yaml`` of a diff repo.

    Raises:
        BundleError: there is none, or it is malformed.
    """
    path = root / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BundleError(
            f"{path}: {error.strerror}: expected the root of a diff repo",
            remedy="name a folder or archive that fuel-upgrade repo diff made",
        ) from error
    return DiffDescription.parse(text, source=str(path))


def read_dependencies(root: Path, *, suite: str | None = None) -> DependencyReport:
    """Check the dependencies of the full repo at ``root``, a folder or an archive.

    Raises:
        ConfigError, BundleError: as ``opened_repo`` and ``read_repo``.
    """
    with (
        tempfile.TemporaryDirectory(prefix="fuel-upgrade-") as name,
        opened_repo(root, scratch=Path(name)) as folder,
    ):
        return dependencies_of(read_repo(folder, suite=suite))


def dependencies_of(repo: Repo) -> DependencyReport:
    """Check that each package of a full repo finds there what it depends on."""
    if isinstance(repo, AptRepo):
        return check(read_apt_requirements(repo.iter_entries()))
    return check(read_yum_requirements(repo))


def _diff_holding(
    repo: Repo, found: DiffDescription, algorithm: str, pool: dict[Identity, Identity]
) -> Holding:
    try:
        return holding_of(repo, found.inherited, algorithm, pool=pool)
    except KeyError:
        repo = with_computed(repo)
    try:
        return holding_of(repo, found.inherited, algorithm, pool=pool)
    except KeyError as error:
        raise BundleError(
            f"{repo.root}: diff.yaml is by {algorithm}, which its index does not have",
            remedy="make the diff repo again with fuel-upgrade repo diff",
        ) from error
