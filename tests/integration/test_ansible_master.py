"""The modules ``upgrade``, ``release`` and ``node_sources`` on a master with the real daemon."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ansible_runs import LOCAL, Ansible, TaskResult, copy_collection, needs_ansible
from tests.host import BIN, make_host
from tests.tools import needs

pytestmark = [
    needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c"),
    needs_ansible(),
]
VERSION = "2014.1.1-5.1"
LIST = "etc/apt/sources.list.d/00-fuel-upgrade.list"


@pytest.fixture(scope="module")
def results(
    tmp_path_factory: pytest.TempPathFactory, tarballs: dict[str, Path]
) -> Iterator[dict[str, TaskResult]]:
    """Install and undo an upgrade, install it again and retire its release; write sources."""
    folder = tmp_path_factory.mktemp("ansible")
    copy_collection(folder)
    host = make_host(folder / "root")
    with host.daemon():
        yield Ansible(folder, LOCAL).tasks(scenario(host.root, tarballs), "--diff")


def scenario(root: Path, tarballs: dict[str, Path]) -> dict[str, dict[str, Any]]:
    socket = str(root / "run/fuel-upgrade/api.sock")
    program = {"executable": str(BIN / "fuel-upgrade"), "socket": socket}

    def task(module: str, **options: Any) -> dict[str, Any]:
        return {f"fuel_upgrade.fuel_upgrade.{module}": {**program, **options}}

    def pair(name: str, task: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {f"check {name}": {**task, "check_mode": True}, name: task, f"{name} again": task}

    install = {**task("upgrade", tarball=str(tarballs["5.1"])), "register": "install"}
    undo = task("upgrade", state="rolled_back", install="{{ first.id }}")
    repo = f"file://{root}/var/www/nailgun/{VERSION}/ubuntu/x86_64 precise main"
    made = task("node_sources", repos=[repo], operating_system="ubuntu", state="rendered")
    write = {"files": "{{ made.files }}", "root": str(root.parent / "node")}
    command = f"{BIN}/fuel-upgrade --socket {socket}"
    free = " && ".join(
        f"{command} {words}"
        for words in ("gc --release-backups", "squash 2014.2-6.0", "gc --release-backups")
    )
    return {
        "check missing": {**task("release", version=VERSION), "check_mode": True},
        "missing": task("release", version=VERSION),
        **pair("install", install),
        "remember": {"ansible.builtin.set_fact": {"first": "{{ install }}"}},
        "present": task("release", version=VERSION),
        "kept": task("release", version=VERSION, state="absent"),
        "made": {**made, "register": "made"},
        **pair("write", task("node_sources", **write)),
        **pair("undo", undo),
        "renew": install,
        "next": task("upgrade", tarball=str(tarballs["6.0"])),
        "free": {"ansible.builtin.shell": free},
        **pair("retire", task("release", version=VERSION, state="absent")),
        "no tarball": task("upgrade", tarball="/nowhere.tar"),
    }


@pytest.mark.parametrize("name", ["install", "undo", "write", "retire"])
def test_check_mode_reports_the_change_and_a_second_run_has_none(
    results: dict[str, TaskResult], name: str
) -> None:
    planned, done, again = (results[f"{n}"] for n in (f"check {name}", name, f"{name} again"))

    assert [result.state for result in (planned, done, again)] == ["ok"] * 3, done
    assert [planned.is_changed, done.is_changed, again.is_changed] == [True, True, False]
    assert planned.result["diff"] == done.result["diff"]


def test_the_diff_of_an_install_has_its_steps(results: dict[str, TaskResult]) -> None:
    assert f"switch repo {VERSION}/ubuntu/x86_64" in results["install"].result["diff"]["after"]


def test_sources_are_those_of_the_command(results: dict[str, TaskResult]) -> None:
    made = results["made"]
    assert not made.is_changed
    assert made.result["files"][LIST].endswith(" precise main\n")
    (difference,) = (d for d in results["write"].result["diff"] if d["after_header"].endswith(LIST))
    assert difference["after"] == made.result["files"][LIST]


def test_a_required_release_that_is_missing_fails_and_warns_in_check_mode(
    results: dict[str, TaskResult],
) -> None:
    assert (results["missing"].state, results["present"].state) == ("failed", "ok")
    assert results["check missing"].state == "ok"
    assert VERSION in results["check missing"].result["warnings"][0]


@pytest.mark.parametrize("name", ["kept", "no tarball"])
def test_a_refusal_has_cause_code_and_remedy(results: dict[str, TaskResult], name: str) -> None:
    refused = results[name]
    assert refused.state == "failed"
    assert refused.result["error"]
    assert refused.result["remedy"] in refused.result["msg"]
