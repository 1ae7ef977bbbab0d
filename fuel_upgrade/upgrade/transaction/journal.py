"""The durable record of intents and results: the only memory that undo reads.

SQLite, every commit on disk before the call returns; one writer (the holder of the install
lock), any number of readers.
"""

import json
import os
import sqlite3
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from fuel_upgrade.errors import RollbackError
from fuel_upgrade.system.files import identity, open_private, rename
from fuel_upgrade.upgrade.records import (
    ChangeRecord,
    HookRunRecord,
    InstallState,
    Json,
    RecordKind,
    StepRecord,
    StepState,
)
from fuel_upgrade.upgrade.transaction.journal_tables import bring_up_to_date, is_outdated

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Journal:
    """The journal's file. Each call is one transaction on its own connection.

    A call waits up to ``wait_s`` seconds for another process that has the file locked. From its
    first write on, a journal refuses a file that somebody put in the place of its own.
    """

    def __init__(self, path: Path, *, wait_s: float = 30) -> None:
        self._path = path
        self._wait_s = wait_s
        self._written: tuple[int, ...] | None = None  # the identity of its file

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._reporting():
            if not self._path.exists():
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(open_private(self._path))  # SQLite gives its own files the same mode
            self._written = identity(self._path)
            with closing(self._connect()) as connection:
                connection.execute("PRAGMA synchronous=EXTRA")  # the folder's entry too
                bring_up_to_date(connection)
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
            if is_outdated(file):
                file.backup(copy)
                bring_up_to_date(copy)
                db = copy
            db.row_factory = sqlite3.Row
            yield db

    def _open_file(self) -> sqlite3.Connection:
        if not self._path.exists():
            return sqlite3.connect(":memory:")
        db = self._connect()
        db.execute("PRAGMA query_only=ON")
        return db

    def _connect(self) -> sqlite3.Connection:
        """Open the existing file."""
        # Not mode=ro: SQLite must roll back a transaction that a crash interrupted.
        url = f"{self._path.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(url, uri=True, timeout=self._wait_s)

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        if self._written is not None and identity(self._path) != self._written:
            raise RollbackError(
                f"{self._path}: the journal was deleted or replaced while it was in use",
                remedy=f"see which program or person changes files in {self._path.parent}",
            )
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
            deque(self.changes(), maxlen=0)
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
        self._written = None
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

    def changes(self) -> Iterator[tuple[ChangeRecord, tuple[StepRecord, ...]]]:
        """Yield all changes, oldest first, each with its steps; only one is in memory.

        No write to the journal can end while the iteration lasts.
        """
        steps = "SELECT * FROM step WHERE install = ? ORDER BY number"
        with self._read() as db:
            for row in db.execute("SELECT * FROM install ORDER BY number"):
                yield _install(row), tuple(map(_step, db.execute(steps, (row["id"],))))

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
