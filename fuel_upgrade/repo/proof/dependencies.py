"""Check the dependencies of a release within itself, by the rules of dpkg and rpm."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, cmp_to_key
from typing import Any

from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.repo.requirements import Need, Offer, PackageSet, Relation, Requirements
from fuel_upgrade.repo.version import Compare, version_order

_HOLDS: Mapping[str, Callable[[int], bool]] = {
    "<<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    "=": lambda order: order == 0,
    ">=": lambda order: order >= 0,
    ">>": lambda order: order > 0,
}
_SAME_ARCHITECTURE = ("", "native")


@dataclass(frozen=True, slots=True)
class Unmet:
    """A dependency that the release does not meet; ``architecture`` is that of the index."""

    package: str
    need: str
    architecture: str

    def __str__(self) -> str:
        where = f" ({self.architecture})" if self.architecture else ""
        return f"{self.package} needs {self.need}{where}"

    def to_json(self) -> dict[str, str]:
        """Return the form that ``--json`` prints."""
        return {"package": self.package, "needs": self.need, "architecture": self.architecture}


@dataclass(frozen=True, slots=True)
class DependencyReport:
    """Counts of packages and dependencies, and those that are unmet or unchecked."""

    packages: int
    dependencies: int
    unmet: tuple[Unmet, ...]
    unchecked: tuple[Unmet, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``--json`` prints."""
        return {
            "packages": self.packages,
            "dependencies": self.dependencies,
            "unmet": [one.to_json() for one in self.unmet],
            "unchecked": [one.to_json() for one in self.unchecked],
        }


def check(sets: Iterable[PackageSet]) -> DependencyReport:
    """Look for every dependency among the packages of its own set.

    Sources: deb-control(5) and Debian Policy 7 for apt; rpm-dependencies(7) for yum.
    """
    packages = dependencies = 0
    unmet: dict[Unmet, None] = {}
    unchecked: dict[Unmet, None] = {}
    for one in sets:
        packages += len(one.packages)
        for package, need, met in _Market(one).judge():
            dependencies += 1
            if met is not True:
                group = unmet if met is False else unchecked
                group[Unmet(package.package, need.text, one.architecture)] = None
    return DependencyReport(packages, dependencies, tuple(unmet), tuple(unchecked))


class _Market:
    """The offers of one set by name, with the results for alternatives so far."""

    def __init__(self, packages: PackageSet) -> None:
        self._set = packages
        self._offers: dict[str, list[Offer]] = {}
        for package in packages.packages:
            for offer in package.offers:
                self._offers.setdefault(offer.name, []).append(offer)
        self._order = version_order(packages.kind)
        self._offered_by_key: dict[tuple[str, bool], _Offered] = {}
        self._known: dict[Relation, bool | None] = {}

    def judge(self) -> Iterator[tuple[Requirements, Need, bool | None]]:
        """Yield each dependency and whether it is met; None if that cannot be checked."""
        for package in self._set.packages:
            for need in package.needs:
                answers = {self._answer(relation) for relation in need.alternatives} or {None}
                yield package, need, True if True in answers else None if None in answers else False

    def _answer(self, relation: Relation) -> bool | None:
        if relation not in self._known:
            self._known[relation] = self._look_up(relation)
        return self._known[relation]

    def _look_up(self, relation: Relation) -> bool | None:
        if self._set.kind is RepoKind.YUM:
            return self._meets_rpm(relation)
        if relation.qualifier not in (*_SAME_ARCHITECTURE, "any", self._set.architecture):
            return None  # a package of another architecture: not in this index
        return self._meets_deb(relation)

    def _meets_deb(self, relation: Relation) -> bool:
        """A virtual package without a version meets no dependency with one."""
        is_any = relation.qualifier == "any"
        offered = self._offered((relation.name, is_any), lambda offer: offer.crosses or not is_any)
        if not relation.operator:
            return offered.exists
        return offered.versions.include(relation.operator, relation.version)

    def _meets_rpm(self, relation: Relation) -> bool:
        """A release counts only where both name one; an offer without a version meets all."""
        offered = self._offered((relation.name, False), lambda _: True)
        if not relation.operator or offered.is_unversioned:
            return offered.exists
        version, dash, _ = relation.version.partition("-")
        if not dash:
            return offered.bases.include(relation.operator, version)
        return offered.releases.include(
            relation.operator, relation.version
        ) or offered.without_release.include(relation.operator, version)

    def _offered(self, key: tuple[str, bool], counts: Callable[[Offer], bool]) -> "_Offered":
        if key not in self._offered_by_key:
            offers = filter(counts, self._offers.get(key[0], ()))
            self._offered_by_key[key] = _Offered(tuple(offers), self._order)
        return self._offered_by_key[key]


class _Offered:
    """The offers of one name; each group of versions is sorted when it is first needed."""

    def __init__(self, offers: Sequence[Offer], order: Compare) -> None:
        self._order = order
        self._versions = {offer.version for offer in offers if offer.version is not None}
        self.exists = bool(offers)
        self.is_unversioned = any(offer.version is None for offer in offers)

    @cached_property
    def versions(self) -> "_Versions":
        """All versions."""
        return _Versions(self._versions, self._order)

    @cached_property
    def releases(self) -> "_Versions":
        """The versions with a release."""
        return _Versions((v for v in self._versions if "-" in v), self._order)

    @cached_property
    def without_release(self) -> "_Versions":
        """The versions without a release."""
        return _Versions((v for v in self._versions if "-" not in v), self._order)

    @cached_property
    def bases(self) -> "_Versions":
        """All versions, without their releases."""
        return _Versions({v.partition("-")[0] for v in self._versions}, self._order)


class _Versions:
    """Versions in an order."""

    def __init__(self, versions: Iterable[str], order: Compare) -> None:
        self._order, self._key = order, cmp_to_key(order)
        self._sorted = sorted(versions, key=self._key)

    def include(self, operator: str, version: str) -> bool:
        """Return whether one of them is in this relation to ``version``."""
        if not self._sorted:
            return False
        index = {"<": 0, ">": -1}.get(operator[0])
        if index is None:
            place = bisect_left(self._sorted, self._key(version), key=self._key)
            index = min(place, len(self._sorted) - 1)
        return _HOLDS[operator](self._order(self._sorted[index], version))
