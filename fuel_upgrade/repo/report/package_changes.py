"""The changes between two repos, as the renderers print them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cmp_to_key
from typing import Any, Self

from fuel_upgrade.errors import FORMAT
from fuel_upgrade.repo.package import Package
from fuel_upgrade.repo.version import Compare

_NONE = "-"
_UNKNOWN = "?"
_FIELDS = 10  # in the line of a change


class ChangeKind(Enum):
    """The change of a name and architecture, in the order of the report."""

    REBUILT = "rebuilt"
    UPGRADED = "upgraded"
    DOWNGRADED = "downgraded"
    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Listed:
    """A package as an index lists it; the component of an apt repo, None if unknown."""

    package: Package
    component: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One name and architecture whose packages are not the same on both sides.

    ``old`` and ``new`` are the versions that only one side has, or has in another content;
    ``kept`` those that both have. Sizes are of ``old`` and ``new`` in bytes, None if unknown.
    A restored package is the same on both sides, and in ``old`` and ``new`` for its size.
    Components are empty if unknown or absent.
    """

    kind: ChangeKind
    name: str
    architecture: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    kept: tuple[str, ...]
    old_bytes: int | None
    new_bytes: int | None
    old_components: tuple[str, ...] = ()
    new_components: tuple[str, ...] = ()

    @property
    def moved(self) -> bool:
        """Whether a package of both sides changed its component."""
        both = bool(self.old_components and self.new_components)
        return both and self.old_components != self.new_components

    def to_json(self) -> dict[str, Any]:
        """Return the form that the JSON report has."""
        return {
            "kind": self.kind.value,
            "name": self.name,
            "architecture": self.architecture,
            "old_versions": list(self.old),
            "new_versions": list(self.new),
            "kept_versions": list(self.kept),
            "old_bytes": self.old_bytes,
            "new_bytes": self.new_bytes,
            "old_components": list(self.old_components),
            "new_components": list(self.new_components),
        }

    def line(self) -> str:
        """Return the line in ``diff.yaml``: words separated by one space."""
        lists = (self.old, self.new, self.kept)
        sizes = (self.old_bytes, self.new_bytes)
        places = (self.old_components, self.new_components)
        return " ".join(
            (
                self.kind.value,
                self.name,
                self.architecture,
                *(",".join(values) or _NONE for values in lists),
                *(_UNKNOWN if size is None else str(size) for size in sizes),
                *(",".join(values) or _NONE for values in places),
            )
        )

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line of ``diff.yaml``; ValueError if it is malformed."""
        words = line.split(" ")
        if len(words) != _FIELDS:
            raise ValueError(f"{line!r} is not a change: {_FIELDS} words")
        kind, name, architecture, old, new, kept, old_bytes, new_bytes, before, after = words
        return cls(
            ChangeKind(kind),
            name,
            architecture,
            _split(old),
            _split(new),
            _split(kept),
            None if old_bytes == _UNKNOWN else int(old_bytes),
            None if new_bytes == _UNKNOWN else int(new_bytes),
            _split(before),
            _split(after),
        )


def _split(word: str) -> tuple[str, ...]:
    return () if word == _NONE else tuple(word.split(","))


@dataclass(frozen=True, slots=True)
class RepoReport:
    """The changes of one repo, and both sides in packages and bytes; None if unknown."""

    name: str
    old_packages: int | None
    new_packages: int
    old_bytes: int | None
    new_bytes: int
    changes: tuple[Change, ...]
    note: str = ""

    def of_kind(self, kind: ChangeKind) -> tuple[Change, ...]:
        """Return the changes of one kind, by name."""
        return tuple(change for change in self.changes if change.kind is kind)

    @property
    def counts(self) -> dict[str, int]:
        """Count names and architectures by kind; ``moved`` includes those of other kinds.

        ``restored`` is present only if it is not zero, in repaired tarballs.
        """
        counts = {kind.value: len(self.of_kind(kind)) for kind in ChangeKind}
        counts["moved"] = sum(change.moved for change in self.changes)
        if not counts[ChangeKind.RESTORED.value]:
            del counts[ChangeKind.RESTORED.value]
        return counts

    def to_json(self) -> dict[str, Any]:
        """Return the form that the JSON report has."""
        return {
            "repo": self.name,
            "note": self.note,
            "old_packages": self.old_packages,
            "new_packages": self.new_packages,
            "old_bytes": self.old_bytes,
            "new_bytes": self.new_bytes,
            "counts": self.counts,
            "changes": [change.to_json() for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report: of one pair of repos, or of every repo of a tarball."""

    title: str
    repos: tuple[RepoReport, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON report."""
        repos = [repo.to_json() for repo in self.repos]
        return {"format": FORMAT, "title": self.title, "repos": repos}


@dataclass(slots=True)
class _Sides:
    """The packages of both repos with one name and architecture, by (version, checksum)."""

    old: dict[tuple[str, str], Package] = field(default_factory=dict)
    new: dict[tuple[str, str], Package] = field(default_factory=dict)
    old_components: set[str | None] = field(default_factory=set)
    new_components: set[str | None] = field(default_factory=set)


def find_changes(
    base: Iterable[Listed], current: Iterable[Listed], *, algorithm: str, compare: Compare
) -> tuple[Change, ...]:
    """Compare two repos name by name, versions in the order of ``compare``.

    A name and architecture is *rebuilt* if a version of it has other content, whatever else
    changed; otherwise its highest version decides. Sorted by kind, name and architecture.

    Raises:
        KeyError: a package lacks the checksum ``algorithm``.
    """
    listed: dict[tuple[str, str], tuple[list[Listed], list[Listed]]] = {}
    for number, side in enumerate((base, current)):
        for item in side:
            key = (item.package.name, item.package.architecture)
            listed.setdefault(key, ([], []))[number].append(item)
    order = list(ChangeKind)
    changes = (_change(key, _sides(*pair, algorithm), compare) for key, pair in listed.items())
    return tuple(
        sorted(
            (change for change in changes if change is not None),
            key=lambda c: (order.index(c.kind), c.name, c.architecture),
        )
    )


def _sides(base: Iterable[Listed], current: Iterable[Listed], algorithm: str) -> _Sides:
    sides = _Sides()
    for listed in base:
        package = listed.package
        # Inherited packages have no size: an entry of an index with one takes precedence.
        key = (package.version, package.digest(algorithm))
        if package.location or key not in sides.old:
            sides.old[key] = package
        sides.old_components.add(listed.component)
    for listed in current:
        package = listed.package
        sides.new[package.version, package.digest(algorithm)] = package
        sides.new_components.add(listed.component)
    return sides


def _change(key: tuple[str, str], sides: _Sides, compare: Compare) -> Change | None:
    is_same = sides.old.keys() == sides.new.keys()
    if is_same and sides.old_components == sides.new_components:
        return None  # most packages
    places = (_components(sides.old_components), _components(sides.new_components))
    kept = sides.old.keys() & sides.new.keys()
    old = {k: p for k, p in sides.old.items() if k not in kept}
    new = {k: p for k, p in sides.new.items() if k not in kept}
    if is_same and not all(places):
        return None
    by_version = cmp_to_key(compare)
    return Change(
        _kind(sides, old, new, compare),
        *key,
        old=_versions(old, by_version),
        new=_versions(new, by_version),
        kept=_versions(kept, by_version),
        old_bytes=_bytes(old),
        new_bytes=_bytes(new),
        old_components=places[0],
        new_components=places[1],
    )


def _kind(
    sides: _Sides,
    old: Mapping[tuple[str, str], Package],
    new: Mapping[tuple[str, str], Package],
    compare: Compare,
) -> ChangeKind:
    if not old and not new:
        return ChangeKind.MOVED
    if {version for version, _ in new} & {version for version, _ in sides.old}:
        return ChangeKind.REBUILT
    if not sides.old:
        return ChangeKind.ADDED
    if not sides.new:
        return ChangeKind.REMOVED
    order = compare(_newest(sides.new, compare), _newest(sides.old, compare))
    if order:
        return ChangeKind.UPGRADED if order > 0 else ChangeKind.DOWNGRADED
    return ChangeKind.ADDED if new else ChangeKind.REMOVED  # of an older version beside another


def _newest(keys: Iterable[tuple[str, str]], compare: Compare) -> str:
    versions = {version for version, _ in keys}
    return versions.pop() if len(versions) == 1 else max(versions, key=cmp_to_key(compare))


def _versions(keys: Iterable[tuple[str, str]], by_version: Callable[[str], Any]) -> tuple[str, ...]:
    versions = [version for version, _ in keys]
    return tuple(sorted(versions, key=by_version) if len(versions) > 1 else versions)


def _bytes(packages: Mapping[tuple[str, str], Package]) -> int | None:
    size_bytes = 0
    for package in packages.values():
        if not package.location:
            return None
        size_bytes += package.size_bytes
    return size_bytes


def _components(components: Iterable[str | None]) -> tuple[str, ...]:
    names = set(components) - {""}
    return () if None in names else tuple(sorted(map(str, names)))


def summed(
    name: str, changes: tuple[Change, ...], *, new_packages: int, new_bytes: int, note: str = ""
) -> RepoReport:
    """Make the report of a repo from its new side and its changes, which imply the old side."""
    old_packages = new_packages + sum(len(c.old) - len(c.new) for c in changes)
    sizes = [None if c.old_bytes is None else c.old_bytes - (c.new_bytes or 0) for c in changes]
    known = [size for size in sizes if size is not None]
    old_bytes = new_bytes + sum(known) if len(known) == len(sizes) else None
    return RepoReport(name, old_packages, new_packages, old_bytes, new_bytes, changes, note)
