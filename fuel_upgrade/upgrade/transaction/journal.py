"""The durable record of intents and results: the only memory that undo reads.

SQLite, every commit on disk before the call returns; one writer (the holder of the install
lock), any number of readers.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from fuel_upgrade.errors import RollbackError
from fuel_upgrade.system.files import open_private, rename
from fuel_upgrade.upgrade.records import (
    ChangeRecord,
    HookRunRecord,
    InstallState,
    Json,
    RecordKind,
    StepRecord,
    StepState,
)

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
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Journal:
    """The journal's file. Each call is one transaction on its own connection.

    A call waits up to ``wait_s`` seconds for another process that has the file locked.
    """

    def __init__(self, path: Path, *, wait_s: float = 30) -> None:
        self._path = path
        self._wait_s = wait_s

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._reporting():
            if not self._path.exists():
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(open_private(self._path))  # SQLite gives its own files the same mode
            with closing(sqlite3.connect(self._path, timeout=self._wait_s)) as connection:
                connection.execute("PRAGMA synchronous=EXTRA")  # the folder's entry too
                _bring_up_to_date(connection)
                connection.row_factory = sqlite3.Row
                with connection:
                    yield connection

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        """Open the journal for queries; complete a missing or outdated one in memory only."""
        with (
            self._reporting(),
            closing(self._open_file()) as file,
            closing(sqlite3.connect(":memory:")) as copy,
        ):
            db = file
            if _is_outdated(file):
                file.backup(copy)
                _bring_up_to_date(copy)
                db = copy
            db.row_factory = sqlite3.Row
            yield db

    def _open_file(self) -> sqlite3.Connection:
        if not self._path.exists():
            return sqlite3.connect(":memory:")
        # Not mode=ro: SQLite must roll back a transaction that a crash interrupted.
        db = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw", uri=True, timeout=self._wait_s
        )
        db.execute("PRAGMA query_only=ON")
        return db

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise self._unusable(error) from error

    def fault(self) -> str | None:
        """Return the damage of the file; None if it is sound or does not exist.

        Raises:
            RollbackError: it cannot be read for another reason than damage.
        """
        if not self._path.exists():
            return None
        try:
            with closing(sqlite3.connect(self._path, timeout=self._wait_s)) as db:
                (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                return str(verdict)
            self.changes()
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                return str(error)
            raise self._unusable(error) from error
        except (ValueError, TypeError) as error:
            return f"an entry cannot be read: {error}"
        except RollbackError as error:
            if _is_damage(error.__cause__):
                return str(error.__cause__)
            raise
        return None

    def set_aside(self, stamp: str) -> Path:
        """Rename the file, with the suffix ``stamp``; return the new path.

        SQLite's own journal is renamed too: it may hold the missing half.
        """
        kept = self._path.with_name(f"{self._path.name}.damaged-{stamp}")
        for suffix in ("-journal", ""):
            part = self._path.with_name(self._path.name + suffix)
            if part.exists():
                rename(part, kept.with_name(kept.name + suffix))
        return kept

    def _unusable(self, error: sqlite3.DatabaseError) -> RollbackError:
        remedy = f"see that the disk of {self._path} has space and is writable, then try again"
        if _primary_code(error) == sqlite3.SQLITE_BUSY:
            remedy = f"end the process that has it locked, see fuser -v {self._path}; try again"
        if _is_damage(error):
            remedy = "restart fuel-upgraded: it keeps the damaged file and reports the remedy"
        return RollbackError(f"{self._path}: the journal cannot be used: {error}", remedy=remedy)

    def begin(self, install: ChangeRecord, steps: Sequence[StepRecord] = ()) -> None:
        """Record a new change with all its steps."""
        with self._open() as db:
            db.execute(
                "INSERT INTO install (id, tarball, seal, fuel_from, fuel_to, state, started_s,"
                " kind, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    install.id,
                    _stored(install.subject),
                    install.seal,
                    install.fuel_from,
                    install.fuel_to,
                    install.state.value,
                    install.started_s,
                    install.kind.value,
                    _stored(install.note),
                ),
            )
            db.executemany(
                "INSERT INTO step (install, number, kind, title, params, facts, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        install.id,
                        step.number,
                        step.kind,
                        _stored(step.title),
                        json.dumps(step.params),
                        json.dumps(step.facts),
                        step.state.value,
                    )
                    for step in steps
                ],
            )

    def intend(self, install: str, number: int, facts: Json) -> None:
        """Record that a step begins, with the facts for its undo, before its first effect."""
        self._set_facts(install, number, StepState.INTENDED, facts)

    def done(self, install: str, number: int, facts: Json) -> None:
        """Record that a step is applied, with its complete facts."""
        self._set_facts(install, number, StepState.DONE, facts)

    def _set_facts(self, install: str, number: int, state: StepState, facts: Json) -> None:
        with self._open() as db:
            db.execute(
                "UPDATE step SET state = ?, facts = ?, error = NULL"
                " WHERE install = ? AND number = ?",
                (state.value, json.dumps(facts), install, number),
            )

    def reverted(self, install: str, number: int) -> None:
        """Record that a step is undone."""
        self._set_step(install, number, StepState.REVERTED, None)

    def stuck(self, install: str, number: int, error: str) -> None:
        """Record that a step could not be undone."""
        self._set_step(install, number, StepState.STUCK, error)

    def _set_step(self, install: str, number: int, state: StepState, error: str | None) -> None:
        with self._open() as db:
            db.execute(
                "UPDATE step SET state = ?, error = ? WHERE install = ? AND number = ?",
                (state.value, _stored(error), install, number),
            )

    def mark(
        self,
        install: str,
        state: InstallState,
        *,
        ended_s: float | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        """Record the state of a change. An earlier error or end stays unless a new one is given."""
        with self._open() as db:
            db.execute(
                "UPDATE install SET state = ?, ended_s = coalesce(?, ended_s),"
                " error = coalesce(?, error) WHERE id = ?",
                (state.value, ended_s, json.dumps(error) if error else None, install),
            )

    def attempt(self, install: str) -> int:
        """Count one more recovery before it begins; return the new number of recoveries."""
        with self._open() as db:
            db.execute("UPDATE install SET attempts = attempts + 1 WHERE id = ?", (install,))
            (count,) = db.execute(
                "SELECT attempts FROM install WHERE id = ?", (install,)
            ).fetchone()
        return int(count)

    def note(self, install: str, text: str | None) -> None:
        """Set the note for the operator. None deletes it and resets the number of recoveries."""
        with self._open() as db:
            db.execute("UPDATE install SET note = ? WHERE id = ?", (_stored(text), install))
            if text is None:
                db.execute("UPDATE install SET attempts = 0 WHERE id = ?", (install,))

    def release(self, install: str) -> None:
        """Record that the backups of a change will be deleted, before the first one is."""
        with self._open() as db:
            db.execute("UPDATE install SET released = 1 WHERE id = ?", (install,))

    def installs(self) -> tuple[ChangeRecord, ...]:
        """Return all changes, oldest first."""
        with self._read() as db:
            rows = db.execute("SELECT * FROM install ORDER BY number").fetchall()
        return tuple(_install(row) for row in rows)

    def steps(self, install: str) -> tuple[StepRecord, ...]:
        """Return the steps of a change in their order."""
        with self._read() as db:
            rows = db.execute(
                "SELECT * FROM step WHERE install = ? ORDER BY number", (install,)
            ).fetchall()
        return tuple(_step(row) for row in rows)

    def changes(self) -> tuple[tuple[ChangeRecord, tuple[StepRecord, ...]], ...]:
        """Return all changes, oldest first, each with its steps in their order."""
        steps: dict[str, list[StepRecord]] = {}
        with self._read() as db:
            for row in db.execute("SELECT * FROM step ORDER BY number"):
                steps.setdefault(row["install"], []).append(_step(row))
            rows = db.execute("SELECT * FROM install ORDER BY number").fetchall()
        return tuple((_install(row), tuple(steps.get(row["id"], ()))) for row in rows)

    def hook_started(self, install: str, point: str, name: str, *, started_s: float) -> int:
        """Record that a hook is about to run; return the number of this run."""
        with self._open() as db:
            cursor = db.execute(
                "INSERT INTO hook_run (install, point, name, started_s) VALUES (?, ?, ?, ?)",
                (install, point, _stored(name), started_s),
            )
        return int(cursor.lastrowid or 0)

    def hook_ended(self, run: int, *, exit_code: int, output: str, ended_s: float) -> None:
        """Record the result of a run of a hook."""
        with self._open() as db:
            db.execute(
                "UPDATE hook_run SET exit_code = ?, output = ?, ended_s = ? WHERE id = ?",
                (exit_code, _stored(output), ended_s, run),
            )

    def hook_runs(self, install: str) -> tuple[HookRunRecord, ...]:
        """Return the runs of hooks for a change, oldest first."""
        with self._read() as db:
            rows = db.execute(
                "SELECT point, name, started_s, ended_s, exit_code, output FROM hook_run"
                " WHERE install = ? ORDER BY id",
                (install,),
            ).fetchall()
        return tuple(HookRunRecord(**dict(row)) for row in rows)


def _stored(text: str | None) -> str | None:
    """Return a text as SQLite can store it, without surrogates."""
    return None if text is None else text.encode(errors="backslashreplace").decode()


def _is_damage(error: BaseException | None) -> bool:
    return isinstance(error, sqlite3.DatabaseError) and _primary_code(error) in _DAMAGE


def _primary_code(error: sqlite3.DatabaseError) -> int:
    return error.sqlite_errorcode & 0xFF  # extended codes add to the low byte


def _is_outdated(db: sqlite3.Connection) -> bool:
    """Return whether an older version made the journal, or none has made it yet."""
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return not tables >= _TABLES or bool(_missing(db))


def _bring_up_to_date(db: sqlite3.Connection) -> None:
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


def _install(row: sqlite3.Row) -> ChangeRecord:
    return ChangeRecord(
        id=row["id"],
        subject=row["tarball"],
        seal=row["seal"],
        fuel_from=row["fuel_from"],
        fuel_to=row["fuel_to"],
        state=InstallState(row["state"]),
        started_s=row["started_s"],
        ended_s=row["ended_s"],
        error=json.loads(row["error"]) if row["error"] else None,
        kind=RecordKind(row["kind"]),
        attempts=row["attempts"],
        released=bool(row["released"]),
        note=row["note"],
    )


def _step(row: sqlite3.Row) -> StepRecord:
    return StepRecord(
        number=row["number"],
        kind=row["kind"],
        title=row["title"],
        params=json.loads(row["params"]),
        facts=json.loads(row["facts"]),
        state=StepState(row["state"]),
        error=row["error"],
    )
