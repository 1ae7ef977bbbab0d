"""The packages that a master with the base repo needs to serve the current one."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import chain

from fuel_upgrade.repo.package import Identity, Package, by_identity, fingerprint_of
from fuel_upgrade.repo.version import Compare


@dataclass(frozen=True, slots=True)
class RepoDiff:
    """The packages of the current repo, classified by their change since the base.

    ``added``, ``upgraded``, ``rebuilt`` (same version, other content) and ``downgraded`` are
    carried by the diff repo; ``inherited`` are the identities of those that stay in the base;
    ``removed`` are those of the base whose (name, architecture) the current repo no longer has.
    ``result_bytes`` is the size of the files of the current repo.
    """

    algorithm: str
    added: tuple[Package, ...]
    upgraded: tuple[Package, ...]
    rebuilt: tuple[Package, ...]
    downgraded: tuple[Package, ...]
    inherited: tuple[Identity, ...]
    removed: tuple[Package, ...]
    result_bytes: int
    base_fingerprint: str
    result_fingerprint: str

    @property
    def carried(self) -> tuple[Package, ...]:
        """Return the packages that the diff repo must contain."""
        return (*self.added, *self.upgraded, *self.rebuilt, *self.downgraded)


def diff(
    base: Sequence[Package],
    current: Sequence[Package],
    *,
    algorithm: str,
    compare: Compare,
    hidden: Collection[Identity] = frozenset(),
) -> RepoDiff:
    """Compare two repos by (name, architecture, version, checksum), never by version alone.

    The version only selects the group of a carried package; ``compare`` is the order of the
    repo's package manager. ``hidden`` are identities in the base that not all nodes see: they are
    carried, as added. Each group is sorted by identity, so the result does not depend on the
    order of the indexes.

    Raises:
        KeyError: a package lacks the checksum ``algorithm``.
    """
    old, new = by_identity(base, algorithm), by_identity(current, algorithm)
    return RepoDiff(
        algorithm=algorithm,
        **classified(old, new, compare=compare, hidden=hidden),
        inherited=tuple(i for i in sorted(new) if i in old and i not in hidden),
        result_bytes=total_bytes(new.values()),
        base_fingerprint=fingerprint_of(old, algorithm),
        result_fingerprint=fingerprint_of(new, algorithm),
    )


def classified(
    old: Mapping[Identity, Package],
    new: Mapping[Identity, Package],
    *,
    compare: Compare,
    hidden: Collection[Identity] = frozenset(),
) -> dict[str, tuple[Package, ...]]:
    """Return the carried and the removed packages of a :class:`RepoDiff`, by its field names.

    Packages of other names have no influence, and may be missing.
    """
    classify = _Classifier(old.values(), new.values(), compare)
    groups: dict[str, list[Package]] = {
        name: [] for name in ("added", "upgraded", "rebuilt", "downgraded", "removed")
    }
    for identity in sorted(i for i in new if i not in old or i in hidden):
        package = new[identity]
        groups["added" if identity in hidden else classify(package)].append(package)
    gone = (i for i, p in old.items() if (p.name, p.architecture) not in classify.new.by_key)
    groups["removed"] = [old[identity] for identity in sorted(gone)]
    return {name: tuple(packages) for name, packages in groups.items()}


class _Classifier:
    """Selects the group of a package whose identity is not in the base."""

    def __init__(self, old: Iterable[Package], new: Iterable[Package], compare: Compare) -> None:
        self._old = _Versions(old, compare)
        self.new = _Versions(new, compare)
        self._compare = compare

    def __call__(self, package: Package) -> str:
        key = (package.name, package.architecture)
        if key not in self._old.by_key:
            return "added"
        if package.version in self._old.by_key[key]:
            return "rebuilt"
        newest_before = self._old.newest(key)
        if self._compare(package.version, newest_before) > 0:
            return "upgraded"
        went_down = self._compare(self.new.newest(key), newest_before) < 0
        return "downgraded" if went_down else "added"  # else: an older version in addition


class _Versions:
    """The versions of each name and architecture; the newest is searched once a key."""

    def __init__(self, packages: Iterable[Package], compare: Compare) -> None:
        self._order = cmp_to_key(compare)
        self._newest: dict[tuple[str, str], str] = {}
        self.by_key = defaultdict[tuple[str, str], list[str]](list)
        for package in packages:
            self.by_key[package.name, package.architecture].append(package.version)

    def newest(self, key: tuple[str, str]) -> str:
        versions = self.by_key[key]
        if len(versions) > 1 and key not in self._newest:
            self._newest[key] = max(versions, key=self._order)
        return self._newest.get(key, versions[0])


def total_bytes(*groups: Iterable[Package]) -> int:
    """Return the size of the packages' files, each file once."""
    sizes: dict[str, int] = {}
    for package in chain(*groups):
        sizes[package.location] = max(package.size_bytes, sizes.get(package.location, 0))
    return sum(sizes.values())
