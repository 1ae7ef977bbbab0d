"""The scenario of the collection: build, serve and deploy, again, rebuilt, and with a misfit."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.ansible_runs import LOCAL, Ansible, TaskResult, copy_collection
from tests.host import BIN
from tests.web_server import NGINX_USER, free_port, running

DEPLOY = "Deploy the venvs that differ"
BUILD = "Build the venvs and publish them"
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


@dataclass(frozen=True, slots=True)
class Fleet:
    """A repo server at ``address`` with the services of ``spec``, and hosts.

    ``hosts`` is the inventory: the hosts that get venvs, "misfit", and "later", which is in the
    batch after it. ``change`` is a command that changes one service. ``build`` are variables of the
    role that builds. With ``has_units``, each service has a unit of its name on the hosts.
    """

    folder: Path
    spec: Mapping[str, Any]
    change: str
    hosts: Mapping[str, dict[str, Any]]
    address: str = "127.0.0.1"
    build: Mapping[str, Any] = field(default_factory=dict)
    has_units: bool = False

    @property
    def names(self) -> list[str]:
        return [name for name in self.hosts if name not in {"misfit", "later"}]

    def run(self) -> dict[str, Part]:
        """Run the playbook, and return its parts by name."""
        installed = copy_collection(self.folder)
        (self.folder / "venvs.yaml").write_text(yaml.safe_dump(dict(self.spec)))
        listen = f"{self.address}:{free_port()}"
        variables = {
            "venv_deploy_services": [
                {"name": name, "units": [f"{name}.service"] if self.has_units else []}
                for name in self.spec["services"]
            ],
            "venv_deploy_tag": self.spec["tag"],
            "venv_deploy_url": f"http://{listen}",
            "repo_build_nginx_listen": listen,
            "venv_deploy_directory": self.spec["directory"],
        }
        with _nginx_without_sites(self.folder):
            ansible = Ansible(self.folder, {**LOCAL, **self.hosts})
            plays = self._playbook(installed / "playbooks/deploy.yml")
            results = ansible.play(plays, "--extra-vars", json.dumps(variables))
            return _split(results, (self.folder / "access.log").read_text().splitlines())

    def _playbook(self, deploy: Path) -> list[dict[str, Any]]:
        folder = self.folder
        local = {"hosts": "localhost", "gather_facts": False}
        count = f"wc -l < {folder}/access.log"
        build: dict[str, Any] = {
            **local,
            "roles": ["fuel_upgrade.fuel_upgrade.repo_build"],
            "vars": {
                "repo_build_spec": f"{folder}/venvs.yaml",
                "repo_build_root": f"{folder}/repo",
                "repo_build_executable": str(BIN / "fuel-upgrade"),
                "repo_build_nginx_directory": f"{folder}/etc",
                "repo_build_nginx_reload": ["nginx", "-c", f"{folder}/nginx.conf", "-s", "reload"],
                **self.build,
            },
        }
        rebuild = {**build, "vars": build["vars"] | {"repo_build_nginx": False}}

        def mark(name: str, command: str = "true") -> dict[str, Any]:
            task = {"name": f"part {name}", "ansible.builtin.shell": f"{command}; {count}"}
            return {**local, "tasks": [task]}

        def deployed(hosts: str) -> dict[str, Any]:
            return {"import_playbook": str(deploy), "vars": {"venv_deploy_hosts": hosts}}

        fleet = ",".join(self.names)
        checked = {
            "hosts": fleet, "gather_facts": False, "check_mode": True, "diff": True,
            "roles": ["fuel_upgrade.fuel_upgrade.venv_deploy"],
        }  # fmt: skip
        return [
            mark("first"), build, deployed(fleet),
            mark("again"), build, deployed(fleet),
            mark("checked", f"({self.change}) >/dev/null"), rebuild, checked,
            mark("rebuilt"), deployed(fleet),
            mark("refused"), deployed("misfit,later"),
        ]  # fmt: skip


@contextmanager
def _nginx_without_sites(folder: Path) -> Iterator[None]:
    """Run nginx with the sites that the role will write; its log has a status and bytes at last."""
    for name in ("snippets", "conf.d"):
        (folder / "etc" / name).mkdir(parents=True)
    port = free_port()
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port, user=NGINX_USER))
    argv = ["nginx", "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]
    with running(argv, port, folder / "nginx.out"):
        yield


def _split(results: list[TaskResult], requests: list[str]) -> dict[str, Part]:
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
