"""Staging that somebody removes amid an install: everything is undone, or can be repaired."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade.errors import StepError
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.events import Event, StepStarted, StepUndoStarted
from fuel_upgrade.upgrade.records import InstallState
from tests.master import ScratchMaster, planned, scratch_master
from tests.small_bundles import small_tarball

STEPS = 8  # of the small tarball


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_tarball(tmp_path_factory.mktemp("tarball"))


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchMaster]:
    with scratch_master(tmp_path_factory.mktemp("master")) as scratch:
        yield scratch


def remove_staging(master: ScratchMaster) -> None:
    paths = master.config.paths
    for folder in (paths.repos, paths.puppet, paths.fuel):
        shutil.rmtree(folder / ".fuel-upgrade", ignore_errors=True)
    shutil.rmtree(paths.state / "staging", ignore_errors=True)


def test_every_step_is_covered(master: ScratchMaster, tarball: Path) -> None:
    assert len(planned(master.engine().plan(tarball))["steps"]) == STEPS


@pytest.mark.parametrize("step", range(2, STEPS + 1))
def test_an_install_whose_staging_is_removed_before_a_step_is_undone(
    master: ScratchMaster, tarball: Path, step: int
) -> None:
    before = master.state()

    def watch(event: Event) -> None:
        if isinstance(event, StepStarted) and event.number == step:
            remove_staging(master)

    with pytest.raises(StepError) as caught:
        master.engine().install(tarball, install=new_id(), watch=watch)
    assert caught.value.state.startswith("rolled back")
    assert master.state() == before


@pytest.mark.parametrize("step", range(1, STEPS))
def test_an_undo_whose_staging_is_removed_before_a_step_ends(
    master: ScratchMaster, tarball: Path, step: int
) -> None:
    """The last switch has a backup, so that its undo comes first here."""
    before = master.state()

    def watch(event: Event) -> None:
        if isinstance(event, StepUndoStarted) and event.number == step:
            remove_staging(master)

    record = master.engine().install(tarball, install=new_id())
    assert master.engine().rollback(watch=watch).state is InstallState.UNDONE
    assert record.state is InstallState.INSTALLED
    assert master.state() == before
