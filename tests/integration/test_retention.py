"""The backups of as many installs are kept as the settings say."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.upgrade.events import ignore
from fuel_upgrade.upgrade.records import ChangeRecord, StepRecord
from fuel_upgrade.upgrade.transaction import retention
from fuel_upgrade.upgrade.transaction.journal import Journal
from tests.host import Host
from tests.master import ScratchMaster, scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


@pytest.fixture
def master(tmp_path: Path) -> Iterator[ScratchMaster]:
    with scratch_master(tmp_path / "master") as scratch:
        yield scratch


def keeping(master: ScratchMaster, count: int) -> ScratchMaster:
    return replace(master, config=replace(master.config, keep_installs=count))


def kept(master: ScratchMaster) -> list[str]:
    return sorted(folder.name for folder in master.config.paths.repos.glob(".fuel-upgrade/*"))


def test_two_installs_that_are_kept_are_undone_one_after_the_other(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    master = keeping(master, 2)
    states = [master.state()]
    installs = []
    for fuel in ("5.1", "6.0"):
        installs.append(master.install(tarballs[fuel]).id)
        states.append(master.state())
    assert kept(master) == sorted(installs)
    for state, install in zip(reversed(states[:-1]), reversed(installs), strict=True):
        assert master.engine().rollback().id == install
        assert master.state() == state
    assert kept(master) == []


def test_one_that_is_kept_is_the_last(master: ScratchMaster, tarballs: dict[str, Path]) -> None:
    first, last = (master.install(tarballs[fuel]).id for fuel in ("5.1", "6.0"))
    assert kept(master) == [last]
    assert master.engine().record(first).released
    master.engine().rollback()
    assert retention.undoable(master.engine().journal) is None
    with pytest.raises(PreflightError, match="no install to undo"):
        master.engine().rollback()


def test_none_is_kept(master: ScratchMaster, tarballs: dict[str, Path]) -> None:
    record = keeping(master, 0).install(tarballs["5.1"])
    assert kept(master) == []
    assert record.released
    with pytest.raises(PreflightError, match="no install to undo"):
        master.engine().rollback()


def test_a_smaller_number_counts_from_the_next_start_on(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    _, last = (keeping(master, 2).install(tarballs[fuel]).id for fuel in ("5.1", "6.0"))
    master.engine().recover()
    assert kept(master) == [last]


def cut_off_releasing(master: ScratchMaster, record: ChangeRecord) -> Path:
    """Leave the state of a kill during the deletion of backups: recorded, and partly deleted."""
    master.engine().journal.release(record.id)
    first, *others = retention.roots(master.engine().journal, record.id)
    shutil.rmtree(first)
    assert any(root.exists() for root in others)
    return next(root for root in others if root.exists())


def test_a_partial_backup_is_not_undone_and_is_deleted_with_the_next_change(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    record = master.install(tarballs["5.1"])
    left = cut_off_releasing(master, record)
    assert retention.undoable(master.engine().journal) is None
    with pytest.raises(PreflightError, match="its backups are not kept"):
        master.engine().rollback()
    master.install(tarballs["6.0"])
    assert not left.exists()


def test_a_partial_backup_is_not_undone_even_without_a_record(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    record = master.install(tarballs["5.1"])
    shutil.rmtree(retention.roots(master.engine().journal, record.id)[0])
    assert retention.undoable(master.engine().journal) is None


def test_a_partial_backup_can_be_deleted_by_command(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    left = cut_off_releasing(master, master.install(tarballs["5.1"]))
    master.engine().release_backups()
    assert not left.exists()


def test_the_size_of_backups_is_reported(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        install = host.json("install", tarballs["5.1"])["id"]
        taken = host.json("status")["backups_bytes"]
        assert taken > 0
        assert host.json("show", install)["backups_bytes"] == taken
        assert "its backups take" in host.command("status").stdout
        assert "backups: " in host.command("show", install).stdout
        host.json("gc", "--release-backups")
        assert host.json("status")["backups_bytes"] == 0
        assert host.json("show", install)["released"]


def test_empty_folders_that_a_power_cut_leaves_after_an_undo_are_removed(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    before = master.state()
    install = master.install(tarballs["5.1"]).id
    parents = {root.parent for root in retention.roots(master.engine().journal, install)}
    master.engine().rollback()
    for parent in parents:
        parent.mkdir(parents=True, exist_ok=True)  # as if its removal had not reached the disk
    master.engine().recover()
    assert master.state() == before
    assert not any(parent.exists() for parent in parents)


class Counting(Journal):
    """A journal that counts how often the steps of a change are read."""

    read = 0

    def steps(self, install: str) -> tuple[StepRecord, ...]:
        self.read += 1
        return super().steps(install)


def test_changes_without_folders_on_disk_cost_no_reading_of_their_steps(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    for _ in range(3):
        master.install(tarballs["5.1"])
        master.engine().rollback()
    paths, journal = master.config.paths, Counting(master.config.paths.journal)
    retention.sweep_all(journal, master.client, paths, ignore)
    assert retention.with_backups(journal, paths) == []
    assert journal.read == 0
