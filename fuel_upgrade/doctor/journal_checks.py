"""Checks of the journal, without a write to it, and of the install lock."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from fuel_upgrade.config import Paths
from fuel_upgrade.doctor.check import Check, failure, ok, warning
from fuel_upgrade.system.locks import Lock
from fuel_upgrade.upgrade.records import InstallState
from fuel_upgrade.upgrade.transaction.recovery import UNFINISHED

_JOURNAL, _LOCK = "journal", "install lock"
_UNFINISHED = frozenset(state.value for state in UNFINISHED)
_KEEPS_DAMAGED = (
    "systemctl restart fuel-upgrade: it keeps the damaged file and logs the next command"
)


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open a journal read-only, even after a crash.

    Raises:
        sqlite3.Error: it cannot be read without a write.
    """
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)


def check_journal(paths: Paths) -> Iterator[Check]:
    """Check that the journal is undamaged and no install waits for an operator."""
    path = paths.journal
    for aside in sorted(paths.state.glob(f"{path.name}.damaged-*")):
        what = f"{aside}: a copy of a damaged journal"
        yield warning(_JOURNAL, what, "see fuel-upgrade history, then remove it")
    if not path.exists():
        yield ok(_JOURNAL, f"{path} is not there yet: nothing was installed")
        return
    try:
        fault, entries = _read(path)
    except sqlite3.Error as error:
        yield _unreadable(path, error)
        return
    if fault != "ok":
        yield failure(_JOURNAL, f"{path} is damaged: {fault}", _KEEPS_DAMAGED)
        return
    yield from _unsettled(entries, is_held=Lock(paths.lock).holder() is not None)
    yield ok(_JOURNAL, f"{path} is sound, {len(entries)} entries")


def check_lock(paths: Paths) -> Check:
    """Report the holder of the install lock."""
    paths.lock.exists()  # raises for a user who may not look
    holder = Lock(paths.lock).holder()
    if holder is None:
        return ok(_LOCK, "free: no install runs")
    return ok(_LOCK, f"held by {holder.described}")


def _read(path: Path) -> tuple[str, list[tuple[str, str]]]:
    with closing(open_read_only(path)) as db:
        (fault,) = db.execute("PRAGMA quick_check(1)").fetchone()
        rows = db.execute("SELECT id, state FROM install ORDER BY number").fetchall()
    return str(fault), rows


def _unreadable(path: Path, error: sqlite3.Error) -> Check:
    code = getattr(error, "sqlite_errorcode", None)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return failure(_JOURNAL, f"{path} is damaged: {error}", _KEEPS_DAMAGED)
    if code == sqlite3.SQLITE_CANTOPEN:
        return warning(
            _JOURNAL, f"{path} cannot be read: {error}", "run fuel-upgrade doctor as root"
        )
    return failure(_JOURNAL, f"{path} cannot be read: {error}", "see the daemon's log")


def _unsettled(entries: list[tuple[str, str]], *, is_held: bool) -> Iterator[Check]:
    for install, state in entries:
        if state in _UNFINISHED and not is_held:
            what = f"{install} is {state}, but no process works on it"
            yield failure(_JOURNAL, what, "fuel-upgrade recover")
        if state == InstallState.INCONSISTENT.value:
            what = f"{install} left this master inconsistent"
            yield failure(_JOURNAL, what, f"fuel-upgrade show {install}, then fuel-upgrade repair")
