"""Read the input of a proof from disk, and run it."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Self, TypeVar

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.compare import (
    Comparison,
    Pair,
    compare_pair,
    compare_repos,
    open_pair,
    with_computed,
)
from fuel_upgrade.repo.description import DiffDescription, require_description
from fuel_upgrade.repo.package import Identity
from fuel_upgrade.repo.proof.dependencies import DependencyReport, check
from fuel_upgrade.repo.proof.prove import Proof, prove, prove_alone, reading_faults
from fuel_upgrade.repo.read_repo import Role, open_repo, opened_repo, read_repo
from fuel_upgrade.repo.repo import Entry, IndexChoice, Reading, Repo
from fuel_upgrade.repo.repo_contents import Holding, holding_of
from fuel_upgrade.repo.report.package_changes import Change, Listed, RepoReport, find_changes
from fuel_upgrade.repo.version import version_order
from fuel_upgrade.system.beside import beside
from fuel_upgrade.system.collector import paused_collector

_QUICK = "sha256"
_Question = TypeVar("_Question")


@dataclass(frozen=True, slots=True)
class Suites:
    """The apt suites to read where a repo has several."""

    base: str | None = None
    diff: str | None = None
    current: str | None = None


@dataclass(frozen=True, slots=True)
class _Sides:
    """The base and the current repo as the library reads them; ``pool`` has their strings."""

    pair: Pair
    algorithm: str
    base: Holding
    current: Holding
    pool: dict[Identity, Identity]

    @classmethod
    def read(cls, pair: Pair, algorithm: str) -> Self:
        """Read both with the library.

        Raises:
            BundleError: the library refuses one of them.
        """
        pool = dict[Identity, Identity]()
        started = pair.current.read_both_for_proof(pair.base, algorithm)
        inherited = [package.identity(algorithm) for package in pair.base_inherited]
        base = _holding(pair.base, started[0], inherited, algorithm, pool)
        current = _holding(pair.current, started[1], (), algorithm, pool)
        for side in (base, current):
            side.fingerprint(algorithm)  # now, while the diff repo is written
        return cls(pair, algorithm, base, current, pool)


@contextmanager
def proving(
    pair: Pair, algorithm: str | None, prove: Callable[[_Sides, _Question], Proof]
) -> Iterator[Callable[[Comparison, _Question], Proof]]:
    """Yield a function that proves a comparison of ``pair``, for the question that it gets.

    A quick comparison is by SHA-256: then the library reads at once, beside this process.
    """

    def prove_here(comparison: Comparison, question: _Question) -> Proof:
        return prove(_Sides.read(comparison, comparison.diff.algorithm), question)

    if algorithm not in (None, _QUICK) or not pair.one_index_holds_all:
        yield prove_here
        return
    with beside(partial(_Sides.read, pair, _QUICK), prove) as ask:
        yield (
            lambda comparison, question: (
                ask(question) if comparison.quick else prove_here(comparison, question)
            )
        )


def prove_written(sides: _Sides, written: tuple[Path, DiffDescription]) -> Proof:
    """Prove the diff repo at a path, written from the comparison of both sides.

    The description is that of the comparison; its inheritance is not used.

    Raises:
        BundleError: it is damaged, or no diff repo.
    """
    root, expected = written
    return _prove(sides, open_repo(root), require_description(root), expected)


def _prove(sides: _Sides, repo: Repo, actual: DiffDescription, expected: DiffDescription) -> Proof:
    diff = _diff_holding(repo, actual, sides.algorithm, sides.pool)
    proof = prove(sides.base, diff, sides.current, actual=actual, expected=expected)
    if proof.proved:
        return proof
    # The indexes are read once more, to tell a wrong diff repo from an ambiguous index.
    ambiguous = [
        fault
        for read, by_library in ((sides.pair.base, sides.base), (sides.pair.current, sides.current))
        for fault in reading_faults(
            holding_of(read, Reading("", read.identities(sides.algorithm)), ()), by_library
        )
    ]
    return replace(proof, faults=(*ambiguous, *proof.faults))


def describe(comparison: Comparison) -> DiffDescription:
    """Return the description of the diff, without the indexes that its repo leaves out."""
    return DiffDescription.of(comparison.diff, comparison.kind, changes_of(comparison))


def changes_of(comparison: Comparison) -> tuple[Change, ...]:
    """Return the changes from the base to the current repo, name by name."""
    algorithm, quick = comparison.diff.algorithm, comparison.quick
    base: Iterable[Entry] = quick.base if quick else comparison.base.entries(algorithm=algorithm)
    current = quick.current if quick else comparison.current.entries(algorithm=algorithm)
    names = {entry.package.name for side in (base, current) for entry in side} if quick else None
    inherited = (p for p in comparison.base_inherited if names is None or p.name in names)
    return find_changes(
        chain(_listed(base), map(Listed, inherited)),
        _listed(current),
        algorithm=algorithm,
        compare=version_order(comparison.kind),
    )


def _listed(entries: Iterable[Entry]) -> Iterator[Listed]:
    """Yield the packages of entries; those of an apt repo with their component."""
    return (Listed(entry.package, entry.component or None) for entry in entries)


@paused_collector()
def report_repos(base: Path, current: Path, *, suites: Suites, name: str = "") -> RepoReport:
    """Report the changes from ``base`` to ``current``, each a folder or an archive.

    Only indexes are read: neither needs its packages.

    Raises:
        ConfigError, BundleError: as ``open_pair`` and ``compare_pair``.
    """
    with (
        tempfile.TemporaryDirectory(prefix="fuel-upgrade-") as folder,
        opened_repo(base, Role.BASE, scratch=Path(folder)) as base_root,
        opened_repo(current, Role.CURRENT, scratch=Path(folder)) as current_root,
    ):
        compared = compare_repos(
            base_root, current_root, suite=suites.current, base_suite=suites.base
        )
        for repo in (compared.base, compared.current):
            repo.require_well_formed()
        dropped = compared.current.dropped(IndexChoice())
        described = replace(describe(compared), dropped=dropped)
        return described.report(name or f"{base} -> {current}")


@paused_collector()
def prove_repos(
    base: Path, diff: Path, current: Path, *, suites: Suites, check_dependencies: bool = False
) -> tuple[Proof, DependencyReport | None]:
    """Prove that ``base`` and ``diff``, folders or archives, are together ``current``.

    No package is opened: the indexes are enough. ``check_dependencies`` also checks the
    dependencies of the release.

    Raises:
        ConfigError: one of them does not exist, or they are of different kinds.
        BundleError: one is damaged, or ``diff`` is no diff repo.
    """
    with (
        tempfile.TemporaryDirectory(prefix="fuel-upgrade-") as name,
        opened_repo(base, Role.BASE, scratch=Path(name)) as base_root,
        opened_repo(diff, Role.DIFF, scratch=Path(name)) as diff_root,
        opened_repo(current, Role.CURRENT, scratch=Path(name)) as current_root,
    ):
        actual = require_description(diff_root)
        written = open_repo(diff_root, suite=suites.diff)
        pair = open_pair(base_root, current_root, suite=suites.current, base_suite=suites.base)

        def prove_it(sides: _Sides, expected: DiffDescription) -> Proof:
            return _prove(sides, written, actual, expected)

        with proving(pair, actual.algorithm, prove_it) as ask:
            for repo in (pair.base, written, pair.current):
                repo.require_well_formed()
            compared = compare_pair(pair, algorithm=actual.algorithm)
            proof = ask(compared, describe(compared))
        return proof, dependencies_of(compared.current) if check_dependencies else None


def prove_ready(repo: Repo) -> Proof:
    """Prove that the ``diff.yaml`` of a diff repo made elsewhere belongs to it.

    Raises:
        BundleError: the description is malformed.
    """
    actual = require_description(repo.root)
    return prove_alone(_diff_holding(repo, actual, actual.algorithm, {}), actual)


def read_dependencies(root: Path, *, suite: str | None = None) -> DependencyReport:
    """Check the dependencies of the full repo at ``root``, a folder or an archive.

    Raises:
        ConfigError, BundleError: as ``opened_repo`` and ``read_repo``.
    """
    with (
        tempfile.TemporaryDirectory(prefix="fuel-upgrade-") as name,
        opened_repo(root, Role.FULL, scratch=Path(name)) as folder,
    ):
        return dependencies_of(read_repo(folder, suite=suite))


def dependencies_of(repo: Repo) -> DependencyReport:
    """Check the dependencies of every package of a full repo within that repo."""
    return check(repo.requirements())


def _diff_holding(
    repo: Repo, actual: DiffDescription, algorithm: str, pool: dict[Identity, Identity]
) -> Holding:
    reading = repo.read_for_proof(algorithm)
    try:
        return holding_of(repo, reading, actual.inherited, pool=pool)
    except KeyError:
        repo = with_computed(repo)
        return _holding(repo, repo.read_for_proof(algorithm), actual.inherited, algorithm, pool)


def _holding(
    repo: Repo,
    reading: Reading,
    inherited: Iterable[Identity],
    algorithm: str,
    pool: dict[Identity, Identity],
) -> Holding:
    try:
        return holding_of(repo, reading, inherited, pool=pool)
    except KeyError as error:
        raise BundleError(
            f"{repo.root}: a proof by {algorithm} is not possible: its index does not have it",
            remedy="make the diff repo again with fuel-upgrade repo diff, or reindex this repo",
        ) from error
