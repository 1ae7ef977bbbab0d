"""The scenario of the collection: a repo server and hosts, by its roles and its playbook."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ansible_hosts import make_hosts, make_misfit, other_python
from tests.ansible_runs import LOCAL, Ansible, TaskResult, copy_collection, needs_ansible
from tests.host import BIN
from tests.tools import needs, needs_here, needs_root
from tests.venv_wheels import make_wheel
from tests.web_server import NGINX_USER, free_port, running

pytestmark = [
    needs("uv", "git", "nginx", "unshare"),
    needs_here(*(() if other_python() else ("a second minor version of Python",))),
    needs_root(),
    needs_ansible(),
]
DEPLOY = "Deploy the venvs that differ"
BUILD = "Build the venvs and publish them"
HOSTS = ("host1", "host2")
SERVICES = ("alpha", "gamma")
_NGINX = """
daemon off; pid {folder}/nginx.pid; {user}
events {{}}
http {{
  log_format short '$request $status $body_bytes_sent'; access_log {folder}/access.log short;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; uwsgi_temp_path {folder}/u;
  fastcgi_temp_path {folder}/fastcgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; access_log off; }}
  include {folder}/etc/conf.d/*.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Part:
    """The results of a part of the playbook, and the requests that nginx answered meanwhile."""

    results: list[TaskResult]
    requests: list[str]

    def states(self, task: str = DEPLOY) -> dict[str, str]:
        return {r.host: r.state for r in self.results if r.task == task}

    def loops(self) -> dict[str, list[dict[str, Any]]]:
        """Return the results for each service, by host."""
        return {r.host: r.result["results"] for r in self.results if r.task == DEPLOY}

    def changed(self) -> dict[str, list[str]]:
        """Return the services that changed, by host."""
        return {
            host: [item["item"]["name"] for item in items if item["changed"]]
            for host, items in self.loops().items()
        }

    def downloads(self) -> list[str]:
        """Return the services whose archives were requested."""
        return [
            line.split()[1].split("/")[-1].split("-")[0] for line in self.requests if ".tgz" in line
        ]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Part]]:
    """Build and deploy, repeat it, rebuild one service, and meet a host that does not fit."""
    folder = tmp_path_factory.mktemp("fleet")
    installed = copy_collection(folder)
    for name, version in (("alpha", "1.0"), ("gamma", "1.0"), ("gamma", "2.0")):
        make_wheel(folder / "wheels", name, version, command=name)
    write_spec(folder, "1.0")
    directory = folder / "venvs"
    hosts = make_hosts(folder / "hosts", directory, (*HOSTS, "later"))
    hosts["misfit"] = make_misfit(folder / "hosts/misfit", directory)
    port = free_port()
    with nginx_without_sites(folder):
        ansible = Ansible(folder, {**LOCAL, "misfit": hosts.pop("misfit"), **hosts})
        variables = {
            "venv_deploy_services": [{"name": name} for name in SERVICES],
            "venv_deploy_tag": "1",
            "venv_deploy_url": f"http://127.0.0.1:{port}",
            "repo_build_nginx_listen": f"127.0.0.1:{port}",
            "venv_deploy_directory": str(directory),
        }
        plays = playbook(folder, installed / "playbooks/deploy.yml")
        results = ansible.play(plays, "--extra-vars", json.dumps(variables))
        yield split(results, (folder / "access.log").read_text().splitlines())


@contextmanager
def nginx_without_sites(folder: Path) -> Iterator[None]:
    """Run nginx with the sites that the role will write; its log has a status and bytes at last."""
    for name in ("snippets", "conf.d"):
        (folder / "etc" / name).mkdir(parents=True)
    port = free_port()
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port, user=NGINX_USER))
    argv = ["nginx", "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]
    with running(argv, port, folder / "nginx.out"):
        yield


def write_spec(folder: Path, gamma: str) -> str:
    """Write the description of two services, and return the command that changes it."""
    text = {"alpha": "alpha", "gamma": f"gamma=={gamma}"}
    services = {name: {"requirements": [requirement]} for name, requirement in text.items()}
    spec = {
        "tag": "1",
        "python": sys.executable,
        "directory": str(folder / "venvs"),
        "services": services,
    }
    (folder / "venvs.yaml").write_text(yaml.safe_dump(spec))
    return f"sed -i s/gamma==1.0/gamma==2.0/ {folder}/venvs.yaml"


def playbook(folder: Path, deploy: Path) -> list[dict[str, Any]]:
    local = {"hosts": "localhost", "gather_facts": False}
    count = f"wc -l < {folder}/access.log"
    build: dict[str, Any] = {
        **local,
        "roles": ["fuel_upgrade.fuel_upgrade.repo_build"],
        "vars": {
            "repo_build_spec": f"{folder}/venvs.yaml",
            "repo_build_root": f"{folder}/repo",
            "repo_build_executable": str(BIN / "fuel-upgrade"),
            "repo_build_find_links": [f"{folder}/wheels"],
            "repo_build_offline": True,
            "repo_build_nginx_directory": f"{folder}/etc",
            "repo_build_nginx_reload": ["nginx", "-c", f"{folder}/nginx.conf", "-s", "reload"],
        },
    }
    rebuild = {**build, "vars": build["vars"] | {"repo_build_nginx": False}}

    def mark(name: str, command: str = "true") -> dict[str, Any]:
        task = {"name": f"part {name}", "ansible.builtin.shell": f"{command}; {count}"}
        return {**local, "tasks": [task]}

    def deployed(hosts: str) -> dict[str, Any]:
        return {"import_playbook": str(deploy), "vars": {"venv_deploy_hosts": hosts}}

    fleet = ",".join(HOSTS)
    checked = {
        "hosts": fleet, "gather_facts": False, "check_mode": True, "diff": True,
        "roles": ["fuel_upgrade.fuel_upgrade.venv_deploy"],
    }  # fmt: skip
    return [
        mark("first"), build, deployed(fleet),
        mark("again"), build, deployed(fleet),
        mark("checked", write_spec(folder, "1.0")), rebuild, checked,
        mark("rebuilt"), deployed(fleet),
        mark("refused"), deployed("misfit,later"),
    ]  # fmt: skip


def split(results: list[TaskResult], requests: list[str]) -> dict[str, Part]:
    """Split the results where the playbook names the next part and counts the requests."""
    marks = [n for n, result in enumerate(results) if result.task.startswith("part ")]
    counts = [int(results[n].result["stdout"]) for n in marks] + [len(requests)]
    ends = [*marks[1:], len(results)]
    return {
        results[begin].task.removeprefix("part "): Part(
            results[begin + 1 : end], requests[counts[n] : counts[n + 1]]
        )
        for n, (begin, end) in enumerate(zip(marks, ends, strict=True))
    }


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
