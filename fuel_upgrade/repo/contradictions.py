"""Refuses a repo whose entries contradict each other: nothing says which one is true."""

from array import array
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


class EntryHashes:
    """Hashes of entries, in a fraction of the memory: they show whether a closer look is needed.

    A collision (64 bits, with a new key in each process) is not to be expected.
    """

    def __init__(self) -> None:
        self._files, self._entries, self._keys, self._contents = (array("q") for _ in range(4))

    def add(self, package: Package) -> None:
        """Add an entry."""
        file, key = hash(package.location), hash(package.key)
        content = hash((key, package.size_bytes, package.digests))
        self._files.append(file)
        self._entries.append(hash((file, content)))
        self._keys.append(key)
        self._contents.append(content)

    def may_contradict(self, further: Iterable[Package]) -> bool:
        """Return whether two of these and of further entries may contradict each other."""
        added = EntryHashes()
        for package in further:
            added.add(package)
        files, entries = {*self._files, *added._files}, {*self._entries, *added._entries}
        if len(files) < len(entries):
            return True
        keys, contents = {*self._keys, *added._keys}, {*self._contents, *added._contents}
        return len(keys) < len(contents)
