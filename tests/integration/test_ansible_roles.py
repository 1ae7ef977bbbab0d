"""The roles and the playbook of the collection: a repo server, and hosts in mount namespaces."""

import sys
from pathlib import Path

import pytest

from tests.ansible_fleet import BUILD, Fleet, Part
from tests.ansible_hosts import make_hosts, make_misfit, other_python, restarts
from tests.ansible_runs import LOCAL, Ansible, copy_collection, needs_ansible
from tests.tools import needs, needs_here, needs_root
from tests.venv_wheels import make_wheel

pytestmark = [
    needs("uv", "git", "nginx", "unshare", "systemctl"),
    needs_here(*(() if other_python() else ("a second minor version of Python",))),
    needs_root(),
    needs_ansible(),
]
HOSTS = ("host1", "host2")
SERVICES = ("alpha", "gamma")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fleet")


@pytest.fixture(scope="module")
def parts(folder: Path) -> dict[str, Part]:
    """Build and deploy, repeat it, rebuild one service, and meet a host that does not fit."""
    for name, version in (("alpha", "1.0"), ("gamma", "1.0"), ("gamma", "2.0")):
        make_wheel(folder / "wheels", name, version, command=name)
    directory = folder / "venvs"
    services = {"alpha": {"requirements": ["alpha"]}, "gamma": {"requirements": ["gamma==1.0"]}}
    hosts = make_hosts(folder / "hosts", directory, (*HOSTS, "later"))
    return Fleet(
        folder,
        {"tag": "1", "python": sys.executable, "directory": str(directory), "services": services},
        f"sed -i s/gamma==1.0/gamma==2.0/ {folder}/venvs.yaml",
        {"misfit": make_misfit(folder / "hosts/misfit", directory), **hosts},
        build={"repo_build_find_links": [f"{folder}/wheels"], "repo_build_offline": True},
        has_units=True,
    ).run()


def test_the_first_run_builds_and_deploys_everything(parts: dict[str, Part]) -> None:
    first = parts["first"]
    assert first.states(BUILD) == {"localhost": "ok"}
    assert first.changed() == {host: list(SERVICES) for host in HOSTS}
    assert sorted(first.downloads()) == sorted([*SERVICES] * len(HOSTS))


def test_the_second_run_changes_nothing_and_moves_no_byte(parts: dict[str, Part]) -> None:
    again = parts["again"]
    assert not [result for result in again.results if result.is_changed]
    assert len(again.requests) == len(HOSTS) * len(SERVICES)
    assert all(line.endswith(" 304 0") for line in again.requests), again.requests


def test_units_of_a_host_are_restarted_only_after_a_change(
    folder: Path, parts: dict[str, Part]
) -> None:
    for host in HOSTS:
        units = restarts(folder / "hosts" / host)
        assert units == ["alpha.service", "gamma.service", "gamma.service"]


def test_check_mode_reports_the_rebuilt_service_and_moves_no_archive(
    parts: dict[str, Part],
) -> None:
    checked = parts["checked"]
    assert checked.changed() == {host: ["gamma"] for host in HOSTS}
    assert checked.downloads() == []


def test_only_the_rebuilt_service_moves(parts: dict[str, Part]) -> None:
    checked, rebuilt = parts["checked"], parts["rebuilt"]
    assert rebuilt.changed() == checked.changed()
    assert rebuilt.downloads() == ["gamma"] * len(HOSTS)
    for host, items in rebuilt.loops().items():
        assert [item["to"] for item in items] == [item["to"] for item in checked.loops()[host]]


def test_a_host_with_another_python_is_refused_and_stops_the_next_batch(
    parts: dict[str, Part],
) -> None:
    refused = parts["refused"]
    assert refused.states() == {"misfit": "failed"}
    assert refused.downloads() == []
    for item in refused.loops()["misfit"]:
        assert f"Python: expected 3.{sys.version_info.minor}, found 3." in item["msg"]


def test_a_failed_build_shows_its_remedy_but_no_password(tmp_path: Path) -> None:
    program = tmp_path / "fuel-upgrade"
    program.write_text(
        """#!/bin/sh
while [ "$1" != --index-url ]; do shift; done
printf '{"what": "%s: no answer", "remedy": "check the index"}' "$2"
exit 7
"""
    )
    program.chmod(0o755)
    copy_collection(tmp_path)
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "roles": ["fuel_upgrade.fuel_upgrade.repo_build"],
        "vars": {
            "repo_build_executable": str(program),
            "repo_build_index_url": "https://user:hunter2@example.org/simple",
        },
    }
    *_, failed = results = Ansible(tmp_path, LOCAL).play([play])

    assert failed.result["msg"] == "the package index: no answer; remedy: check the index"
    assert "hunter2" not in str(results)
