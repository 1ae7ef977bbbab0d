"""Compare two apt repos by the identities of their entries, reading each index once."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, compress
from typing import Self

from fuel_upgrade.repo.apt.columns import Columns
from fuel_upgrade.repo.apt.suite import AptIndex, AptSuite
from fuel_upgrade.repo.diff import RepoDiff, classified
from fuel_upgrade.repo.package import Identity, Package, fingerprint_of
from fuel_upgrade.repo.repo import Entry, QuickDiff
from fuel_upgrade.repo.version import compare_deb
from fuel_upgrade.system.beside import beside

ALGORITHM = "sha256"
_Row = tuple[Identity, Entry]


def quick_diff(base: AptSuite, current: AptSuite, inherited: Sequence[Package]) -> QuickDiff | None:
    """Return what :func:`fuel_upgrade.repo.diff.diff` returns, or None if a SHA-256 is missing.

    Raises:
        BundleError: an index is damaged or malformed, or entries contradict each other.
    """
    try:
        with beside(partial(_Side.read, base), lambda side, _: side) as base_side:
            now = _Side.read(current)
            new = now.identities
            before = base_side(None).sharing(new)
    except KeyError:
        return None
    taken = {package.identity(ALGORITHM): package for package in inherited}
    old = before.identities
    old.update(zip(taken, taken, strict=True))
    changed = old.keys() ^ new.keys()
    names = set(map(_name, chain(changed, taken)))
    names |= {name for name, _ in before.places(now) ^ now.places(before)}
    base_rows, current_rows = before.rows_of(names), now.rows_of(names)
    groups = classified(_packages(base_rows) | taken, _packages(current_rows), compare=compare_deb)
    whole = RepoDiff(
        algorithm=ALGORITHM,
        **groups,
        inherited=tuple(sorted(filter(old.__contains__, new))),
        result_bytes=now.total_bytes(),
        base_fingerprint=fingerprint_of(old, ALGORITHM),
        result_fingerprint=fingerprint_of(new, ALGORITHM),
    )
    carried = now.chosen(new.keys() - old.keys(), current_rows)
    return QuickDiff(whole, _entries(base_rows), _entries(current_rows), carried)


def _packages(rows: Iterable[_Row]) -> dict[Identity, Package]:
    return {identity: entry.package for identity, entry in rows}


def _entries(rows: Iterable[_Row]) -> tuple[Entry, ...]:
    return tuple(entry for _, entry in rows)


def _name(identity: Identity) -> str:
    return identity[: identity.index(" ")]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Entries of the indexes of a suite, by their positions; iteration reads the stanzas."""

    parts: Sequence[tuple[AptIndex, bytes]]
    packages: Sequence[Package]

    def __iter__(self) -> Iterator[Entry]:
        packages = iter(self.packages)
        for index, is_chosen in self.parts:
            for stanza in compress(index.stanzas(), is_chosen) if any(is_chosen) else ():
                yield index.entry(next(packages), stanza)


@dataclass(frozen=True, slots=True)
class _Side:
    """All entries of a suite, which do not contradict each other."""

    suite: AptSuite
    parts: Sequence[tuple[AptIndex, Sequence[Columns]]]

    @classmethod
    def read(cls, suite: AptSuite) -> Self:
        """Read every index.

        Raises:
            BundleError, KeyError: as :meth:`AptIndex.columns`; two entries contradict each other.
        """
        parts = [(index, tuple(index.columns())) for index in suite.indexes]
        side = cls(suite, parts)
        side.require_no_contradiction()
        return side

    def sharing(self, known: dict[Identity, Identity]) -> "_Side":
        """Return the same with the texts of ``known`` identities, which saves memory."""
        parts = [(index, [columns.sharing(known) for columns in c]) for index, c in self.parts]
        return replace(self, parts=parts)

    @property
    def identities(self) -> dict[Identity, Identity]:
        """Distinct identities, in the order of the indexes."""
        every = list(chain.from_iterable(columns.identities for columns in self._columns()))
        return dict(zip(every, every, strict=True))

    def _columns(self) -> Iterator[Columns]:
        return (columns for _, every in self.parts for columns in every)

    def require_no_contradiction(self) -> None:
        """Refuse two entries of one file, or of one name, version and architecture.

        Equal entries may repeat. The exact comparison is only needed if something repeats.

        Raises:
            BundleError: two entries contradict each other.
        """
        files, packages, count = set[int](), set[int](), 0
        for columns in self._columns():
            keys = [identity.rpartition(" ")[0] for identity in columns.identities]
            files.update(map(hash, columns.all_locations()))
            packages.update(map(hash, keys))
            count += len(keys)
        if not len(files) == len(packages) == count and self._has_two_contents(files, packages):
            _ = self.suite.packages  # reports the contradiction

    def _has_two_contents(self, files: Collection[int], packages: Collection[int]) -> bool:
        entries, contents = set[int](), set[int]()
        for columns in self._columns():
            sized = list(zip(columns.identities, columns.all_sizes(), strict=True))
            contents.update(map(hash, sized))
            entries.update(map(hash, zip(columns.all_locations(), sized, strict=True)))
        return len(files) < len(entries) or len(packages) < len(contents)

    def total_bytes(self) -> int:
        """Return the size of all files, each once; entries do not contradict each other."""
        sizes: dict[str, int] = {}
        for columns in self._columns():
            sizes.update(zip(columns.all_locations(), columns.all_sizes(), strict=True))
        return sum(sizes.values())

    def places(self, other: "_Side") -> set[tuple[str, str]]:
        """Return names with their components, if the two suites have several."""
        if len({*self.suite.components, *other.suite.components}) <= 1:
            return set()
        return {
            (_name(identity), index.component)
            for index, every in self.parts
            for columns in every
            for identity in columns.identities
        }

    def rows_of(self, names: Collection[str]) -> list[_Row]:
        """Return the entries of packages in ``names``, without their stanzas."""
        rows: list[_Row] = []
        for index, every in self.parts:
            for columns in every:
                flags = [_name(i) in names for i in columns.identities]
                packages = columns.packages(flags)
                identities = compress(columns.identities, flags)
                rows += zip(identities, map(index.entry, packages), strict=True)
        return rows

    def chosen(self, identities: Collection[Identity], rows: Iterable[_Row]) -> Iterable[Entry]:
        """Return the entries of these identities, with their stanzas; ``rows`` has them all."""
        has = identities.__contains__
        parts = [
            (index, b"".join(bytes(map(has, columns.identities)) for columns in every))
            for index, every in self.parts
        ]
        return _Chosen(parts, [entry.package for identity, entry in rows if has(identity)])
