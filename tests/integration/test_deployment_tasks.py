"""Releases of 6.1 and later get the deployment tasks of their puppet tree."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from demo.releases import write_inputs
from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.errors import OutsideError, StepError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.release.puppet_tasks import DeploymentTask
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.releases.gc import Gc
from fuel_upgrade.upgrade.releases.squash_release import plan_squash
from fuel_upgrade.upgrade.review.review import Review
from fuel_upgrade.upgrade.steps.put_tasks import PutTasks
from fuel_upgrade.upgrade.steps.register import Register
from fuel_upgrade.upgrade.steps.step import World
from fuel_upgrade.upgrade.steps.unregister import Unregister
from tests.integration.test_late_changes import Pauses, connected, install, killed_amid
from tests.integration.test_plan_costs import Counted, requests_of
from tests.master import ScratchMaster, build, planned, scratch_master
from tests.misbehaving import PASSWORD, TIMEOUT_S, bad_nailgun, says
from tests.recorded_nailgun import TASKS, RecordedNailgun, recording
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
LATER = ("6.1", "7.0")
OLD = "2014.1.1-5.1"
OTHER = ({"id": "mine", "type": "stage"},)
UBUNTU = {"operating_system": "Ubuntu"}


def settings(url: str) -> NailgunSettings:
    return NailgunSettings(
        url=url, password=PASSWORD, timeout_s=TIMEOUT_S, retries=0, dialect="6.1"
    )


def real_tasks() -> list[dict[str, Any]]:
    """Return tasks that were put to a real Nailgun 6.1."""
    sent = next(e["request"]["body"] for e in recording("6.1") if e["note"] == "PUT real tasks")
    assert len(sent) >= 5
    return list(sent)


@pytest.fixture(scope="module")
def tarballs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The demo's tarballs; the tasks of 5.1 are in two files, and 6.0 has one task more."""
    folder, tasks = tmp_path_factory.mktemp("inputs"), real_tasks()
    write_inputs(folder)
    for fuel, more in (("5.1", []), ("6.0", [{"id": "new", "type": "stage"}])):
        modular = folder / fuel / "puppet/modules/osnailyfacter/modular"
        for name, part in (("tasks.yaml", tasks[:3]), ("astute/hiera_tasks.yaml", tasks[3:])):
            file = modular / name
            file.parent.mkdir(parents=True)
            file.write_text(yaml.safe_dump([*part, *more] if "astute" in name else part))
        (modular / "roles.yaml").write_text("no tasks\n")
    return {
        fuel: build(folder / f"bundle-{fuel}.yaml", folder / f"fuel-{fuel}.tar")
        for fuel in ("5.1", "6.0")
    }


@pytest.fixture(params=LATER)
def master(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ScratchMaster]:
    wrap = partial(RecordedNailgun, fuel=request.param)
    with scratch_master(tmp_path / "master", dialect="6.1", wrap=wrap) as scratch:
        yield scratch


def tasks_by_name(master: ScratchMaster) -> dict[str, tuple[DeploymentTask, ...]]:
    client = master.client
    return {release.name: client.deployment_tasks(release.id) for release in client.releases()}


def sorted_tasks(tasks: Any) -> list[str]:
    return sorted(json.dumps(task, sort_keys=True) for task in tasks)


def deployment_info(master: ScratchMaster, release_id: int) -> int:
    """Return the status of the deployment info of a new cluster."""
    cluster = master.client.create_cluster(f"c{release_id}", release_id)
    token, _ = master.store.accounts.issue_token(1)
    url = f"{master.settings.url}/api/v1/clusters/{cluster.id}/orchestrator/deployment/defaults"
    answer = requests.get(url, headers={"X-Auth-Token": token}, timeout=60)
    master.client.delete_cluster(cluster.id)
    return answer.status_code


