import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.errors import RollbackError
from fuel_upgrade.upgrade.records import (
    ChangeRecord,
    HookRunRecord,
    InstallState,
    RecordKind,
    StepRecord,
    StepState,
)
from fuel_upgrade.upgrade.transaction.journal import Journal

INSTALL = ChangeRecord("ab12", "/t.tar.zst", "5ea1", "5.1", "6.0", InstallState.RUNNING, 1.5)
STEP = StepRecord(1, "switch", "switch it", {"live": "/a"}, {}, StepState.PLANNED)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    opened = Journal(tmp_path / "deep/journal.sqlite")
    opened.begin(INSTALL, [STEP])
    return opened


@contextmanager
def as_another_user() -> Iterator[None]:
    """Give up the rights of root, which ignores the modes of files."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_an_install_reads_back_as_it_was_begun(journal: Journal) -> None:
    assert journal.installs() == (INSTALL,)


def test_a_step_is_intended_before_it_is_done(journal: Journal) -> None:
    assert journal.steps("ab12") == (STEP,)
    journal.intend("ab12", 1, {"new": [1]})
    assert journal.steps("ab12") == (replace(STEP, facts={"new": [1]}, state=StepState.INTENDED),)
    journal.done("ab12", 1, {"new": [1], "id": 7})
    (step,) = journal.steps("ab12")
    assert (step.state, step.facts["id"]) == (StepState.DONE, 7)


def test_the_error_of_a_stuck_step_is_cleared_by_a_later_revert(journal: Journal) -> None:
    journal.intend("ab12", 1, {"new": [1]})
    journal.stuck("ab12", 1, "read-only")
    assert journal.steps("ab12")[0].error == "read-only"
    journal.reverted("ab12", 1)
    (step,) = journal.steps("ab12")
    assert (step.state, step.error) == (StepState.REVERTED, None)


def test_the_error_of_an_install_outlives_its_rollback(journal: Journal) -> None:
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


def test_a_damaged_journal_is_detected_and_renamed_with_its_rollback_file(tmp_path: Path) -> None:
    path = damaged(tmp_path)
    content = path.read_bytes()
    assert Journal(path).fault() == "file is not a database"
    path.with_name("journal.sqlite-journal").write_bytes(b"the other half")
    kept = Journal(path).set_aside("now")
    assert kept.read_bytes() == content
    assert kept.with_name(kept.name + "-journal").read_bytes() == b"the other half"
    assert not path.exists()


def test_an_overwritten_page_is_detected(journal: Journal, tmp_path: Path) -> None:
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


def test_recoveries_are_counted_until_the_note_is_deleted(journal: Journal) -> None:
    assert [journal.attempt("ab12"), journal.attempt("ab12")] == [1, 2]
    journal.note("ab12", "2 recoveries did not come to an end")
    assert journal.installs()[0].attempts == 2
    journal.note("ab12", None)
    assert (journal.installs()[0].attempts, journal.installs()[0].note) == (0, None)


def test_the_deletion_of_backups_is_recorded(journal: Journal) -> None:
    journal.release("ab12")
    assert journal.installs()[0].released


def test_a_change_without_a_tarball_keeps_its_kind(journal: Journal) -> None:
    change = replace(INSTALL, id="cd34", kind=RecordKind.GC, seal="")
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
    Journal(path).begin(replace(INSTALL, id="cd34", kind=RecordKind.SQUASH))
    assert [record.kind for record in Journal(path).installs()] == ["install", "squash"]
    assert Journal(path).attempt("ab12") == 1


def test_a_reader_creates_neither_journal_nor_folder(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state/journal.sqlite")
    assert (journal.installs(), journal.steps("ab12"), journal.hook_runs("ab12")) == ((), (), ())
    assert not (tmp_path / "state").exists()


def test_a_reader_leaves_the_journal_of_an_older_version_as_it_is(
    journal: Journal, tmp_path: Path
) -> None:
    path = tmp_path / "deep/journal.sqlite"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE hook_run")
        db.execute("ALTER TABLE install DROP COLUMN note")
    content = path.read_bytes()
    assert journal.installs() == (INSTALL,)
    assert journal.hook_runs("ab12") == ()
    assert path.read_bytes() == content
    journal.note("ab12", "see the log")
    assert journal.installs()[0].note == "see the log"


def test_a_reader_needs_no_write_access() -> None:
    # tmp_path is below a folder that only its owner may enter.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal.sqlite")
        Journal(path).begin(INSTALL)
        path.chmod(0o444)
        path.parent.chmod(0o555)
        try:
            with as_another_user():
                assert Journal(path).installs() == (INSTALL,)
                with pytest.raises(RollbackError, match="readonly"):
                    Journal(path).begin(replace(INSTALL, id="cd34"))
        finally:
            path.parent.chmod(0o755)


def test_a_reader_rolls_back_a_transaction_that_a_crash_interrupted(
    journal: Journal, tmp_path: Path
) -> None:
    path, copy = tmp_path / "deep/journal.sqlite", tmp_path / "copy"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA cache_size=1")
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE install SET state = 'installed'")
        many = [("ab12", number, "x" * 500) for number in range(1000)]
        db.executemany(
            "INSERT INTO hook_run (install, point, started_s, name) VALUES (?, '', ?, ?)", many
        )
        shutil.copytree(path.parent, copy)
    assert (copy / "journal.sqlite-journal").stat().st_size > 0
    assert Journal(copy / "journal.sqlite").installs() == (INSTALL,)


def test_the_journal_and_the_files_of_sqlite_are_their_owners_alone(tmp_path: Path) -> None:
    path, modes = tmp_path / "state/journal.sqlite", {}
    before = os.umask(0)
    try:
        Journal(path).begin(INSTALL)
        with closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE install SET note = 'x'")
            modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"journal.sqlite": 0o600, "journal.sqlite-journal": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("lock", ["BEGIN EXCLUSIVE", "BEGIN IMMEDIATE"])
def test_a_locked_journal_is_to_be_unlocked_and_not_replaced(tmp_path: Path, lock: str) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal(path, wait_s=0)
    journal.begin(INSTALL)
    with closing(sqlite3.connect(path)) as other:
        other.execute(lock)
        with pytest.raises(RollbackError, match="locked") as caught:
            journal.note(INSTALL.id, "x")
    assert f"fuser -v {path}" in caught.value.remedy
    assert "backup" not in caught.value.remedy
