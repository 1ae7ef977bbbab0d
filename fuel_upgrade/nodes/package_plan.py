"""Plan the change of each package of a node that brings it to a release. Pure."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cmp_to_key
from typing import Any, Self

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.chain_content import RepoContent
from fuel_upgrade.nodes.installed_packages import Installed
from fuel_upgrade.nodes.sources import NodeSource
from fuel_upgrade.repo.package import Package, RepoKind, common_algorithm
from fuel_upgrade.repo.version import version_order

_ANY_ARCHITECTURE = ("all", "noarch")
_NATIVE = {RepoKind.APT: "amd64", RepoKind.YUM: "x86_64"}


class Change(StrEnum):
    """The change of an installed package."""

    UNCHANGED = "unchanged"
    UPGRADE = "upgrade"
    REINSTALL = "reinstall"
    DOWNGRADE = "downgrade"
    REMOVED = "removed"
    HELD = "held"
    KEPT_BACK = "kept-back"
    FOREIGN = "foreign"


ACTIVE = (Change.UPGRADE, Change.REINSTALL, Change.DOWNGRADE)


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One installed package; ``target`` is its package in the release, or None."""

    change: Change
    installed: Installed
    target: Package | None

    def to_json(self) -> dict[str, Any]:
        """Return the form of ``--json``."""
        return {
            "change": self.change.value,
            "name": self.installed.name,
            "architecture": self.installed.architecture,
            "installed": self.installed.version,
            "release": self.target.version if self.target else None,
        }


@dataclass(frozen=True, slots=True)
class NodePlan:
    """Every installed package with its change, sorted by name."""

    items: tuple[PlanItem, ...]

    def of(self, *changes: Change) -> tuple[PlanItem, ...]:
        """Return the items of these kinds."""
        return tuple(item for item in self.items if item.change in changes)

    def keeping_back(self, keys: Container[str]) -> Self:
        """Return the plan with upgrades and downgrades of these packages (by key) kept back."""
        moves = (Change.UPGRADE, Change.DOWNGRADE)
        return type(self)(
            tuple(
                replace(item, change=Change.KEPT_BACK)
                if item.change in moves and item.installed.key in keys
                else item
                for item in self.items
            )
        )

    def counts(self) -> dict[str, int]:
        """Return the number of packages for every kind of change."""
        numbers = Counter(item.change for item in self.items)
        return {change.value: numbers[change] for change in Change}


class Chain:
    """The packages in the repos of a chain, by name. ``contents`` are newest first."""

    def __init__(self, contents: Sequence[RepoContent], kind: RepoKind) -> None:
        self.contents = tuple(contents)
        self.kind = kind
        self.algorithm = _shared_algorithm(contents)
        self.compare = version_order(kind)
        self._release = _by_name(contents[0].release)
        self._all = _by_name(p for content in contents for p in content.release)
        self._located = {
            (package.identity(self.algorithm)): (content.source, package)
            for content in reversed(contents)
            for package in content.packages
        }

    def candidates(self, name: str, architecture: str) -> tuple[Package, ...]:
        """Return the release's packages that may replace an installed one, highest first."""
        fitting = self._fitting(self._release, name, architecture)
        order = cmp_to_key(self.compare)
        return tuple(sorted(fitting, key=lambda p: order(p.version), reverse=True))

    def checksums(self, package: Installed) -> frozenset[str]:
        """Return all checksums of this version in the chain."""
        fitting = self._fitting(self._all, package.name, package.architecture)
        return frozenset(self.digest(p) for p in fitting if p.version == package.version)

    def is_ambiguous(self, package: Installed) -> bool:
        """Return whether the chain has several contents of the installed version."""
        return len(self.checksums(package)) > 1

    def release_copies(self, name: str, version: str) -> tuple[Package, ...]:
        """Return the release's packages of a name and version, with size and location if known."""
        copies = (p for p in self._release.get(name, ()) if p.version == version)
        return tuple(self.located(p)[1] for p in copies)

    def located(self, package: Package) -> tuple[NodeSource | None, Package]:
        """Return the source that carries a package, and the package as in its index."""
        return self._located.get(package.identity(self.algorithm), (None, package))

    def has(self, name: str) -> bool:
        """Return whether any repo of the chain has a package of that name."""
        return name in self._all

    def digest(self, package: Package) -> str:
        """Return the checksum by the algorithm of the whole chain."""
        return package.digest(self.algorithm)

    def _fitting(
        self, packages: Mapping[str, Sequence[Package]], name: str, architecture: str
    ) -> list[Package]:
        """A package for all architectures and one for the native one can replace each other."""
        own = _NATIVE[self.kind] if architecture in _ANY_ARCHITECTURE else architecture
        accepted = (own, *_ANY_ARCHITECTURE)
        return [p for p in packages.get(name, ()) if p.architecture in accepted]