def test_a_cluster_on_an_installed_release_can_be_deployed(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    body = {"name": "R", "version": "1-1", "state": "available", **UBUNTU}
    by_hand = master.client.create_release(body)
    assert deployment_info(master, by_hand.id) == 500
    master.install(tarballs["5.1"])
    releases = [r for r in master.client.releases() if r.version == OLD]
    assert [deployment_info(master, r.id) for r in releases] == [200, 200]
    for release in releases:
        shown = master.client.deployment_tasks(release.id)
        assert sorted_tasks(shown) == sorted_tasks(real_tasks())


def test_the_undo_of_an_install_leaves_the_tasks_of_other_releases(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    master.install(tarballs["5.1"])
    before = master.client.releases(), tasks_by_name(master)
    master.install(tarballs["6.0"])
    assert {len(tasks) for tasks in tasks_by_name(master).values()} == {7, 8}
    master.engine().rollback()
    assert (master.client.releases(), tasks_by_name(master)) == before


def test_the_requests_for_tasks_are_those_of_the_plan(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    plan = planned(master.engine().plan(tarballs["5.1"]))
    control = Counted(master.client)
    engine = Engine(master.config, control)
    engine.install(tarballs["5.1"], install=new_id())
    assert control.sent == requests_of(plan, undo=False)
    control.sent.clear()
    engine.rollback()
    assert control.sent == requests_of(plan, undo=True)


def test_an_adopted_release_gets_the_tasks_and_after_an_undo_its_own(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    review = master.engine().plan(tarballs["5.1"])
    assert isinstance(review, Review)
    register, *_ = Register.among(review.plan.steps)
    adopted = master.client.create_release(register.body)
    master.client.put_deployment_tasks(adopted.id, OTHER)
    record = master.install(tarballs["5.1"])
    assert master.client.deployment_tasks(adopted.id) != OTHER
    steps = list(PutTasks.begun(master.engine().journal.steps(record.id)))
    assert [facts.before for step, facts in steps if step.name == adopted.name] == [OTHER]
    master.engine().rollback()
    assert tasks_by_name(master) == {adopted.name: OTHER}


def test_tasks_that_are_put_during_the_recovery_are_put_back(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    review = master.engine().plan(tarballs["5.1"])
    assert isinstance(review, Review)
    register, *_ = Register.among(review.plan.steps)
    adopted = master.client.create_release(register.body)
    master.client.put_deployment_tasks(adopted.id, OTHER)
    with (
        killed_amid(master, "PUT", "releases", install(tarballs["5.1"])) as held,
        connected(master, Pauses(3, held.carry_out)) as (engine, _, _),
    ):
        engine.recover()
    assert held.carried_out.is_set()
    assert tasks_by_name(master) == {adopted.name: OTHER}


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_failure_and_a_crash_at_the_tasks_leave_everything_as_before(
    master: ScratchMaster, tarballs: dict[str, Path], where: str
) -> None:
    master.install(tarballs["5.1"])
    before = master.state(), tasks_by_name(master)
    kinds = [step["kind"] for step in planned(master.engine().plan(tarballs["6.0"]))["steps"]]
    assert kinds.count("tasks") == 2
    at = kinds.index("tasks") + 1
    with pytest.raises(StepError):
        master.install(tarballs["6.0"], fail_points=f"{at}:{where}")
    assert (master.state(), tasks_by_name(master)) == before
    install = new_id()
    master.killed(lambda e: e.install(tarballs["6.0"], install=install), f"{at}:{where}=kill")
    master.engine().recover()
    assert (master.state(), tasks_by_name(master)) == before


def test_the_undo_of_a_gc_brings_the_tasks_back(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    master.install(tarballs["5.1"])
    master.install(tarballs["6.0"])
    squash = partial(plan_squash, master.config, master.client, "2014.2-6.0", install=new_id())
    master.engine().change(squash)
    master.engine().release_backups()
    before = tasks_by_name(master)
    assert all(before.values())
    gc = Gc(master.config, master.client, master.engine())
    record = gc.apply(gc.plan(), install=new_id())
    assert tasks_by_name(master).keys() < before.keys()
    master.engine().rollback(record.id)
    assert tasks_by_name(master) == before


def test_tasks_that_a_nailgun_ignores_in_a_new_release_are_put(tmp_path: Path) -> None:
    wrap = partial(RecordedNailgun, fuel="7.0", ignores_posted=True)
    with scratch_master(tmp_path / "master", dialect="6.1", wrap=wrap) as master:
        made = master.client.create_release({"name": "R", "version": "1-1", **UBUNTU})
        master.client.put_deployment_tasks(made.id, OTHER)
        step = Unregister(made.id, master.client.release_body(made.id))
        world = World(master.client, no_progress)
        facts = step.inspect(world)
        step.apply(facts, world)
        for _ in range(2):  # the second changes nothing
            step.revert(facts, world)
            assert tasks_by_name(master) == {"R": OTHER}


def test_tasks_that_nailgun_shows_otherwise_fail_the_step(tmp_path: Path) -> None:
    (tmp_path / "tasks.yaml").write_text("- {id: a, type: stage}\n- {id: b, type: stage}\n")
    with bad_nailgun() as server, NailgunClient(settings(server.url)) as client:
        release = {"id": 5, "name": "R", "version": "1-1", **UBUNTU, "state": "available"}
        shown = [{"id": "a", "type": "stage"}, {"id": "b", "type": "puppet"}]
        server.script = [says(200, a) for a in ([release], [], shown, shown)]
        step, world = PutTasks("R", "1-1", "Ubuntu", tmp_path), World(client, no_progress)
        facts = step.inspect(world)
        with pytest.raises(OutsideError, match=r"1 of the 2 deployment tasks.*: b$"):
            step.apply(facts, world)
        assert [seen.method for seen in server.seen] == ["GET", "GET", "PUT", "GET"]
        assert {task["id"] for task in json.loads(server.seen[2].body)} == {"a", "b"}


def test_the_body_of_a_release_of_fuel_5_0_has_no_tasks_on_6_1() -> None:
    """That Nailgun splits the version at a dash, and crashes without."""
    crash = next(e["response"] for e in recording("6.1") if "has no dash" in e["note"])
    assert crash["status"] == 500
    with bad_nailgun() as server, NailgunClient(settings(server.url)) as client:
        for version in ("2014.1", "2014.2.2-6.1"):
            release = {"id": 5, "name": "R", "version": version, **UBUNTU}
            answers = (says(200, release), says(200, {}), says(500, crash["body"]))
            server.script += answers
        assert client.release_body(5)[TASKS] == []
        with pytest.raises(OutsideError, match=r"5/deployment_tasks answered 500"):
            client.release_body(5)
