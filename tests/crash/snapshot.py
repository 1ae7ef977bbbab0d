"""The state of a master, in every detail that an operator could compare."""

import os
import sqlite3
import stat
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from fuel_upgrade.config import Config, Paths
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.system.tree_digest import walk
from fuel_upgrade.upgrade.plan.layout import STAGING
from fuel_upgrade.upgrade.records import InstallState
from fuel_upgrade.upgrade.transaction.recovery import leftovers

SETTLED = (InstallState.INSTALLED, InstallState.ROLLED_BACK, InstallState.UNDONE)
_GIVEN_BY_REGISTRY = ("id", "created_s")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or link: mode, owner, links, content and extended attributes.

    ``changed_ns`` is 0 where the time does not count.
    """

    mode: int
    owner: tuple[int, int]
    links: int
    content: str
    attributes: tuple[tuple[str, bytes], ...]
    changed_ns: int


Entries = Mapping[str, Entry]
Rows = tuple[tuple[tuple[str, object], ...], ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The live tree, staged files and backups beside it, and the registry."""

    live: Entries
    kept: Entries
    releases: Rows
    notifications: Rows


def take(root: Path, config: Config) -> Snapshot:
    """Read everything below ``root`` but the daemon's own files."""
    paths = config.paths
    stagings = [folder / STAGING for folder in _destinations(paths)]
    own = [paths.state, paths.log, paths.socket.parent, *stagings]
    loose = {*_destinations(paths), paths.release_versions, *(path.parent for path in own)}
    kept = [path for path in (*stagings, paths.state / "staging") if path.exists()]
    return Snapshot(
        live=entries(root, without=own, loose=loose),
        kept={
            f"{folder.relative_to(root)}/{name}": entry
            for folder in kept
            for name, entry in entries(folder).items()
        },
        releases=_rows(paths.registry, "releases"),
        notifications=_rows(paths.registry, "notifications"),
    )


def kept_ids(config: Config) -> set[str]:
    """Return the names of the folders in which installs stage or keep backups."""
    return {path.name for path in leftovers(config.paths)}


def _destinations(paths: Paths) -> tuple[Path, ...]:
    """Return the folders beside whose content an install stages: their own times change."""
    return paths.repos, paths.puppet, paths.fuel


def entries(
    root: Path, *, without: Collection[Path] = (), loose: Collection[Path] = ()
) -> dict[str, Entry]:
    """Return everything below ``root``; the times of the folders ``loose`` do not count."""
    actual = {}
    for path in walk(root, without=without):
        actual[str(path.relative_to(root))] = _entry(path, is_loose=path in loose)
    return actual


def _entry(path: Path, *, is_loose: bool) -> Entry:
    info = path.lstat()
    content = ""
    if stat.S_ISLNK(info.st_mode):
        content = str(path.readlink())
    elif stat.S_ISREG(info.st_mode):
        content = hash_file(path)
    return Entry(
        mode=info.st_mode,
        owner=(info.st_uid, info.st_gid),
        links=0 if stat.S_ISDIR(info.st_mode) else info.st_nlink,  # of a folder: its subfolders
        content=content,
        attributes=tuple(
            (name, os.getxattr(path, name, follow_symlinks=False))
            for name in sorted(os.listxattr(path, follow_symlinks=False))
        ),
        changed_ns=0 if is_loose else info.st_mtime_ns,
    )


def _rows(database: Path, table: str) -> Rows:
    """Return a table of the embedded registry, with every column."""
    with closing(sqlite3.connect(database, timeout=120)) as db:
        actual = db.execute(f"SELECT * FROM {table} ORDER BY id")
        names = [column[0] for column in actual.description]
        return tuple(tuple(zip(names, row, strict=True)) for row in actual)


def differences(actual: Snapshot, expected: Snapshot) -> list[str]:
    """Say how one state differs from another; nothing if it is that state exactly."""
    return [
        *_of_entries("live", actual.live, expected.live),
        *_of_entries("kept", actual.kept, expected.kept),
        *_of_rows("releases", actual.releases, expected.releases),
        *_of_rows("notifications", actual.notifications, expected.notifications),
    ]


def differences_after(actual: Snapshot, first: Snapshot) -> list[str]:
    """Return the differences of an install's result from ``first``, made by :func:`common`.

    The registry's own numbers and times do not count, and staging has another name each time.
    """
    made = {
        name: replace(entry, changed_ns=0) if _is_timeless(first, name) else entry
        for name, entry in actual.live.items()
    }
    return [
        *_of_entries("live", made, first.live),
        *_of_rows("releases", _unnumbered(actual.releases), _unnumbered(first.releases)),
        *_of_rows(
            "notifications", _unnumbered(actual.notifications), _unnumbered(first.notifications)
        ),
    ]


def common(one: Snapshot, other: Snapshot) -> Snapshot:
    """Return ``one`` without the times that differ in ``other``: those that each install sets.

    Raises:
        ValueError: they differ in more than that.
    """
    live = {
        name: entry if other.live.get(name) == entry else replace(entry, changed_ns=0)
        for name, entry in one.live.items()
    }
    first = replace(one, live=live)
    if wrong := differences_after(other, first):
        raise ValueError("; ".join(wrong))
    return first


def _is_timeless(first: Snapshot, name: str) -> bool:
    entry = first.live.get(name)
    return entry is not None and not entry.changed_ns


def _unnumbered(rows: Rows) -> Rows:
    return tuple(tuple(pair for pair in row if pair[0] not in _GIVEN_BY_REGISTRY) for row in rows)


def _of_entries(where: str, actual: Entries, expected: Entries) -> list[str]:
    names = sorted({*actual, *expected})
    return [
        f"{where} {name}: found {actual.get(name)}, expected {expected.get(name)}"
        for name in names
        if actual.get(name) != expected.get(name)
    ]


def _of_rows(where: str, actual: Rows, expected: Rows) -> list[str]:
    return [] if actual == expected else [f"{where}: found {actual}, expected {expected}"]
