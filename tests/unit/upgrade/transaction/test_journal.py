import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.errors import RollbackError
from fuel_upgrade.upgrade.records import (
    HookRunRecord,
    InstallRecord,
    InstallState,
    StepRecord,
    StepState,
)
from fuel_upgrade.upgrade.transaction.journal import Journal

INSTALL = InstallRecord("ab12", "/t.tar.zst", "5ea1", "5.1", "6.0", InstallState.RUNNING, 1.5)
STEP = StepRecord(1, "switch", "switch it", {"live": "/a"}, {}, StepState.PLANNED)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    found = Journal(tmp_path / "deep/journal.sqlite")
    found.begin(INSTALL, [STEP])
    return found


def test_an_install_reads_back_as_it_was_begun(journal: Journal) -> None:
    assert journal.installs() == (INSTALL,)


def test_a_step_is_intended_before_it_is_done(journal: Journal) -> None:
    assert journal.steps("ab12") == (STEP,)
    journal.intend("ab12", 1, {"new": [1]})
    assert journal.steps("ab12") == (replace(STEP, facts={"new": [1]}, state=StepState.INTENDED),)
    journal.done("ab12", 1, {"new": [1], "id": 7})
    (step,) = journal.steps("ab12")
    assert (step.state, step.facts["id"]) == (StepState.DONE, 7)


def test_a_stuck_step_says_why_and_a_later_revert_clears_it(journal: Journal) -> None:
    journal.intend("ab12", 1, {"new": [1]})
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


def test_a_run_of_a_hook_has_no_end_until_it_ended(journal: Journal) -> None:
    first = journal.hook_started("ab12", "after-stage", "10-foo", started_s=2.0)
    journal.hook_started("ab12", "after-stage", "20-bar", started_s=3.0)
    journal.hook_started("other", "after-stage", "10-foo", started_s=4.0)
    journal.hook_ended(first, exit_code=3, output="why", ended_s=2.5)
    assert journal.hook_runs("ab12") == (
        HookRunRecord("after-stage", "10-foo", 2.0, 2.5, 3, "why"),
        HookRunRecord("after-stage", "20-bar", 3.0),
    )


def test_a_journal_without_hooks_is_brought_up_to_date(journal: Journal, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "deep/journal.sqlite") as db:
        db.execute("DROP TABLE hook_run")
    assert journal.hook_runs("ab12") == ()
    assert journal.installs() == (INSTALL,)


def test_another_reader_sees_what_was_committed(journal: Journal, tmp_path: Path) -> None:
    assert Journal(tmp_path / "deep/journal.sqlite").installs() == (INSTALL,)


def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database" * 100)
    return path


def test_a_damaged_journal_is_an_error_and_is_not_replaced(tmp_path: Path) -> None:
    path = damaged(tmp_path)
    with pytest.raises(RollbackError, match="the journal cannot be used") as caught:
        Journal(path).installs()
    assert "restart fuel-upgraded" in caught.value.remedy
    assert path.read_bytes().startswith(b"not a database")


def test_damage_is_found_and_set_aside_whole(tmp_path: Path) -> None:
    path = damaged(tmp_path)
    content = path.read_bytes()
    assert Journal(path).fault() == "file is not a database"
    path.with_name("journal.sqlite-journal").write_bytes(b"the other half")
    kept = Journal(path).set_aside("now")
    assert kept.read_bytes() == content
    assert kept.with_name(kept.name + "-journal").read_bytes() == b"the other half"
    assert not path.exists()


def test_a_page_that_was_overwritten_is_found(journal: Journal, tmp_path: Path) -> None:
    path = tmp_path / "deep/journal.sqlite"
    assert journal.fault() is None
    data = bytearray(path.read_bytes())
    data[4096:8192] = b"\xff" * 4096
    path.write_bytes(data)
    assert journal.fault() is not None


def test_an_entry_that_cannot_be_read_is_damage(journal: Journal, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "deep/journal.sqlite")) as db, db:
        db.execute("UPDATE step SET facts = '{'")
    assert "an entry cannot be read" in (journal.fault() or "")


def test_no_journal_is_no_damage(tmp_path: Path) -> None:
    assert Journal(tmp_path / "none.sqlite").fault() is None


def test_recoveries_are_counted_until_somebody_looked(journal: Journal) -> None:
    assert [journal.attempt("ab12"), journal.attempt("ab12")] == [1, 2]
    journal.note("ab12", "2 recoveries did not come to an end")
    assert journal.installs()[0].attempts == 2
    journal.note("ab12", None)
    assert (journal.installs()[0].attempts, journal.installs()[0].note) == (0, None)


def test_what_is_given_up_is_on_record_before_it_goes(journal: Journal) -> None:
    journal.release("ab12")
    assert journal.installs()[0].released


def test_a_change_without_a_tarball_keeps_its_kind(journal: Journal) -> None:
    change = replace(INSTALL, id="cd34", kind="gc", seal="")
    journal.begin(change)
    assert journal.installs() == (INSTALL, change)


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
    assert Journal(path).attempt("ab12") == 1
