import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.errors import RollbackError
from fuel_upgrade.upgrade.journal import (
    InstallRecord,
    InstallState,
    Journal,
    StepRecord,
    StepState,
)

INSTALL = InstallRecord("ab12", "/t.tar.zst", "5ea1", "5.1", "6.0", InstallState.RUNNING, 1.5)
STEP = StepRecord(1, "switch", "switch it", {"live": "/a"}, {"new": [1]}, StepState.INTENDED)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    found = Journal(tmp_path / "deep/journal.sqlite")
    found.begin(INSTALL)
    return found


def test_an_install_reads_back_as_it_was_begun(journal: Journal) -> None:
    assert journal.installs() == (INSTALL,)


def test_a_step_is_intended_before_it_is_done(journal: Journal) -> None:
    journal.intend("ab12", STEP)
    assert journal.steps("ab12") == (STEP,)
    journal.done("ab12", 1, {"new": [1], "id": 7})
    (step,) = journal.steps("ab12")
    assert (step.state, step.facts["id"]) == (StepState.DONE, 7)


def test_a_stuck_step_says_why_and_a_later_revert_clears_it(journal: Journal) -> None:
    journal.intend("ab12", STEP)
    journal.stuck("ab12", 1, "read-only")
    assert journal.steps("ab12")[0].error == "read-only"
    journal.reverted("ab12", 1)
    (step,) = journal.steps("ab12")
    assert (step.state, step.error) == (StepState.REVERTED, None)


def test_why_an_install_failed_outlives_its_rollback(journal: Journal) -> None:
    journal.mark("ab12", InstallState.ROLLING_BACK, error={"what": "disk"})
    journal.mark("ab12", InstallState.ROLLED_BACK, ended_s=9.0)
    (record,) = journal.installs()
    assert (record.state, record.ended_s) == (InstallState.ROLLED_BACK, 9.0)
    assert record.error == {"what": "disk"}


def test_another_reader_sees_what_was_committed(journal: Journal, tmp_path: Path) -> None:
    assert Journal(tmp_path / "deep/journal.sqlite").installs() == (INSTALL,)


def test_a_damaged_journal_is_an_error_and_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(RollbackError, match="the journal cannot be used"):
        Journal(path).installs()
    assert path.read_bytes().startswith(b"not a database")


def test_a_change_without_a_tarball_keeps_its_kind(journal: Journal) -> None:
    change = replace(INSTALL, id="cd34", kind="gc", seal="")
    journal.begin(change)
    assert journal.installs() == (INSTALL, change)
    assert journal.installs()[1].to_json()["kind"] == "gc"


def test_a_journal_from_before_there_were_kinds_opens(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            "CREATE TABLE install (number INTEGER PRIMARY KEY AUTOINCREMENT,"
            " id TEXT NOT NULL UNIQUE, tarball TEXT NOT NULL, seal TEXT NOT NULL,"
            " fuel_from TEXT NOT NULL, fuel_to TEXT NOT NULL, state TEXT NOT NULL,"
            " started_s REAL NOT NULL, ended_s REAL, error TEXT)"
        )
        db.execute(
            "INSERT INTO install (id, tarball, seal, fuel_from, fuel_to, state, started_s)"
            " VALUES ('ab12', '/t.tar.zst', '5ea1', '5.1', '6.0', 'running', 1.5)"
        )
        db.commit()
    assert Journal(path).installs() == (INSTALL,)
    Journal(path).begin(replace(INSTALL, id="cd34", kind="squash"))
    assert [record.kind for record in Journal(path).installs()] == ["install", "squash"]
