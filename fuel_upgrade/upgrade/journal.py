"""The durable record of intents and results: the only memory that undo reads.

SQLite, every commit on disk before the call returns; one writer (the holder of the install
lock), any number of readers.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from fuel_upgrade.errors import RollbackError

Facts = Mapping[str, Any]
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
    error TEXT
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


class InstallState(Enum):
    """What became of an install.

    ROLLING_BACK and ROLLED_BACK did not succeed; UNDOING and UNDONE did, and are taken back.
    """

    RUNNING = "running"
    ROLLING_BACK = "rolling back"
    INSTALLED = "installed"
    ROLLED_BACK = "rolled back"
    UNDOING = "undoing"
    UNDONE = "undone"
    INCONSISTENT = "inconsistent"


class StepState(Enum):
    """What became of a step: INTENDED may have been done in part."""

    INTENDED = "intended"
    DONE = "done"
    REVERTED = "reverted"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class InstallRecord:
    """One install as the journal has it; times are Unix seconds; ``error`` as to_json gives it."""

    id: str
    tarball: str
    seal: str
    fuel_from: str
    fuel_to: str
    state: InstallState
    started_s: float
    ended_s: float | None = None
    error: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form that the API gives."""
        return {
            "id": self.id,
            "tarball": self.tarball,
            "fuel_from": self.fuel_from,
            "fuel_to": self.fuel_to,
            "state": self.state.value,
            "started_s": self.started_s,
            "ended_s": self.ended_s,
            "error": dict(self.error) if self.error else None,
        }


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step as the journal has it; ``facts`` is what inspecting and applying found out."""

    number: int
    kind: str
    title: str
    params: Facts
    facts: Facts
    state: StepState
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form that the API gives."""
        return {
            "number": self.number,
            "kind": self.kind,
            "title": self.title,
            "state": self.state.value,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class HookRunRecord:
    """One run of a hook, or of its undo twin; without an end where a crash cut it off.

    Times are Unix seconds; ``output`` is its last 4 KiB.
    """

    point: str
    name: str
    started_s: float
    ended_s: float | None = None
    exit_code: int | None = None
    output: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the form that the API gives."""
        return {
            "point": self.point,
            "name": self.name,
            "started_s": self.started_s,
            "ended_s": self.ended_s,
            "exit_code": self.exit_code,
            "output": self.output,
        }


class Journal:
    """The journal's file. Each call is one transaction with a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=30)) as connection:
                connection.execute("PRAGMA synchronous=EXTRA")  # the folder's entry too
                connection.executescript(_SCHEMA)
                connection.row_factory = sqlite3.Row
                with connection:
                    yield connection
        except sqlite3.DatabaseError as error:
            raise RollbackError(
                f"{self._path}: the journal cannot be used: {error}",
                remedy=f"make room on its disk, or restore {self._path} from a backup",
            ) from error

    def begin(self, install: InstallRecord) -> None:
        """Open an install."""
        with self._open() as db:
            db.execute(
                "INSERT INTO install (id, tarball, seal, fuel_from, fuel_to, state, started_s)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    install.id,
                    install.tarball,
                    install.seal,
                    install.fuel_from,
                    install.fuel_to,
                    install.state.value,
                    install.started_s,
                ),
            )

    def intend(self, install: str, step: StepRecord) -> None:
        """Record a step with all that undoing it needs, before its first side effect."""
        with self._open() as db:
            db.execute(
                "INSERT INTO step (install, number, kind, title, params, facts, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    install,
                    step.number,
                    step.kind,
                    step.title,
                    json.dumps(step.params),
                    json.dumps(step.facts),
                    StepState.INTENDED.value,
                ),
            )

    def done(self, install: str, number: int, facts: Facts) -> None:
        """Record that a step is applied, and what is known of it now."""
        with self._open() as db:
            db.execute(
                "UPDATE step SET state = ?, facts = ? WHERE install = ? AND number = ?",
                (StepState.DONE.value, json.dumps(facts), install, number),
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
                (state.value, error, install, number),
            )

    def mark(
        self,
        install: str,
        state: InstallState,
        *,
        ended_s: float | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        """Record what became of an install; an error that is known already stays known."""
        with self._open() as db:
            db.execute(
                "UPDATE install SET state = ?, ended_s = coalesce(?, ended_s),"
                " error = coalesce(?, error) WHERE id = ?",
                (state.value, ended_s, json.dumps(error) if error else None, install),
            )

    def installs(self) -> tuple[InstallRecord, ...]:
        """Return all installs, oldest first."""
        with self._open() as db:
            rows = db.execute("SELECT * FROM install ORDER BY number").fetchall()
        return tuple(_install(row) for row in rows)

    def steps(self, install: str) -> tuple[StepRecord, ...]:
        """Return the steps of an install, in the order they were intended."""
        with self._open() as db:
            rows = db.execute(
                "SELECT * FROM step WHERE install = ? ORDER BY number", (install,)
            ).fetchall()
        return tuple(_step(row) for row in rows)

    def hook_started(self, install: str, point: str, name: str, *, started_s: float) -> int:
        """Record that a hook is about to run; return the number of this run."""
        with self._open() as db:
            cursor = db.execute(
                "INSERT INTO hook_run (install, point, name, started_s) VALUES (?, ?, ?, ?)",
                (install, point, name, started_s),
            )
        return int(cursor.lastrowid or 0)

    def hook_ended(self, run: int, *, exit_code: int, output: str, ended_s: float) -> None:
        """Record how a run of a hook ended."""
        with self._open() as db:
            db.execute(
                "UPDATE hook_run SET exit_code = ?, output = ?, ended_s = ? WHERE id = ?",
                (exit_code, output, ended_s, run),
            )

    def hook_runs(self, install: str) -> tuple[HookRunRecord, ...]:
        """Return the runs of hooks for an install, oldest first."""
        with self._open() as db:
            rows = db.execute(
                "SELECT point, name, started_s, ended_s, exit_code, output FROM hook_run"
                " WHERE install = ? ORDER BY id",
                (install,),
            ).fetchall()
        return tuple(HookRunRecord(**dict(row)) for row in rows)


def _install(row: sqlite3.Row) -> InstallRecord:
    return InstallRecord(
        id=row["id"],
        tarball=row["tarball"],
        seal=row["seal"],
        fuel_from=row["fuel_from"],
        fuel_to=row["fuel_to"],
        state=InstallState(row["state"]),
        started_s=row["started_s"],
        ended_s=row["ended_s"],
        error=json.loads(row["error"]) if row["error"] else None,
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
