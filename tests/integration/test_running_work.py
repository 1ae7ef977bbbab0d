"""No change is made while Nailgun runs tasks, with the real engine, daemon and registry."""

import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fuel_upgrade.errors import OutsideError, PreflightError
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.events import Event, InstallStarted, StepStarted, Waiting
from fuel_upgrade.upgrade.install_options import InstallOptions
from tests.host import BIN, make_host
from tests.master import ScratchMaster, planned, scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


@pytest.fixture
def master(tarballs: dict[str, Path], tmp_path: Path) -> Iterator[ScratchMaster]:
    with scratch_master(tmp_path / "master") as scratch:
        scratch.install(tarballs["5.1"])
        yield scratch


def start_task(master: ScratchMaster, status: str = "running") -> None:
    cluster = master.client.releases()[0]
    made = master.store.add_cluster("production", cluster.id, fuel_version="5.1")
    master.store.add_task("deploy", status, cluster_id=made.id)


def end_tasks(database: Path) -> None:
    with closing(sqlite3.connect(database, timeout=120)) as connection, connection:
        connection.execute("UPDATE tasks SET status = 'ready'")


@pytest.mark.parametrize("status", ["running", "pending"])
def test_an_install_is_refused_with_id_name_and_cluster(
    master: ScratchMaster, tarballs: dict[str, Path], status: str
) -> None:
    start_task(master, status)
    before = master.state()
    with pytest.raises(PreflightError) as caught:
        master.install(tarballs["6.0"])
    assert caught.value.failures == (
        f"Nailgun runs task 1 (deploy, {status}, 0 %) on cluster 1 (production)",
    )
    assert master.state() == before
    assert len(master.engine().journal.installs()) == 1


def test_a_plan_lists_running_tasks_and_is_not_refused(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    assert planned(master.engine().plan(tarballs["6.0"]))["running_tasks"] == []
    start_task(master)
    (task,) = planned(master.engine().plan(tarballs["6.0"]))["running_tasks"]
    assert (task["id"], task["name"], task["cluster_name"]) == (1, "deploy", "production")


def test_other_failures_are_reported_without_waiting(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    start_task(master)
    events: list[Event] = []
    engine = master.engine()
    with pytest.raises(PreflightError) as caught:
        engine.install(
            tarballs["6.0.1"],
            InstallOptions(wait_for_tasks_s=600),
            install=new_id(),
            watch=events.append,
        )
    assert any("Nailgun" in failure for failure in caught.value.failures)
    assert len(caught.value.failures) > 1
    assert events == []


def test_an_install_waits_until_nailgun_is_idle(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    start_task(master)
    events: list[Event] = []

    def watch(event: Event) -> None:
        events.append(event)
        if isinstance(event, Waiting):
            end_tasks(master.config.paths.registry)

    record = master.engine().install(
        tarballs["6.0"], InstallOptions(wait_for_tasks_s=60), install=new_id(), watch=watch
    )
    assert record.fuel_to == "6.0"
    assert [type(event) for event in events][:2] == [Waiting, InstallStarted]


def test_waiting_can_be_stopped_and_leaves_everything_untouched(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    start_task(master)
    before = master.state()

    def watch(event: Event) -> None:
        assert isinstance(event, Waiting)
        raise OutsideError("it was cancelled", remedy="install again")

    with pytest.raises(OutsideError, match="cancelled") as caught:
        master.engine().install(
            tarballs["6.0"], InstallOptions(wait_for_tasks_s=600), install=new_id(), watch=watch
        )
    assert caught.value.state == "nothing was changed"
    assert master.state() == before
    assert len(master.engine().journal.installs()) == 1


def test_a_task_that_starts_after_the_checks_refuses_the_install_before_anything_live_changes(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    before = master.state()
    steps: list[str] = []

    def watch(event: Event) -> None:
        if isinstance(event, InstallStarted):
            master.store.add_task("deploy", "running")
        if isinstance(event, StepStarted):
            steps.append(event.title)

    with pytest.raises(PreflightError, match=r"Nailgun runs task 1 \(deploy, running, 0 %\)"):
        master.engine().install(tarballs["6.0"], install=new_id(), watch=watch)
    assert len(steps) == 1  # all was staged, and no more
    assert steps[0].startswith("unpack")
    assert master.state() == before
    assert master.engine().journal.installs()[-1].state.value == "rolled back"


def test_an_undo_is_refused_while_nailgun_is_at_work(master: ScratchMaster) -> None:
    master.store.add_task("deploy", "running")
    before = master.state()
    with pytest.raises(PreflightError, match="Nailgun runs task 1"):
        master.engine().rollback()
    assert master.state() == before
    end_tasks(master.config.paths.registry)
    master.engine().rollback()


def test_the_daemon_waits_for_tasks_and_says_so(tmp_path: Path, tarballs: dict[str, Path]) -> None:
    host = make_host(tmp_path / "root")
    database = host.root / "var/lib/fuel_upgrade/registry.sqlite"
    with host.daemon(), closing(Store.open(f"sqlite:///{database}")) as store:
        store.add_task("deploy", "running")
        planned = host.command("plan", tarballs["5.1"])
        assert "Nailgun is at work: task 1 (deploy, running, 0 %)" in planned.stdout
        refused = host.command("install", tarballs["5.1"], "--wait-for-tasks", "1")
        assert refused.returncode == 4
        assert "waiting up to 1 s for Nailgun's task 1 (deploy, running, 0 %)" in refused.stderr
        assert "Nailgun runs task 1 (deploy, running, 0 %), after 1 s of waiting" in refused.stderr
        assert host.json("history")["installs"] == []
        done = threading.Timer(2, end_tasks, [database])
        done.start()
        assert host.json("install", tarballs["5.1"], "--wait-for-tasks", "60")["fuel_to"] == "5.1"
        done.join()


def test_ctrl_c_ends_the_wait_before_anything_begins(
    tmp_path: Path, tarballs: dict[str, Path]
) -> None:
    host = make_host(tmp_path / "root")
    database = host.root / "var/lib/fuel_upgrade/registry.sqlite"
    with host.daemon(), closing(Store.open(f"sqlite:///{database}")) as store:
        store.add_task("deploy", "running")
        before = host.tree()
        options = ["install", str(tarballs["5.1"]), "--wait-for-tasks", "60"]
        with subprocess.Popen(
            [BIN / "fuel-upgrade", "--root", host.root, *options],
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("waiting up to 1 min 0 s for Nailgun's")
            process.send_signal(signal.SIGINT)
            stderr = process.stderr.read()
        assert process.returncode == 7
        assert "it was cancelled" in stderr
        assert "state:  nothing was changed" in stderr
        assert host.json("history")["installs"] == []
        assert host.tree() == before
