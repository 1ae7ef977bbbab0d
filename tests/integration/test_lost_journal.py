"""A damaged journal is kept aside and a lost one is reported; none is replaced silently."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fuel_upgrade.errors import PreflightError, RollbackError
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.events import Event, StepStarted
from fuel_upgrade.upgrade.records import InstallState, RecordKind
from tests.host import Host
from tests.master import ScratchMaster, scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
PAGE_BYTES = 4096


@pytest.fixture
def master(tarballs: dict[str, Path], tmp_path: Path) -> Iterator[ScratchMaster]:
    with scratch_master(tmp_path / "master") as master:
        master.install(tarballs["5.1"])
        yield master


def copied(journal: Path) -> None:
    data = journal.read_bytes()
    journal.unlink()
    journal.write_bytes(data)


def garbage(data: bytes) -> bytes:
    return b"\x5a" * len(data)


def page_overwritten(data: bytes) -> bytes:
    return data[:PAGE_BYTES] + b"\xff" * PAGE_BYTES + data[2 * PAGE_BYTES :]


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


damages = pytest.mark.parametrize("damage", [garbage, page_overwritten, truncated])


@damages
def test_a_damaged_journal_is_kept_byte_for_byte_and_nothing_is_installed(
    master: ScratchMaster, tarballs: dict[str, Path], damage: Callable[[bytes], bytes]
) -> None:
    journal = master.config.paths.journal
    data = damage(journal.read_bytes())
    journal.write_bytes(data)
    (lost,) = master.engine().recover()
    assert (lost.kind, lost.state) == (RecordKind.LOST, InstallState.INCONSISTENT)
    (kept,) = journal.parent.glob("journal.sqlite.damaged-*")
    assert kept.read_bytes() == data
    assert str(kept) in (lost.note or "")
    with pytest.raises(PreflightError, match=str(kept)) as caught:
        master.install(tarballs["6.0"])
    assert caught.value.remedy == f"run fuel-upgrade repair {lost.id} first"
    assert master.engine().recover() == ()


def gone(journal: Path) -> None:
    journal.unlink()


def emptied(journal: Path) -> None:
    journal.write_bytes(b"")


def emptied_anew(journal: Path) -> None:
    journal.unlink()
    journal.touch()


@pytest.mark.parametrize("loss", [gone, emptied])
def test_a_journal_without_entries_is_lost_where_installs_left_folders(
    master: ScratchMaster, loss: Callable[[Path], None]
) -> None:
    loss(master.config.paths.journal)
    (lost,) = master.engine().recover()
    assert lost.kind is RecordKind.LOST
    assert str(master.config.paths.repos / ".fuel-upgrade") in (lost.note or "")


@pytest.mark.parametrize("loss", [gone, emptied_anew, copied])
@pytest.mark.parametrize("number", [1, 2, 5, 10])
def test_a_journal_that_is_lost_amid_an_install_ends_it_before_the_next_step(
    master: ScratchMaster, tarballs: dict[str, Path], number: int, loss: Callable[[Path], None]
) -> None:
    before, started = master.state(), []

    def watch(event: Event) -> None:
        if isinstance(event, StepStarted):
            started.append(event.number)
            if event.number == number:
                loss(master.config.paths.journal)

    with pytest.raises(RollbackError, match="was deleted or replaced") as caught:
        master.engine().install(tarballs["6.0"], install=new_id(), watch=watch)
    assert started[-1] == number
    assert "everything was rolled back" in caught.value.what
    assert str(master.config.paths.state) in caught.value.remedy
    master.engine().sweep()
    assert master.state() == before


def test_a_registry_that_is_deleted_under_the_daemon_is_an_error(host: Host) -> None:
    registry = host.root / "var/lib/fuel_upgrade/registry.sqlite"
    with host.daemon():
        host.json("releases", "list")
        data = registry.read_bytes()
        registry.unlink()
        done = host.command("releases", "list")
        assert done.returncode != 0
        assert not registry.exists()
        registry.write_bytes(data)
        assert host.command("releases", "list").returncode != 0
    assert "its file was deleted or replaced" in host.log()


def test_a_crash_after_it_was_set_aside_does_not_hide_it(
    master: ScratchMaster,
) -> None:
    master.engine().rollback()  # no folder is left
    engine = master.engine()
    engine.journal.set_aside("20300101T000000Z")
    (lost,) = engine.recover()
    assert "were set aside" in (lost.note or "")
    assert master.engine().recover() == ()


def test_a_first_start_has_lost_nothing(tmp_path: Path) -> None:
    with scratch_master(tmp_path / "master") as master:
        assert master.engine().recover() == ()


def test_what_nobody_knows_is_not_undone_but_accepted(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    before = master.state()
    master.config.paths.journal.write_bytes(b"garbage" * 1000)
    (lost,) = master.engine().recover()
    for undo in (master.engine().repair, master.engine().rollback):
        with pytest.raises(RollbackError, match="no record of its steps") as caught:
            undo()
        assert f"fuel-upgrade repair {lost.id} --accept" in caught.value.remedy
    assert master.state() == before
    assert master.engine().repair(accept=True).state is InstallState.ACCEPTED
    master.install(tarballs["6.0"])
    master.engine().rollback()
    assert master.state() == before


def test_the_daemon_comes_up_and_tells(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        host.json("install", tarballs["5.1"])
    journal = host.root / "var/lib/fuel_upgrade/journal.sqlite"
    journal.write_bytes(page_overwritten(journal.read_bytes()))
    with host.daemon():
        (lost,) = host.json("status")["unsettled"]
        assert (lost["kind"], lost["state"]) == ("lost journal", "inconsistent")
        assert f"fuel-upgrade repair {lost['id']}" in host.command("status").stdout
        assert "lost journal" in host.command("history").stdout
        assert "journal.sqlite.damaged-" in host.command("show", lost["id"]).stdout
        assert host.command("install", tarballs["6.0"]).returncode == 4
        assert host.command("repair").returncode == 6
        assert host.json("repair", "--accept")["state"] == "accepted"
        assert host.json("install", tarballs["6.0"])["fuel_to"] == "6.0"


def test_the_daemon_finds_a_journal_that_was_deleted(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        host.json("install", tarballs["5.1"])
    (host.root / "var/lib/fuel_upgrade/journal.sqlite").unlink()
    with host.daemon():
        assert [r["kind"] for r in host.json("status")["unsettled"]] == ["lost journal"]
