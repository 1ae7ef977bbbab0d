"""After a failure of any step the master is as it was before."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade.errors import BundleError, PreflightError, RollbackError, StepError
from fuel_upgrade.system.compression import open_stream
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.events import Event, InstallFailed
from fuel_upgrade.upgrade.records import InstallState, StepState
from fuel_upgrade.upgrade.review.review import Review
from fuel_upgrade.upgrade.steps.register import Register
from tests.master import ScratchMaster, planned, scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
STEPS = 11  # of the demo's tarball; asserted below, so that a new step cannot go untested


@pytest.fixture(scope="module")
def master(
    tarballs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScratchMaster]:
    """A master with 5.1 installed; each test leaves it as it was, or fails."""
    with scratch_master(tmp_path_factory.mktemp("master")) as scratch:
        scratch.install(tarballs["5.1"])
        yield scratch


@pytest.fixture
def fresh_master(tarballs: dict[str, Path], tmp_path: Path) -> Iterator[ScratchMaster]:
    """A master with 5.1 installed, for one test."""
    with scratch_master(tmp_path / "master") as scratch:
        scratch.install(tarballs["5.1"])
        yield scratch


def test_every_step_is_covered(master: ScratchMaster, tarballs: dict[str, Path]) -> None:
    assert len(planned(master.engine().plan(tarballs["6.0"]))["steps"]) == STEPS


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_failing_step_leaves_everything_as_before(
    master: ScratchMaster, tarballs: dict[str, Path], step: int, where: str
) -> None:
    before = master.state()
    with pytest.raises(StepError, match=f"fail point {step}:{where}") as caught:
        master.install(tarballs["6.0"], fail_points=f"{step}:{where}")
    assert caught.value.state == "rolled back to Fuel 5.1"
    assert master.state() == before
    journal = master.engine().journal
    assert journal.installs()[-1].state is InstallState.ROLLED_BACK
    steps = journal.steps(journal.installs()[-1].id)
    assert {s.state for s in steps[:step]} == {StepState.REVERTED}
    assert {s.state for s in steps[step:]} <= {StepState.PLANNED}


def test_a_refusal_by_the_registry_itself_is_undone(
    fresh_master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    fresh_master.install(tarballs["6.0"])
    before = fresh_master.state()
    with pytest.raises(StepError, match="Invalid network data"):
        fresh_master.install(tarballs["6.0.1"])
    assert fresh_master.state() == before
    fresh_master.engine().rollback()
    assert [r.version for r in fresh_master.client.releases()] == ["2014.1.1-5.1"] * 2


def test_a_damaged_payload_is_refused_before_the_first_switch(
    master: ScratchMaster, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    before = master.state()
    with open_stream(tarballs["6.0"]) as stream:
        data = bytearray(stream.read())
    data[-20_000] ^= 0xFF  # in the last package
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(data)
    with pytest.raises(BundleError, match="but the seal says") as caught:
        master.install(damaged)
    assert caught.value.state == "nothing was changed"
    assert master.state() == before


def test_the_previous_content_is_restored_and_not_removed(
    fresh_master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    """An undo by the tarball's list would remove files that somebody else had installed."""
    master = fresh_master
    repo = master.config.paths.repos / "2014.2-6.0/ubuntu/x86_64"
    puppet = master.config.paths.puppet / "2014.2-6.0"
    for folder in (repo, puppet):
        folder.mkdir(parents=True)
        (folder / "mine").write_text("somebody else's\n")
    before = master.state()
    with pytest.raises(StepError):
        master.install(tarballs["6.0"], fail_points="11:after")
    assert master.state() == before
    master.install(tarballs["6.0"])
    assert not (repo / "mine").exists()
    master.engine().rollback()
    after = master.state()
    assert (repo / "mine").read_text() == "somebody else's\n"
    assert (after.releases, after.notifications) == (before.releases, before.notifications)


def test_an_equal_release_is_adopted_and_outlives_the_undo(
    fresh_master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    master = fresh_master
    review = master.engine().plan(tarballs["6.0"])
    assert isinstance(review, Review)
    register = next(Register.among(review.plan.steps))
    adopted = master.client.create_release(register.body)
    master.engine().release_backups()  # as the install does
    before = master.state()
    record = master.install(tarballs["6.0"])
    titles = [step.title for step in master.engine().journal.steps(record.id)]
    assert f"keep release {adopted.name} ({adopted.version}) as it is registered" in titles
    master.engine().rollback()
    assert master.state() == before


def test_content_that_somebody_replaced_is_neither_removed_nor_overwritten(
    fresh_master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    master = fresh_master
    repo = master.config.paths.repos / "2014.1.1-5.1/ubuntu/x86_64"
    record = master.engine().journal.installs()[-1]
    shutil.rmtree(repo)
    repo.mkdir()
    (repo / "synced").write_text("by hand\n")
    with pytest.raises(RollbackError, match="holds neither the content of this install"):
        master.engine().rollback()
    assert (repo / "synced").read_text() == "by hand\n"
    assert master.client.releases() == ()  # the rest was undone
    staged = master.config.paths.repos / ".fuel-upgrade" / record.id
    assert staged.exists()  # and files that the stuck step may need are kept
    assert master.engine().record(record.id).state is InstallState.INCONSISTENT


def test_an_undo_that_fails_is_visible_and_can_be_repeated(
    fresh_master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    master = fresh_master
    before = master.state()
    install = new_id()
    clusters: list[int] = []

    def put_a_cluster_on_the_new_release(event: Event) -> None:
        if isinstance(event, InstallFailed):
            created = master.client.releases()[0]
            cluster = master.store.add_cluster("c1", created.id, fuel_version="5.1")
            clusters.append(cluster.id)

    engine = master.engine("8:before")
    with pytest.raises(RollbackError, match="clusters assigned"):
        engine.install(tarballs["6.0"], install=install, watch=put_a_cluster_on_the_new_release)
    assert master.engine().record(install).state is InstallState.INCONSISTENT
    # the other steps were undone all the same
    assert not (master.config.paths.release_versions / "2014.2-6.0.yaml").exists()
    with pytest.raises(PreflightError, match="left this master inconsistent"):
        master.install(tarballs["6.0"])
    master.store.delete_cluster(clusters[0])
    master.engine().rollback(install)
    assert master.engine().record(install).state is InstallState.ROLLED_BACK
    assert master.state() == before