def plan_node(installed: Iterable[Installed], chain: Chain, known: Mapping[str, str]) -> NodePlan:
    """Plan the change of each installed package.

    ``known`` maps :attr:`Installed.key` to the checksum of the installed file, if that is proved.
    If the chain has several contents of a version, it counts as unchanged only if it is proved to
    be the release's: a second install is cheap, and a wrong content is the fault that diffs by
    checksum exist to repair. A version in no repo of the chain is foreign: it is upgraded if the
    release has a higher one, and otherwise kept, as with a full repo of the release.
    """
    packages = tuple(installed)
    older = _older_copies(packages, chain)
    return NodePlan(
        tuple(
            PlanItem(Change.FOREIGN, package, None)
            if package in older
            else _item(package, chain, known.get(package.key))
            for package in packages
        )
    )


def _older_copies(packages: Iterable[Installed], chain: Chain) -> frozenset[Installed]:
    """Return all but the highest of packages installed several times (kernels of rpm)."""
    highest: dict[str, Installed] = {}
    older = set()
    for package in packages:
        other = highest.setdefault(package.key, package)
        if other is not package:
            is_higher = chain.compare(package.version, other.version) > 0
            highest[package.key] = package if is_higher else other
            older.add(other if is_higher else package)
    return frozenset(older)


def _item(package: Installed, chain: Chain, known: str | None) -> PlanItem:
    candidates = chain.candidates(package.name, package.architecture)
    target = candidates[0] if candidates else None
    change = _change(package, candidates, chain, known)
    if package.held and change in (*ACTIVE, Change.REMOVED):
        change = Change.HELD
    return PlanItem(change, package, target)


def _change(
    package: Installed, candidates: Sequence[Package], chain: Chain, known: str | None
) -> Change:
    from_chain = bool(chain.checksums(package))
    if not candidates:
        return Change.REMOVED if from_chain else Change.FOREIGN
    version = candidates[0].version
    if package.version == version:
        release = {chain.digest(p) for p in candidates if p.version == version}
        is_same = known in release if known else chain.checksums(package) == release
        return Change.UNCHANGED if is_same else Change.REINSTALL
    order = chain.compare(package.version, version)
    if order < 0:
        return Change.UPGRADE
    if order == 0:  # "1.0-1" and "0:1.0-1" are one version to dpkg
        return Change.REINSTALL
    return Change.DOWNGRADE if from_chain else Change.FOREIGN


def _shared_algorithm(contents: Sequence[RepoContent]) -> str:
    packages = [p for content in contents for p in content.release]
    algorithm = common_algorithm(packages, packages)
    if algorithm is None:
        raise ConfigError(
            "the repos of the chain have no kind of checksum in common, "
            "so equal packages cannot be distinguished from rebuilt ones",
            remedy="rebuild the indexes of the repos with SHA-256 checksums",
        )
    return algorithm


def _by_name(packages: Iterable[Package]) -> dict[str, list[Package]]:
    by_name: dict[str, list[Package]] = {}
    for package in packages:
        by_name.setdefault(package.name, []).append(package)
    return by_name
