"""An install survives restarts of Nailgun, and sends nothing twice."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.errors import PreflightError, RollbackError, StepError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.events import Event, UndoStarted
from fuel_upgrade.upgrade.records import InstallState, StepState
from tests.clock import Clock
from tests.flaky import (
    TIMEOUT_S,
    Fault,
    FlakyNailgun,
    Late,
    Request,
    Slow,
    answers,
    closes,
    flaky_nailgun,
    loses_the_answer,
)
from tests.master import ScratchMaster, State, scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
CLOCK = Clock()
DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def master(
    tarballs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScratchMaster]:
    """A master with 5.1 installed; each test leaves it as it was, or fails."""
    with scratch_master(tmp_path_factory.mktemp("master")) as master:
        master.install(tarballs["5.1"])
        master.engine().release_backups()  # else the next install does
        yield master


@pytest.fixture(scope="module")
def after(master: ScratchMaster, tarballs: dict[str, Path]) -> State:
    """The result of an install of 6.0 without faults."""
    record = master.install(tarballs["6.0"])
    actual = master.content(record.id)
    master.engine().rollback()
    return actual


@pytest.fixture
def nailgun(master: ScratchMaster) -> Iterator[FlakyNailgun]:
    assert master.settings.url is not None
    with flaky_nailgun(master.settings.url) as made:
        yield made


@pytest.fixture
def engine(master: ScratchMaster, nailgun: FlakyNailgun) -> Iterator[Engine]:
    """An engine whose client meets the faults, with a budget of three retries."""
    settings = replace(
        master.settings, url=nailgun.url, retries=3, timeout_s=TIMEOUT_S, deadline_s=DEADLINE_S
    )
    with NailgunClient(settings, monotonic=CLOCK, sleep=CLOCK.sleep) as client:
        yield Engine(master.config, client)


SURVIVED: dict[str, tuple[Fault, ...]] = {
    "a lost answer": (loses_the_answer,),
    "a closed connection": (closes,),
    "500": (answers(500),),
    "502 twice": (answers(502),) * 2,
    "503 thrice": (answers(503),) * 3,
    "503, then a lost answer": (answers(503), loses_the_answer),
    "a slow answer": (Slow(CLOCK, DEADLINE_S / 2).answers,),
    "no answer in time": (Slow(CLOCK, DEADLINE_S * 2).gives_no_answer,),
}


@pytest.mark.parametrize("resource", ["releases", "notifications"])
@pytest.mark.parametrize("faults", SURVIVED.values(), ids=SURVIVED)
def test_a_post_is_carried_out_exactly_once(
    *,
    master: ScratchMaster,
    tarballs: dict[str, Path],
    after: State,
    nailgun: FlakyNailgun,
    engine: Engine,
    faults: tuple[Fault, ...],
    resource: str,
) -> None:
    before = master.state()
    nailgun.set("POST", resource, *faults)
    record = engine.install(tarballs["6.0"], install=new_id())
    assert nailgun.faults["POST", resource] == []
    assert master.content(record.id) == after
    engine.rollback()
    assert master.state() == before


@pytest.mark.parametrize("resource", ["releases", "notifications"])
def test_a_post_that_was_carried_out_late_is_not_repeated_in_effect(
    *,
    master: ScratchMaster,
    tarballs: dict[str, Path],
    after: State,
    nailgun: FlakyNailgun,
    engine: Engine,
    resource: str,
) -> None:
    """Of a release the second post is a conflict with the first; of a notification, a double."""
    before, late = master.state(), Late()
    nailgun.set("POST", resource, late.drop, late.conflict)
    record = engine.install(tarballs["6.0"], install=new_id())
    assert master.content(record.id) == after
    engine.rollback()
    assert master.state() == before


@pytest.mark.parametrize("fault", [answers(500), answers(502), answers(503), closes])
def test_reading_and_deleting_are_tried_again(
    master: ScratchMaster,
    tarballs: dict[str, Path],
    nailgun: FlakyNailgun,
    engine: Engine,
    fault: Fault,
) -> None:
    before = master.state()
    nailgun.set("GET", "releases", fault)
    nailgun.set("DELETE", "releases", fault)
    nailgun.set("DELETE", "notifications", fault)
    engine.install(tarballs["6.0"], install=new_id())
    engine.rollback()
    assert {name: left for name, left in nailgun.faults.items() if left} == {}
    assert master.state() == before


def test_a_nailgun_that_stays_away_ends_in_before(
    master: ScratchMaster, tarballs: dict[str, Path], nailgun: FlakyNailgun, engine: Engine
) -> None:
    before = master.state()
    nailgun.set("POST", "releases", *[answers(503)] * 4)
    with pytest.raises(StepError, match="answered 503") as caught:
        engine.install(tarballs["6.0"], install=new_id())
    assert caught.value.state == "rolled back to Fuel 5.1"
    assert nailgun.seen.count("POST releases") == 4
    assert master.state() == before


def test_an_undo_without_nailgun_undoes_the_rest_and_is_repaired_later(
    master: ScratchMaster, tarballs: dict[str, Path], nailgun: FlakyNailgun, engine: Engine
) -> None:
    before = master.state()
    engine.install(tarballs["6.0"], install=new_id())
    nailgun.set(
        "DELETE", "releases", *[answers(503)] * 16
    )  # two releases, three retries each, twice
    with pytest.raises(RollbackError, match="2 step"):
        engine.rollback()
    assert not (master.config.paths.release_versions / "2014.2-6.0.yaml").exists()
    assert engine.repair().state is InstallState.UNDONE
    assert master.state() == before


def test_a_release_that_a_cluster_uses_is_reported_and_the_rest_undone(
    master: ScratchMaster, tarballs: dict[str, Path], engine: Engine
) -> None:
    before = master.state()
    install = engine.install(tarballs["6.0"], install=new_id()).id
    clusters: list[int] = []

    def take_it(event: Event) -> None:
        if isinstance(event, UndoStarted):  # after the check that no cluster uses it
            taken = master.client.releases()[0].id
            clusters.append(master.store.add_cluster("late", taken, fuel_version="6.0").id)

    with pytest.raises(RollbackError, match="clusters assigned"):
        engine.rollback(watch=take_it)
    states = [step.state for step in engine.journal.steps(install)]
    assert states.count(StepState.STUCK) == 1
    assert len(master.client.releases()) == 3
    with pytest.raises(PreflightError, match="clusters use its releases: late"):
        engine.repair()
    master.store.delete_cluster(clusters[0])
    assert engine.repair().state is InstallState.UNDONE
    assert master.state() == before


def test_another_release_is_not_mistaken_for_the_unanswered_one(
    master: ScratchMaster, tarballs: dict[str, Path], nailgun: FlakyNailgun, engine: Engine
) -> None:
    before = master.state()

    def another(request: Request, upstream: str) -> None:
        body = json.loads(request.body)
        body["orchestrator_data"]["repo_metadata"] = {"theirs": "http://elsewhere/repo"}
        replace(request, body=json.dumps(body).encode()).carried_out_by(upstream)

    nailgun.set("POST", "releases", another)
    with pytest.raises(StepError, match="is not the one that was posted"):
        engine.install(tarballs["6.0"], install=new_id())
    (theirs,) = (r for r in master.client.releases() if r.version == "2014.2-6.0")
    assert [repo.name for repo in theirs.others] == ["theirs"]
    master.client.delete_release(theirs.id)
    assert master.state() == before
