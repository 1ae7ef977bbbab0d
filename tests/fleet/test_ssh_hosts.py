"""Real packages on four hosts by ssh, and Debian 13 as the host with another Python."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ansible_fleet import Fleet, Part
from tests.ansible_runs import needs_ansible
from tests.fleet.ssh_hosts import REPO_ADDRESS, running_hosts
from tests.packaging.machines import debian, needs_machines
from tests.tools import needs

pytestmark = [
    needs("uv", "git", "nginx", "ip", "sshd", "ssh", "ssh-keygen"),
    *needs_machines(),
    needs_ansible(),
]
HOSTS = ("host1", "host2", "host3", "host4")
_PACKAGES = ("django", "cryptography", "lxml", "pyyaml", "requests", "keystoneauth1", "oslo.config")
_PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "tool"
version = "1.0"
"""


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Part]]:
    folder = tmp_path_factory.mktemp("fleet")
    directory = folder / "venvs"
    spec = {
        "tag": "1",
        "python": sys.executable,
        "directory": str(directory),
        "sources": {"tool": {"git": _repository(folder / "tool"), "revision": "main"}},
        "services": {
            "horizon": {
                "requirements": list(_PACKAGES),
                "check": ["bin/python", "-c", "import lxml.etree, cryptography.x509"],
            },
            "tool": {"sources": ["tool"], "requirements": []},
        },
    }
    commit = f"cd {folder}/tool && echo VERSION = 2 > tool.py && {_git('commit', '-qam', 'second')}"
    other = folder / "trixie"
    subprocess.run(
        ["cp", "-a", "--reflink=auto", debian("trixie", ["openssh-server", "python3"]), other],
        check=True,
    )
    roots = {"misfit": other} | dict.fromkeys((*HOSTS, "later"), Path("/"))
    with running_hosts(folder / "hosts", directory, roots) as hosts:
        hosts["misfit"]["venv_deploy_platform"] = "debian-12-x86_64"
        yield Fleet(folder, spec, commit, hosts, REPO_ADDRESS).run()


def _git(*arguments: str) -> str:
    return " ".join(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments])


def _repository(folder: Path) -> str:
    folder.mkdir()
    (folder / "pyproject.toml").write_text(_PROJECT)
    (folder / "tool.py").write_text("VERSION = 1\n")
    for command in ("git init -q -b main", "git add -A", _git("commit", "-qm", "first")):
        subprocess.run(command.split(), cwd=folder, check=True)
    return str(folder)


def test_both_services_are_deployed_on_all_hosts(parts: dict[str, Part]) -> None:
    assert parts["first"].changed() == {host: ["horizon", "tool"] for host in HOSTS}
    assert sorted(parts["first"].downloads()) == ["horizon"] * len(HOSTS) + ["tool"] * len(HOSTS)


def test_the_second_run_changes_nothing_and_moves_no_byte(parts: dict[str, Part]) -> None:
    again = parts["again"]
    assert not [result for result in again.results if result.is_changed]
    assert [line.split()[-2:] for line in again.requests] == [["304", "0"]] * 2 * len(HOSTS)


def test_only_the_rebuilt_service_moves(parts: dict[str, Part]) -> None:
    assert parts["checked"].changed() == {host: ["tool"] for host in HOSTS}
    assert parts["rebuilt"].changed() == parts["checked"].changed()
    assert parts["rebuilt"].downloads() == ["tool"] * len(HOSTS)


def test_debian_13_is_refused_and_stops_the_next_batch(parts: dict[str, Part]) -> None:
    refused = parts["refused"]
    assert refused.states() == {"misfit": "failed"}
    assert refused.downloads() == []
    for item in refused.loops()["misfit"]:
        assert f"expected Python 3.{sys.version_info.minor}, found no working" in item["msg"]
