"""A request that got no response and is carried out later: it ends in before, or is reported."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from fuel_upgrade.config import Config, Recovery
from fuel_upgrade.errors import PreflightError, RollbackError, StepError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.events import Event, LateChangeAwaited
from fuel_upgrade.upgrade.records import InstallState
from fuel_upgrade.upgrade.releases.gc import Gc
from fuel_upgrade.upgrade.releases.squash_release import plan_squash
from tests.clock import Clock
from tests.flaky import (
    TIMEOUT_S,
    FlakyNailgun,
    Held,
    Late,
    Request,
    answers,
    flaky_nailgun,
    loses_the_answer,
)
from tests.master import ScratchMaster, State, scratch_master, upgraded_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
DEADLINE_S = 60.0
OLD, NEW = "2014.1.1-5.1", "2014.2-6.0"
Work = Callable[[Engine, NailgunClient, Config], object]


@dataclass
class Pauses(Clock):
    """A clock that calls ``then`` in its pause of that number, counted from 1."""

    number: int = 0
    then: Callable[[], None] = lambda: None
    now_s: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) == self.number:
            self.then()


@pytest.fixture(scope="module")
def shared(
    tarballs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScratchMaster]:
    """A master with 5.1 installed; each test leaves it as it was, or fails."""
    with upgraded_master(tmp_path_factory.mktemp("master"), tarballs["5.1"]) as scratch:
        yield scratch


@pytest.fixture
def chain(tarballs: dict[str, Path], tmp_path: Path) -> Iterator[ScratchMaster]:
    """A master with 5.1 and its diff 6.0, for one test."""
    with scratch_master(tmp_path / "master") as scratch:
        scratch.install(tarballs["5.1"])
        scratch.install(tarballs["6.0"])
        yield scratch


@contextmanager
def connected(
    master: ScratchMaster, clock: Clock, nailgun: FlakyNailgun | None = None
) -> Iterator[tuple[Engine, NailgunClient, Config]]:
    """Connect as to a Nailgun, which does not end with the daemon as the embedded registry does."""
    url = nailgun.url if nailgun else master.settings.url
    settings = replace(
        master.settings, url=url, timeout_s=TIMEOUT_S, deadline_s=DEADLINE_S, retries=1
    )
    config = replace(master.config, nailgun=settings)
    with NailgunClient(
        settings, master_ip=config.master_ip, monotonic=clock, sleep=clock.sleep
    ) as client:
        yield Engine(config, client), client, config


@contextmanager
def killed_amid(master: ScratchMaster, method: str, resource: str, work: Work) -> Iterator[Held]:
    """Kill a process that does ``work`` amid a request; the request is held meanwhile."""
    held = Held()
    assert master.settings.url is not None
    with flaky_nailgun(master.settings.url) as nailgun:
        nailgun.set(method, resource, held)

        def run() -> None:
            with connected(master, Clock(), nailgun) as (engine, client, config):
                work(engine, client, config)

        process = multiprocessing.get_context("fork").Process(target=run)
        process.start()
        assert held.arrived.wait(TIMEOUT_S)
        process.kill()
        process.join(TIMEOUT_S)
        yield held
        held.let_go.set()


def without_ids(state: State) -> tuple[str, set[str], tuple[object, ...]]:
    releases = {str(replace(release, id=0)) for release in state.releases}  # type: ignore[type-var]
    return state.tree, releases, state.notifications


def install(tarball: Path) -> Work:
    return lambda engine, _client, _config: engine.install(tarball, install=new_id())


def squash(engine: Engine, client: NailgunClient, config: Config) -> None:
    engine.change(lambda: plan_squash(config, client, NEW, install=new_id()))


def retire(engine: Engine, client: NailgunClient, config: Config) -> None:
    gc = Gc(config, client, engine)
    gc.apply(gc.plan([OLD]), install=new_id())


@pytest.mark.parametrize("resource", ["releases", "notifications"])
@pytest.mark.parametrize("policy", [Recovery.ROLLBACK, Recovery.RESUME])
def test_a_post_that_is_carried_out_during_the_recovery_leaves_nothing(
    shared: ScratchMaster, tarballs: dict[str, Path], resource: str, policy: Recovery
) -> None:
    before = shared.state()
    events: list[Event] = []
    with killed_amid(shared, "POST", resource, install(tarballs["6.0"])) as held:
        clock = Pauses(3, held.carry_out)
        with connected(shared, clock) as (engine, _, _):
            (record,) = engine.recover(policy, watch=events.append)
            if policy is Recovery.RESUME:
                assert record.state is InstallState.INSTALLED
                assert len(shared.client.releases()) == len(before.releases) + 2
                assert len(shared.client.notifications()) == len(before.notifications) + 2
                engine.rollback()
            else:
                assert record.state is InstallState.ROLLED_BACK
    assert held.carried_out.is_set()
    assert shared.state() == before
    assert sum(clock.slept) == DEADLINE_S
    assert [e.wait_s for e in events if isinstance(e, LateChangeAwaited)] == [55]


@pytest.mark.parametrize(("method", "work"), [("PUT", squash), ("DELETE", retire)])
def test_a_change_of_a_release_that_is_carried_out_during_the_recovery_is_put_back(
    chain: ScratchMaster, method: str, work: Work
) -> None:
    if work is retire:
        with connected(chain, Clock()) as (engine, client, config):
            squash(engine, client, config)
            engine.release_backups()
    before = without_ids(chain.state())
    with (
        killed_amid(chain, method, "releases", work) as held,
        connected(chain, Pauses(3, held.carry_out)) as (engine, _, _),
    ):
        (record,) = engine.recover()
    assert held.carried_out.is_set()
    assert record.state is InstallState.ROLLED_BACK
    assert without_ids(chain.state()) == before


def test_a_post_without_a_response_that_is_carried_out_during_the_rollback_leaves_nothing(
    shared: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    before, late = shared.state(), Late()
    assert shared.settings.url is not None
    clock = Pauses(2, lambda: late.held.pop().carried_out_by(str(shared.settings.url)))
    with flaky_nailgun(shared.settings.url) as nailgun:
        nailgun.set("POST", "releases", late.drop, answers(400))
        with (
            connected(shared, clock, nailgun) as (engine, _, _),
            pytest.raises(StepError, match="answered 400") as caught,
        ):
            engine.install(tarballs["6.0"], install=new_id())
    assert late.held == []
    assert caught.value.state == "rolled back to Fuel 5.1"
    assert shared.state() == before


def test_a_put_whose_first_try_is_carried_out_during_the_rollback_is_put_back(
    chain: ScratchMaster,
) -> None:
    before, late = chain.state(), Late()
    assert chain.settings.url is not None
    clock = Pauses(3, lambda: late.held.pop().carried_out_by(str(chain.settings.url)))
    with flaky_nailgun(chain.settings.url) as nailgun:
        nailgun.set("PUT", "releases", late.drop, Request.passed_to, answers(400))
        with (
            connected(chain, clock, nailgun) as (engine, client, config),
            pytest.raises(StepError, match="answered 400"),
        ):
            squash(engine, client, config)
    assert late.held == []
    assert chain.state() == before


def test_an_answered_request_is_not_waited_for(
    shared: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    before, clock = shared.state(), Clock()
    assert shared.settings.url is not None
    with flaky_nailgun(shared.settings.url) as nailgun:
        nailgun.set("POST", "releases", answers(400))
        nailgun.set("GET", "releases", loses_the_answer)
        with connected(shared, clock, nailgun) as (engine, _, _), pytest.raises(StepError):
            engine.install(tarballs["6.0"], install=new_id())
    assert sum(clock.slept) == 0
    assert shared.state() == before


def test_a_recovery_waits_for_no_step_that_sends_no_change(
    shared: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    before, clock = shared.state(), Clock()
    shared.killed(lambda engine: engine.install(tarballs["6.0"], install=new_id()), "2:after=kill")
    with connected(shared, clock) as (engine, _, _):
        engine.recover()
    assert clock.slept == []
    assert shared.state() == before


def test_a_nailgun_that_does_not_answer_meanwhile_leaves_the_install_unsettled(
    shared: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    before = shared.state()
    assert shared.settings.url is not None
    with killed_amid(shared, "POST", "releases", install(tarballs["6.0"])) as held:
        with flaky_nailgun(shared.settings.url) as nailgun:
            clock = Pauses(2, lambda: nailgun.set("GET", "releases", *[answers(503)] * 9))
            with (
                connected(shared, clock, nailgun) as (engine, _, _),
                pytest.raises(
                    RollbackError, match="not known whether Nailgun carried out the last"
                ),
            ):
                engine.recover()
        assert engine.journal.installs()[-1].state is InstallState.ROLLING_BACK
        with connected(shared, Pauses(1, held.carry_out)) as (engine, _, _):
            assert engine.repair().state is InstallState.ROLLED_BACK
    assert shared.state() == before


@pytest.mark.parametrize("is_named", [True, False])
def test_a_release_that_appears_after_the_recovery_is_not_adopted_and_repair_deletes_it(
    shared: ScratchMaster, tarballs: dict[str, Path], *, is_named: bool
) -> None:
    before = shared.state()
    with killed_amid(shared, "POST", "releases", install(tarballs["6.0"])) as held:
        with connected(shared, Clock()) as (engine, _, _):
            (record,) = engine.recover()
        assert record.state is InstallState.ROLLED_BACK
        held.carry_out()
    engine = shared.engine()
    for attempt in (engine.plan, install_with(engine)):
        with pytest.raises(PreflightError, match=f"leftover of {record.id}") as caught:
            attempt(tarballs["6.0"])
        assert f"fuel-upgrade repair {record.id}" in caught.value.remedy
    assert engine.repair(record.id if is_named else None).state is InstallState.ROLLED_BACK
    assert shared.state() == before
    shared.install(tarballs["6.0"])
    with pytest.raises(PreflightError, match="needs no repair"):
        engine.repair(record.id)
    engine.rollback()
    assert shared.state() == before


def install_with(engine: Engine) -> Callable[[Path], object]:
    return lambda tarball: engine.install(tarball, install=new_id())


def test_a_leftover_that_a_cluster_uses_can_be_accepted(
    chain: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    engine = chain.engine()
    engine.rollback()
    with killed_amid(chain, "POST", "releases", install(tarballs["6.0"])) as held:
        with connected(chain, Clock()) as (recovering, _, _):
            (record,) = recovering.recover()
        held.carry_out()
    (late,) = (r for r in chain.client.releases() if r.version == NEW)
    chain.store.add_cluster("theirs", late.id, fuel_version="6.0")
    with pytest.raises(PreflightError, match="clusters use its releases: theirs"):
        engine.repair(record.id)
    assert engine.record(record.id).state is InstallState.INCONSISTENT
    assert engine.repair(record.id, accept=True).state is InstallState.ACCEPTED
    assert chain.install(tarballs["6.0"]).state is InstallState.INSTALLED
    assert late.id in {release.id for release in chain.client.releases()}
