import sqlite3
from pathlib import Path

import pytest

from fuel_upgrade.errors import RollbackError
from fuel_upgrade.upgrade.journal import (
    HookRunRecord,
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


def test_a_damaged_journal_is_an_error_and_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(RollbackError, match="the journal cannot be used"):
        Journal(path).installs()
    assert path.read_bytes().startswith(b"not a database")
