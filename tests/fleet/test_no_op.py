"""The cost of a playbook that changes nothing on 50 hosts, and its largest part."""

import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import yaml

from fuel_upgrade.venv.deployer_file import write_deployer
from tests.ansible_hosts import make_hosts
from tests.ansible_runs import Ansible, TaskResult, copy_collection, needs_ansible
from tests.host import BIN
from tests.tools import needs, needs_root
from tests.venv_wheels import make_wheel, serving_repo

pytestmark = [needs("uv", "git", "nginx", "unshare"), needs_root(), needs_ansible()]
_HOSTS = 50
_MODULES = 2500  # and as many folders
_FORKS = "5"  # the default of Ansible


class _Cost:
    """Wall and CPU seconds of processes that a block starts and waits for."""

    def __enter__(self) -> Self:
        self._began = time.monotonic(), _cpu_s()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s = time.monotonic() - self._began[0]
        self.cpu_s = _cpu_s() - self._began[1]

    def report(self, name: str) -> None:
        wall, cpu = self.wall_s / _HOSTS * 1000, self.cpu_s / _HOSTS * 1000
        sys.stdout.write(f"{name:34} {wall:6.0f} ms wall, {cpu:6.0f} ms CPU a host\n")


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_run_without_changes_costs_little_more_than_a_ping(tmp_path: Path) -> None:
    copy_collection(tmp_path)
    modules = {f"alpha_{number}/__init__.py": "" for number in range(_MODULES)}
    make_wheel(tmp_path / "wheels", "alpha", files=modules)
    directory = tmp_path / "venvs"
    _build(tmp_path, directory)
    names = [f"host{number}" for number in range(_HOSTS)]
    hosts = make_hosts(tmp_path / "hosts", directory, names)
    with serving_repo(tmp_path / "nginx", tmp_path / "repo") as server:
        options = {
            "service": "alpha", "tag": "1", "directory": str(directory), "url": server.url
        }  # fmt: skip
        module = {"fuel_upgrade.fuel_upgrade.venv": options}
        ansible = Ansible(tmp_path, hosts)
        _run(ansible, "host0", module)
        for name in names[1:]:
            shutil.rmtree(tmp_path / "hosts" / name / "venvs")
            first = tmp_path / "hosts/host0/venvs"
            subprocess.run(["cp", "-al", first, tmp_path / "hosts" / name / "venvs"], check=True)
            (tmp_path / "hosts" / name / "venvs/.store/.alpha-1.lock").unlink()
        before = len(server.requests())
        with _Cost() as noop:
            results = _run(ansible, "all", module)
        requests = server.requests()[before:]
        program = tmp_path / "deploy-venv.pyz"
        write_deployer(program)
        with _Cost() as alone:
            for name in names:
                enter = hosts[name]["ansible_python_interpreter"]
                where = ["--tag", "1", "--directory", str(directory), "--url", server.url]
                argv = [enter, str(program), "deploy", "alpha", *where]
                subprocess.run(argv, check=True, capture_output=True)
    with _Cost() as ping:
        _run(ansible, "all", {"ansible.builtin.ping": {}})
    sys.stdout.write("\n")
    noop.report("venv, unchanged")
    ping.report("ping")
    alone.report("the deployer without Ansible")

    assert [result.is_changed for result in results] == [False] * _HOSTS
    assert [line.split()[-2:] for line in requests] == [["304", "0"]] * _HOSTS
    assert noop.cpu_s < 2 * ping.cpu_s


def _build(folder: Path, directory: Path) -> None:
    services = {"alpha": {"requirements": ["alpha"]}}
    spec = {"tag": "1", "directory": str(directory), "services": services, "python": sys.executable}
    (folder / "venvs.yaml").write_text(yaml.safe_dump(spec))
    argv = ["venv", "build", "venvs.yaml", "-o", "repo", "--offline", "--find-links", "wheels"]
    subprocess.run([BIN / "fuel-upgrade", *argv], cwd=folder, check=True, capture_output=True)


def _run(ansible: Ansible, hosts: str, task: dict[str, Any]) -> list[TaskResult]:
    play = {"hosts": hosts, "gather_facts": False, "tasks": [task]}
    results = ansible.play([play], "--forks", _FORKS)
    assert {result.state for result in results} == {"ok"}, results
    return results
