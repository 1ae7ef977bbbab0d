"""Refuses a repo whose entries contradict each other: nothing says which one is true."""

from collections.abc import Iterable

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.package import Package, PackageKey

ALL = "all"
"""The architecture of the apt index that nodes read in addition to that of their own."""


class Contradictions:
    """Compares each entry of a repo with those before it; ``source`` names the repo in errors.

    All entries of a file are about one package of one content, and so are all entries of a name,
    version and architecture that a node reads together. Equal entries may repeat.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._files: dict[str, Package] = {}
        self._packages: dict[str, dict[PackageKey, Package]] = {}

    def add(self, package: Package, architecture: str = "") -> None:
        """Compare an entry of the index of an architecture.

        Raises:
            BundleError: it contradicts an earlier entry.
        """
        if (first := self._files.setdefault(package.location, package)) is not package:
            self._compare(first, package)
        key = package.key
        own = self._packages.setdefault(architecture, {})
        together = self._packages if architecture == ALL else {architecture, ALL}
        for place in together:
            other = self._packages.get(place, own).get(key)
            if other is not None and other is not first:
                self._compare(other, package)
        own.setdefault(key, package)

    def _compare(self, one: Package, other: Package) -> None:
        if fault := _difference(one, other):
            places = " and ".join(dict.fromkeys((one.location, other.location)))
            raise BundleError(
                f"{self._source}: two entries contradict each other, {one} at {places}: {fault}",
                remedy="rebuild the repo's indexes from its packages",
            )


def _difference(one: Package, other: Package) -> str | None:
    if one.key != other.key:
        return f"one file is {one} and {other}"
    if one.size_bytes != other.size_bytes:
        return f"{one.size_bytes} and {other.size_bytes} bytes"
    if one.digests == other.digests:
        return None
    sums = dict(other.digests)
    return next(
        (f"{a} {value} and {sums[a]}" for a, value in one.digests if sums.get(a, value) != value),
        None,
    )


def refuse_contradictions(packages: Iterable[Package], *, source: str) -> None:
    """Compare all entries of one index.

    Raises:
        BundleError: two entries contradict each other.
    """
    contradictions = Contradictions(source)
    for package in packages:
        contradictions.add(package)
