"""The cost in a plan is the cost of the install, or an upper bound."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.nailgun.control_plane import Cluster, Notification, Task
from fuel_upgrade.release.dialect import Dialect
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease
from fuel_upgrade.release.puppet_tasks import DeploymentTask
from fuel_upgrade.system.disk_space import own_bytes
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.install_options import InstallOptions
from tests.builders import BASE_VERSION, openstack_yaml, write, write_parts
from tests.host import Host
from tests.master import ScratchMaster, build, planned, scratch_master, write_fuel_version
from tests.tools import needs

PACKAGING = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
_MIB = 1 << 20


@dataclass
class Counted:
    """A control plane that counts the requests and forwards them."""

    inner: NailgunClient
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)

    def version(self) -> str:
        self.sent["GET", "/version"] += 1
        return self.inner.version()

    def dialect(self) -> Dialect:
        return self.inner.dialect()

    def releases(self) -> tuple[RegisteredRelease, ...]:
        self.sent["GET", "/releases/"] += 1
        return self.inner.releases()

    def release(self, release_id: int) -> RegisteredRelease:
        self.sent["GET", "/releases/ID/"] += 1
        return self.inner.release(release_id)

    def release_body(self, release_id: int) -> dict[str, Any]:
        self.sent["GET", "/releases/ID/"] += 1
        self.sent["GET", "/releases/ID/networks"] += 1
        if self.dialect().has_tasks:
            self.sent["GET", "/releases/ID/deployment_tasks"] += 1
        return self.inner.release_body(release_id)

    def deployment_tasks(self, release_id: int) -> tuple[DeploymentTask, ...]:
        self.sent["GET", "/releases/ID/deployment_tasks"] += 1
        return self.inner.deployment_tasks(release_id)

    def put_deployment_tasks(self, release_id: int, tasks: Sequence[DeploymentTask]) -> None:
        self.sent["PUT", "/releases/ID/deployment_tasks"] += 1
        self.inner.put_deployment_tasks(release_id, tasks)

    def set_repos(
        self, release_id: int, data: OrchestratorData, *, key_set: int = 0
    ) -> RegisteredRelease:
        self.sent["GET", "/releases/ID/"] += 1
        self.sent["PUT", "/releases/ID/"] += 1
        return self.inner.set_repos(release_id, data, key_set=key_set)

    def create_release(self, body: Mapping[str, Any]) -> RegisteredRelease:
        self.sent["POST", "/releases/"] += 1
        return self.inner.create_release(body)

    def delete_release(self, release_id: int) -> bool:
        self.sent["DELETE", "/releases/ID/"] += 1
        return self.inner.delete_release(release_id)

    def notify(self, message: str, topic: str = "release") -> int:
        self.sent["POST", "/notifications/"] += 1
        return self.inner.notify(message, topic)

    def assume_unanswered(self) -> None:
        self.inner.assume_unanswered()

    def await_late_changes(self) -> Iterator[int]:
        return self.inner.await_late_changes()

    def notifications(self) -> tuple[Notification, ...]:
        self.sent["GET", "/notifications/"] += 1
        return self.inner.notifications()

    def delete_notification(self, notification_id: int) -> bool:
        self.sent["DELETE", "/notifications/ID/"] += 1
        return self.inner.delete_notification(notification_id)

    def running_tasks(self) -> tuple[Task, ...]:
        self.sent["GET", "/tasks/"] += 1
        return self.inner.running_tasks()

    def clusters(self) -> tuple[Cluster, ...]:
        self.sent["GET", "/clusters/"] += 1
        return self.inner.clusters()


@pytest.fixture
def master(tmp_path: Path) -> Iterator[ScratchMaster]:
    with scratch_master(tmp_path / "master") as scratch:
        yield scratch


def requests_of(plan: dict[str, Any], *, undo: bool) -> Counter[tuple[str, str]]:
    planned: Counter[tuple[str, str]] = Counter()
    for call in plan["calls"]:
        if call["undo"] is undo:
            planned[call["method"], call["path"]] += call["count"]
    return planned


@PACKAGING
def test_the_requests_are_those_that_are_sent(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    master.install(tarballs["5.1"])
    plan = planned(master.engine().plan(tarballs["6.0"]))
    control = Counted(master.client)
    engine = Engine(master.config, control)
    engine.install(tarballs["6.0"], install=new_id())
    assert control.sent == requests_of(plan, undo=False)
    control.sent.clear()
    engine.rollback()
    assert control.sent == requests_of(plan, undo=True)


@PACKAGING
@pytest.mark.parametrize("full_view", [False, True])
def test_an_install_needs_no_more_disk_space_than_planned(
    master: ScratchMaster, tarballs: dict[str, Path], *, full_view: bool
) -> None:
    master.install(tarballs["5.1"])
    places = [master.root / "var/www", master.root / "etc"]
    before = sum(map(own_bytes, places))
    options = InstallOptions(full_view=full_view)
    plan = planned(master.engine().plan(tarballs["6.0"], options))
    master.engine().install(tarballs["6.0"], options, install=new_id())
    (disk,) = plan["disks"]
    folders = sum(1 for place in places for p in place.rglob("*") if p.is_dir()) * 4096
    assert sum(map(own_bytes, places)) - before <= disk["needed_bytes"] + folders
    assert disk["peak_free_bytes"] == disk["free_bytes"] - disk["needed_bytes"]


@PACKAGING
def test_kept_and_deleted_backups_are_measured(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    assert [
        d["released_bytes"] for d in planned(master.engine().plan(tarballs["5.1"]))["disks"]
    ] == [0]
    live = write(master.config.paths.puppet / "2014.1.1-5.1/site.pp", bytes(_MIB))
    (disk,) = planned(master.engine().plan(tarballs["5.1"]))["disks"]
    assert _MIB <= disk["backup_bytes"] < 2 * _MIB
    record = master.install(tarballs["5.1"])
    (disk,) = planned(master.engine().plan(tarballs["6.0"]))["disks"]
    assert _MIB <= disk["released_bytes"] < 2 * _MIB
    kept = list(master.config.paths.puppet.glob(f".fuel-upgrade/{record.id}/**/{live.name}"))
    master.install(tarballs["6.0"])
    assert [p.exists() for p in kept] == [False]


@PACKAGING
def test_the_changed_packages_are_named(master: ScratchMaster, tarballs: dict[str, Path]) -> None:
    master.install(tarballs["5.1"])
    ubuntu = planned(master.engine().plan(tarballs["6.0"]))["packages"][-1]
    assert ubuntu["operating_system"] == "ubuntu"
    named = {(c["kind"], c["name"]) for c in ubuntu["changes"]}
    assert {("added", "sahara"), ("removed", "savanna"), ("rebuilt", "keystone")} <= named
    assert sum(ubuntu["counts"].values()) - ubuntu["counts"]["moved"] == len(named)


def test_a_tarball_larger_than_the_memory_bound_is_installed_within_it(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    data = write_parts(parts)
    data["upgrade_from"] = ["5.0"]
    data["releases"][0] |= {"repos": {"ubuntu": {"full": "ubuntu"}}}
    del data["releases"][0]["base"]
    write(parts / "openstack.yaml", yaml.safe_dump(openstack_yaml(("Ubuntu",), BASE_VERSION)))
    write(parts / "version.yaml", 'VERSION: {release: "5.1"}\n')
    with (parts / "puppet/modules/large").open("wb") as large:
        large.truncate(512 * _MIB)
    tarball = build(write(parts / "bundle.yaml", yaml.safe_dump(data)), tmp_path / "large.tar")
    host = Host(tmp_path / "root")
    write_fuel_version(host.root, "5.0")
    settings = yaml.safe_dump({"master_ip": "127.0.0.1", "registry": {"port": 0}})
    write(host.root / "etc/fuel-upgrade/config.yaml", settings)
    with host.daemon() as daemon:
        bound = host.json("plan", tarball)["memory"]["bound_bytes"]
        assert tarball.stat().st_size > 2 * bound
        assert host.json("install", tarball)["state"] == "installed"
        assert peak_rss_bytes(daemon.pid) < bound


def peak_rss_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


@PACKAGING
def test_a_plan_warns_of_a_master_ip_that_is_no_address_of_this_host(
    tarballs: dict[str, Path], tmp_path: Path
) -> None:
    with scratch_master(tmp_path / "master") as master:
        plan = planned(master.engine().plan(tarballs["5.1"]))
        elsewhere = Engine(master.config, master.client, addresses=lambda: ["10.1.1.1"])
        warned = planned(elsewhere.plan(tarballs["5.1"]))
    assert plan["warnings"] == []
    assert warned["warnings"][0].startswith(
        "master_ip 127.0.0.1 is not an address of this host, which"
    )
