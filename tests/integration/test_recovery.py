"""Wherever a process is killed, recovery ends exactly before or exactly after the install."""

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.config import Recovery, RecoverySettings
from fuel_upgrade.errors import PreflightError, RollbackError, StepError
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.events import Event, Undone
from fuel_upgrade.upgrade.records import InstallState
from fuel_upgrade.upgrade.transaction.failpoints import FailPoints
from tests.master import ScratchMaster, State, upgraded_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
STEPS = 11  # of the demo's tarball; test_every_step asserts it
steps = pytest.mark.parametrize("step", range(1, STEPS + 1))


@pytest.fixture(scope="module")
def master(
    tarballs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScratchMaster]:
    """A master with 5.1 installed; each test leaves it as it was, or fails."""
    with upgraded_master(tmp_path_factory.mktemp("master"), tarballs["5.1"]) as scratch:
        yield scratch


@pytest.fixture
def fresh(tarballs: dict[str, Path], tmp_path: Path) -> Iterator[ScratchMaster]:
    """A master with 5.1 installed, for one test."""
    with upgraded_master(tmp_path / "master", tarballs["5.1"]) as scratch:
        yield scratch


@pytest.fixture(scope="module")
def after(master: ScratchMaster, tarballs: dict[str, Path]) -> State:
    """The state after an uninterrupted install of 6.0."""
    record = master.install(tarballs["6.0"])
    content = master.content(record.id)
    master.engine().rollback()
    return content


def killed_at(master: ScratchMaster, tarball: Path, point: str) -> str:
    install = new_id()
    master.killed(lambda engine: engine.install(tarball, install=install), f"{point}=kill")
    return install


@pytest.mark.parametrize("where", ["before", "after"])
@steps
def test_a_killed_install_is_rolled_back_to_exactly_before(
    master: ScratchMaster, tarballs: dict[str, Path], step: int, where: str
) -> None:
    before = master.state()
    install = killed_at(master, tarballs["6.0"], f"{step}:{where}")
    (record,) = master.engine().recover()
    assert (record.id, record.state) == (install, InstallState.ROLLED_BACK)
    assert master.state() == before


@pytest.mark.parametrize("where", ["before", "after"])
@steps
def test_a_killed_install_is_resumed_to_exactly_after(
    master: ScratchMaster, tarballs: dict[str, Path], after: State, step: int, where: str
) -> None:
    before = master.state()
    install = killed_at(master, tarballs["6.0"], f"{step}:{where}")
    (record,) = master.engine().recover(Recovery.RESUME)
    assert (record.id, record.state) == (install, InstallState.INSTALLED)
    assert (record.fuel_from, record.fuel_to) == ("5.1", "6.0")  # also with the link switched
    assert master.content(install) == after
    assert master.engine().rollback(install).state is InstallState.UNDONE
    assert master.state() == before


@pytest.mark.parametrize("where", ["undo-before", "undo-after"])
@steps
def test_a_killed_undo_goes_on_to_exactly_before(
    master: ScratchMaster, tarballs: dict[str, Path], step: int, where: str
) -> None:
    before = master.state()
    install = master.install(tarballs["6.0"]).id
    master.killed(lambda engine: engine.rollback(), f"{step}:{where}=kill")
    (record,) = master.engine().recover(Recovery.RESUME)  # an undo is never resumed forward
    assert (record.id, record.state) == (install, InstallState.UNDONE)
    assert master.state() == before


