"""Check the dependencies of a release within itself, by the rules of dpkg and rpm."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.repo.requirements import Need, Offer, PackageSet, Relation, Requirements
from fuel_upgrade.repo.version import compare_deb, compare_rpm

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
        offers = self._offers.get(relation.name, [])
        if self._set.kind is RepoKind.YUM:
            return any(_meets_rpm(offer, relation) for offer in offers)
        if relation.qualifier not in (*_SAME_ARCHITECTURE, "any", self._set.architecture):
            return None  # a package of another architecture: not in this index
        return any(_meets_deb(offer, relation) for offer in offers)


def _meets_deb(offer: Offer, relation: Relation) -> bool:
    if relation.qualifier == "any" and not offer.crosses:
        return False
    if not relation.operator:
        return True
    if offer.version is None:
        return False  # a virtual package without a version meets no versioned dependency
    return _HOLDS[relation.operator](compare_deb(offer.version, relation.version))


def _meets_rpm(offer: Offer, relation: Relation) -> bool:
    if not relation.operator or offer.version is None:
        return True
    one, other = offer.version, relation.version
    if "-" not in one or "-" not in other:  # a release counts only where both name one
        one, other = one.partition("-")[0], other.partition("-")[0]
    return _HOLDS[relation.operator](compare_rpm(one, other))
