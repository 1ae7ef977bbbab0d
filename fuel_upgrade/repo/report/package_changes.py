"""The changes between two repos, as the renderers print them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cmp_to_key
from typing import Any, Self

from fuel_upgrade.errors import FORMAT
from fuel_upgrade.repo.package import Package
from fuel_upgrade.repo.version import Compare

_NONE = "-"
_UNKNOWN = "?"
_FIELDS = 10  # in the line of a change
_Contents = dict[tuple[str, str], Package]
"""The packages of one name and architecture, by version and checksum."""


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
        return " ".join(
            (
                self.kind.value,
                self.name,
                self.architecture,
                ",".join(self.old) or _NONE,
                ",".join(self.new) or _NONE,
                ",".join(self.kept) or _NONE,
                _UNKNOWN if self.old_bytes is None else str(self.old_bytes),
                _UNKNOWN if self.new_bytes is None else str(self.new_bytes),
                ",".join(self.old_components) or _NONE,
                ",".join(self.new_components) or _NONE,
            )
        )

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line of ``diff.yaml``; ValueError if it is malformed."""
        kind, name, architecture, old, new, kept, old_bytes, new_bytes, before, after = (
            checked_line(line).split(" ")
        )
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


_KINDS = "|".join(kind.value for kind in ChangeKind)
_LINE = re.compile(f"(?:{_KINDS})" + r"(?: [^ ]+){5}(?: (?:[0-9]{1,30}|\?)){2}(?: [^ ]+){2}")


def checked_line(line: str) -> str:
    """Return a line of ``diff.yaml``; ValueError if it is malformed."""
    if not _LINE.fullmatch(line):
        raise ValueError(f"{line!r:.200} is not a change: {_FIELDS} words")
    return line


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
    changes = (_change(key, *sides, algorithm, compare) for key, sides in listed.items())
    return tuple(
        sorted(
            (change for change in changes if change is not None),
            key=lambda c: (order.index(c.kind), c.name, c.architecture),
        )
    )


def _change(
    key: tuple[str, str],
    base: Sequence[Listed],
    current: Sequence[Listed],
    algorithm: str,
    compare: Compare,
) -> Change | None:
    before, now = _contents(base, algorithm), _contents(current, algorithm)
    places = (_components(base), _components(current))
    kept = before.keys() & now.keys()
    if len(kept) == len(before) == len(now) and (places[0] == places[1] or not all(places)):
        return None  # most packages
    old = {k: p for k, p in before.items() if k not in kept} if kept else before
    new = {k: p for k, p in now.items() if k not in kept} if kept else now
    by_version = cmp_to_key(compare)
    return Change(
        _kind(before, now, old, new, compare),
        *key,
        old=_versions(old, by_version),
        new=_versions(new, by_version),
        kept=_versions(kept, by_version),
        old_bytes=_bytes(old),
        new_bytes=_bytes(new),
        old_components=places[0],
        new_components=places[1],
    )


def _contents(side: Iterable[Listed], algorithm: str) -> _Contents:
    contents: _Contents = {}
    for listed in side:
        package = listed.package
        # Inherited packages have no size: an entry of an index with one takes precedence.
        key = (package.version, package.digest(algorithm))
        if package.location or key not in contents:
            contents[key] = package
    return contents


def _kind(
    before: _Contents, now: _Contents, old: _Contents, new: _Contents, compare: Compare
) -> ChangeKind:
    if not old and not new:
        return ChangeKind.MOVED
    if not before:
        return ChangeKind.ADDED
    if not {version for version, _ in before}.isdisjoint(version for version, _ in new):
        return ChangeKind.REBUILT
    if not now:
        return ChangeKind.REMOVED
    order = compare(_newest(now, compare), _newest(before, compare))
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


def _components(side: Iterable[Listed]) -> tuple[str, ...]:
    names = {listed.component for listed in side}
    return () if None in names else tuple(sorted(name for name in names if name))


def summed(
    name: str, changes: tuple[Change, ...], *, new_packages: int, new_bytes: int, note: str = ""
) -> RepoReport:
    """Make the report of a repo from its new side and its changes, which imply the old side."""
    old_packages = new_packages + sum(len(c.old) - len(c.new) for c in changes)
    sizes = [None if c.old_bytes is None else c.old_bytes - (c.new_bytes or 0) for c in changes]
    known = [size for size in sizes if size is not None]
    old_bytes = new_bytes + sum(known) if len(known) == len(sizes) else None
    return RepoReport(name, old_packages, new_packages, old_bytes, new_bytes, changes, note)