def test_discarded_folders_are_deleted_after_a_crash(
    fresh: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    before = fresh.state()
    kill = FailPoints("1:before=kill")

    def undo(engine: Engine) -> None:
        engine.rollback(watch=lambda event: kill.check(1, "before") if is_end(event) else None)

    def is_end(event: Event) -> bool:
        return isinstance(event, Undone)

    fresh.install(tarballs["6.0"])
    fresh.killed(undo, "")
    folder = fresh.config.paths.repos / ".fuel-upgrade"
    assert [path.name.partition("-")[0] for path in folder.iterdir()] == ["discarded"]
    assert fresh.engine().recover() == ()  # it is undone already
    assert fresh.state() == before


def test_nothing_is_recovered_twice(master: ScratchMaster, tarballs: dict[str, Path]) -> None:
    killed_at(master, tarballs["6.0"], "3:after")
    assert len(master.engine().recover()) == 1
    assert master.engine().recover() == ()


def test_the_setting_decides_where_the_command_does_not(
    fresh: ScratchMaster, tarballs: dict[str, Path], after: State
) -> None:
    resuming = replace(
        fresh, config=replace(fresh.config, recovery=RecoverySettings(Recovery.RESUME))
    )
    install = killed_at(fresh, tarballs["6.0"], "3:after")
    assert resuming.engine().recover()[0].state is InstallState.INSTALLED
    assert fresh.content(install) == after
    fresh.engine().rollback()
    killed_at(fresh, tarballs["6.0"], "3:after")
    assert resuming.engine().recover(Recovery.ROLLBACK)[0].state is InstallState.ROLLED_BACK


@pytest.mark.parametrize("becomes", [None, "5.1"])
def test_resuming_without_the_tarball_rolls_back(
    fresh: ScratchMaster, tarballs: dict[str, Path], tmp_path: Path, becomes: str | None
) -> None:
    before = fresh.state()
    tarball = Path(shutil.copy(tarballs["6.0"], tmp_path / "fuel.tar.zst"))
    killed_at(fresh, tarball, "1:before")
    tarball.unlink()
    if becomes:
        shutil.copy(tarballs[becomes], tarball)
    (record,) = fresh.engine().recover(Recovery.RESUME)
    assert record.state is InstallState.ROLLED_BACK
    assert "fuel.tar.zst" in (record.error or {})["what"]
    assert fresh.state() == before


def test_an_unpacked_install_is_resumed_without_the_tarball(
    fresh: ScratchMaster, tarballs: dict[str, Path], tmp_path: Path, after: State
) -> None:
    tarball = Path(shutil.copy(tarballs["6.0"], tmp_path / tarballs["6.0"].name))
    install = killed_at(fresh, tarball, "2:before")
    tarball.unlink()
    (record,) = fresh.engine().recover(Recovery.RESUME)
    assert record.state is InstallState.INSTALLED
    assert fresh.content(install) == after


def test_resuming_that_fails_rolls_back(fresh: ScratchMaster, tarballs: dict[str, Path]) -> None:
    before = fresh.state()
    killed_at(fresh, tarballs["6.0"], "3:after")
    (record,) = fresh.engine("8:after=full").recover(Recovery.RESUME)
    assert record.state is InstallState.ROLLED_BACK
    assert os.strerror(errno.ENOSPC) in (record.error or {})["what"]
    assert fresh.state() == before


def given_up(master: ScratchMaster, tarball: Path) -> str:
    """Have an install killed, and its recoveries too, until there are no more attempts."""
    attempts = master.config.recovery.attempts
    install = killed_at(master, tarball, "4:after")
    for _ in range(attempts):
        master.killed(lambda engine: engine.recover(), "4:undo-before=kill")
    (record,) = master.engine().recover()
    assert (record.id, record.state) == (install, InstallState.INCONSISTENT)
    assert record.note is not None
    assert record.note.startswith(f"{attempts} recoveries did not come to an end")
    return install


def test_a_repair_rolls_back_after_the_last_recovery_failed(
    fresh: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    before = fresh.state()
    install = given_up(fresh, tarballs["6.0"])
    with pytest.raises(PreflightError, match="recoveries did not come to an end") as caught:
        fresh.install(tarballs["6.0"])
    assert caught.value.remedy == f"run fuel-upgrade repair {install} first"
    assert fresh.engine().recover() == ()  # it waits for an operator now
    record = fresh.engine().repair()
    assert (record.id, record.state, record.note) == (install, InstallState.ROLLED_BACK, None)
    assert fresh.state() == before
    fresh.install(tarballs["6.0"])


def test_an_accepted_install_stays_and_later_installs_are_possible(
    fresh: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    install = given_up(fresh, tarballs["6.0"])
    before = fresh.state()
    assert fresh.engine().repair(install, accept=True).state is InstallState.ACCEPTED
    assert fresh.state() == before
    assert fresh.install(tarballs["6.0"]).state is InstallState.INSTALLED
    with pytest.raises(PreflightError, match=f"install {install} is accepted: it needs no repair"):
        fresh.engine().repair(install)


def test_a_failed_repair_has_a_reason_and_can_be_repeated(
    fresh: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    before = fresh.state()
    given_up(fresh, tarballs["6.0"])
    with pytest.raises(RollbackError, match=os.strerror(errno.EROFS)):
        fresh.engine("4:undo-before=read-only").repair()
    assert fresh.engine().repair().state is InstallState.ROLLED_BACK
    assert fresh.state() == before


def test_an_interrupted_install_has_an_error(
    fresh: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    killed_at(fresh, tarballs["6.0"], "3:after")
    (record,) = fresh.engine().recover()
    assert "was cut off" in (record.error or {})["what"]


def test_nothing_to_repair_is_a_refusal(fresh: ScratchMaster) -> None:
    with pytest.raises(PreflightError, match="nothing is unfinished or inconsistent"):
        fresh.engine().repair()


@pytest.mark.parametrize("step", [1, 5, 7, STEPS])
def test_a_try_after_a_failed_one_ends_as_a_first_one(
    master: ScratchMaster, tarballs: dict[str, Path], after: State, step: int
) -> None:
    with pytest.raises(StepError):
        master.install(tarballs["6.0"], fail_points=f"{step}:after")
    record = master.install(tarballs["6.0"])
    assert master.content(record.id) == after
    master.engine().rollback()


def test_the_tarball_may_go_when_the_install_is_done(
    fresh: ScratchMaster, tarballs: dict[str, Path], tmp_path: Path, after: State
) -> None:
    before = fresh.state()
    tarball = Path(shutil.copy(tarballs["6.0"], tmp_path / tarballs["6.0"].name))
    record = fresh.install(tarball)
    tarball.unlink()
    assert fresh.content(record.id) == after
    assert str(tmp_path) not in str(fresh.client.releases())
    fresh.engine().rollback()
    assert fresh.state() == before
