"""The tables of the journal, and those that older versions lack."""

import sqlite3

_SCHEMA = """
CREATE TABLE IF NOT EXISTS install (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    tarball TEXT NOT NULL,
    seal TEXT NOT NULL,
    fuel_from TEXT NOT NULL,
    fuel_to TEXT NOT NULL,
    state TEXT NOT NULL,
    started_s REAL NOT NULL,
    ended_s REAL,
    error TEXT,
    kind TEXT NOT NULL DEFAULT 'install',
    attempts INTEGER NOT NULL DEFAULT 0,
    released INTEGER NOT NULL DEFAULT 0,
    note TEXT
);
CREATE TABLE IF NOT EXISTS step (
    install TEXT NOT NULL REFERENCES install(id),
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    params TEXT NOT NULL,
    facts TEXT NOT NULL,
    state TEXT NOT NULL,
    error TEXT,
    PRIMARY KEY (install, number)
);
CREATE TABLE IF NOT EXISTS hook_run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    install TEXT NOT NULL,
    point TEXT NOT NULL,
    name TEXT NOT NULL,
    started_s REAL NOT NULL,
    ended_s REAL,
    exit_code INTEGER,
    output TEXT NOT NULL DEFAULT ''
);
"""


# Columns that journals of older versions lack, oldest first.
_ADDED = {
    "kind": "TEXT NOT NULL DEFAULT 'install'",
    "attempts": "INTEGER NOT NULL DEFAULT 0",
    "released": "INTEGER NOT NULL DEFAULT 0",
    "note": "TEXT",
}
_TABLES = {"install", "step", "hook_run"}


def is_outdated(db: sqlite3.Connection) -> bool:
    """Return whether an older version made the journal, or none has made it yet."""
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return not tables >= _TABLES or bool(_missing(db))


def bring_up_to_date(db: sqlite3.Connection) -> None:
    """Add the tables and columns that a new or older journal lacks."""
    db.executescript(_SCHEMA)
    if not _missing(db):
        return
    db.execute("BEGIN IMMEDIATE")  # another process may do the same at the same time
    for name in _missing(db):
        db.execute(f"ALTER TABLE install ADD COLUMN {name} {_ADDED[name]}")
    db.commit()


def _missing(db: sqlite3.Connection) -> list[str]:
    present = {column[1] for column in db.execute("PRAGMA table_info(install)")}
    return [name for name in _ADDED if name not in present]
