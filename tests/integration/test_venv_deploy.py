"""Venvs deployed by the one-file deployer from a real nginx."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.venv.deployer_file import write_deployer
from tests.integration.test_venv_build import SPEC, Builder
from tests.tools import needs
from tests.venv_wheels import RepoServer, make_wheel, serving_repo

pytestmark = needs("uv", "git", "nginx")


class Node:
    """A host with the deployer, which is one file, and its own folder of venvs."""

    def __init__(self, builder: Builder, server: RepoServer) -> None:
        self.builder = builder
        self.server = server
        self.directory = builder.directory
        self.link = self.directory / "api-1"
        self._program = builder.folder / "deploy-venv.pyz"
        write_deployer(self._program)

    def argv(self, action: str, *options: str) -> list[str]:
        where = ["--tag", "1", "--directory", str(self.directory), "--url", self.server.url]
        return [sys.executable, "-I", str(self._program), action, "api", *where, *options]

    def run(self, action: str = "deploy", *options: str, fails: bool = False) -> Any:
        """Run the deployer; return its JSON object."""
        done = subprocess.run(
            self.argv(action, *options), capture_output=True, text=True, check=False
        )
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return json.loads(done.stdout)

    def version(self) -> str:
        """Return the output of the service's command by the name that units use."""
        argv = [self.link / "bin/alpha"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    def publish(self, version: str, text: str = SPEC) -> None:
        """Publish a venv with another version of the service."""
        make_wheel(self.builder.wheels, "alpha", version, requires=("beta",), command="alpha")
        self.builder.build(text, upgrade=True)


def built_once(folder: Path) -> Path:
    """Build in a folder for all tests of a module, which share its path: it is in the venvs."""
    builder = Builder(folder)
    builder.build()
    builder.repo.rename(folder / "built")
    return folder


@contextmanager
def new_node(folder: Path, server_folder: Path) -> Iterator[Node]:
    """Make a host without venvs, and a repo as after the build in ``folder``."""
    for name in ("repo", "venvs", "wheels"):
        shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copytree(folder / "built", folder / "repo", symlinks=True)
    builder = Builder(folder)
    with serving_repo(server_folder, builder.repo) as server:
        yield Node(builder, server)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_once(tmp_path_factory.mktemp("builder"))


@pytest.fixture
def node(folder: Path, tmp_path: Path) -> Iterator[Node]:
    with new_node(folder, tmp_path / "nginx") as node:
        yield node


def test_the_first_deployment_makes_the_venv(node: Node) -> None:
    assert node.run()["changed"]
    assert node.version() == "1.0"


def test_a_second_run_changes_nothing_by_one_request_without_a_body(node: Node) -> None:
    node.run()
    before = len(node.server.requests())

    assert not node.run()["changed"]
    (request,) = node.server.requests()[before:]
    assert request.endswith(" 304 0")


def test_a_publication_of_the_same_content_keeps_the_etag(node: Node) -> None:
    """Another service was published: the file of this one is a new file with the same content."""
    node.run()
    node.builder.build(SPEC + "  nova: {{requirements: [beta]}}\n")
    before = len(node.server.requests())

    assert not node.run()["changed"]
    assert node.server.requests()[before].endswith(" 304 0")


def test_only_a_venv_that_differs_is_deployed(node: Node) -> None:
    node.run()
    node.publish("2.0")

    assert node.run()["changed"]
    assert node.version() == "2.0"


def test_check_shows_the_change_and_writes_nothing(node: Node) -> None:
    assert node.run("deploy", "--check")["changed"]
    assert not node.directory.exists()


@pytest.mark.parametrize("content", ["changed", "removed", "added", "mode"])
def test_a_modified_venv_is_named_with_its_files_and_replaced(node: Node, content: str) -> None:
    node.run()
    (file,) = node.link.glob("lib/*/site-packages/beta.py")
    match content:
        case "changed":
            file.write_text(file.read_text() + "#")
        case "removed":
            file.unlink()
        case "added":
            file.with_name("sitecustomize.py").write_text("")
        case "mode":
            file.chmod(0o666)

    named = "sitecustomize.py" if content == "added" else "beta.py"
    assert named in node.run("verify", fails=True)["error"]
    assert node.run()["changed"]
    assert not node.run("verify")["changed"]


def test_a_change_of_the_same_length_is_found_by_checksum(node: Node) -> None:
    node.run()
    (file,) = node.link.glob("lib/*/site-packages/beta.py")
    file.write_text(file.read_text().replace("1.0", "9.9"))

    assert "beta.py" in node.run("verify", fails=True)["error"]
    assert node.run("deploy", "--content")["changed"]
    assert not node.run("verify")["changed"]


def test_bytecode_of_the_service_is_no_damage(node: Node) -> None:
    node.run()
    writes = {name: value for name, value in os.environ.items() if "BYTECODE" not in name}
    subprocess.run([node.link / "bin/python", "-c", "import beta"], env=writes, check=True)
    assert list(node.link.glob("lib/*/site-packages/__pycache__/beta*"))

    assert not node.run("verify")["changed"]
    assert not node.run()["changed"]


def test_a_missing_venv_is_made_although_the_answer_is_cached(node: Node) -> None:
    """2016: the cached archive was equal, so a venv that was missing stayed missing."""
    node.run()
    shutil.rmtree(node.link.resolve())

    assert node.run()["changed"]
    assert node.version() == "1.0"


def test_a_link_to_nothing_is_replaced(node: Node) -> None:
    node.run()
    node.link.unlink()
    node.link.symlink_to(".store/gone")

    assert node.run()["changed"]
    assert node.version() == "1.0"


def test_rollback_switches_the_link_alone(node: Node) -> None:
    node.run()
    node.publish("2.0")
    node.run()
    before = len(node.server.requests())

    assert node.run("rollback")["changed"]
    assert node.version() == "1.0"
    assert node.server.requests()[before:] == []


def test_a_failed_check_of_the_service_leaves_the_former_venv_active(node: Node) -> None:
    node.run()
    node.publish("2.0", text=SPEC + "    check: [bin/python, -c, 'raise SystemExit(3)']\n")
    node.run(fails=True)

    assert node.version() == "1.0"


def test_a_failed_first_check_leaves_no_venv_active(node: Node) -> None:
    node.publish("2.0", text=SPEC + "    check: [bin/false]\n")
    node.run(fails=True)

    assert not os.path.lexists(node.link)


def test_a_damaged_archive_is_refused_and_the_old_venv_runs(node: Node) -> None:
    node.run()
    node.publish("2.0")
    (archive,) = (node.builder.repo / "venvs/1").glob("*-*/api-1.tgz")
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.resolve().write_bytes(data)
    node.run(fails=True)

    assert node.version() == "1.0"
    node.publish("3.0")
    assert node.run()["changed"]
    assert node.version() == "3.0"


def test_an_interrupted_download_continues_where_it_was(node: Node) -> None:
    (archive,) = (node.builder.repo / "venvs/1").glob("*-*/api-1.tgz")
    data = archive.read_bytes()
    name = f".api-1-{archive.resolve().stem.rsplit('-', 1)[1]}.part"
    (node.directory / ".store").mkdir(parents=True)
    (node.directory / ".store" / name).write_bytes(data[:1000])

    assert node.run()["bytes"] == len(data) - 1000
    assert node.version() == "1.0"


def test_a_process_imports_from_its_own_tree_after_a_switch(node: Node) -> None:
    """It was started by the name that units use, and imports a module only after the switch."""
    node.run()
    program = "import alpha; print(flush=True); input(); import beta; print(beta.__file__)"
    with subprocess.Popen(
        [node.link / "bin/python", "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        own = node.link.resolve()
        node.publish("2.0")
        node.run()
        output, _ = process.communicate("\n")

    assert node.link.resolve() != own
    assert Path(output.strip()).is_relative_to(own)


def test_a_host_that_does_not_fit_is_refused_before_anything_is_written(node: Node) -> None:
    (file,) = (node.builder.repo / "venvs/1").glob("*-*/api-1.json")
    entry = json.loads(file.read_text())
    entry["requires"] |= {"glibc": "99.0", "python": "2.7"}
    file.resolve().write_text(json.dumps(entry))
    error = node.run(fails=True)["error"]

    assert "glibc: expected 99.0 or newer" in error
    assert "Python: expected 2.7" in error
    assert not node.link.exists()
    assert not list((node.directory / ".store").glob("*.part"))


def test_a_folder_at_the_place_of_the_link_is_kept(node: Node) -> None:
    node.link.mkdir(parents=True)
    (node.link / "precious").touch()
    node.run(fails=True)

    assert (node.link / "precious").exists()


def test_two_deployments_exclude_each_other(node: Node) -> None:
    node.run()
    with (node.directory / ".store/.api-1.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another deployment" in node.run(fails=True)["error"]


def test_old_venvs_are_removed_but_not_those_in_use(node: Node) -> None:
    node.run()
    first = node.link.resolve()
    argv = [str(first / "bin/python"), "-c", "print(flush=True); input()"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for version in ("2.0", "3.0"):
            node.publish(version)
            node.run()
        for number in range(3):  # three newer ones
            (node.directory / f".store/api-1-{number:016x}").mkdir()
        assert len(node.run()["removed"]) == 1
        assert first.exists()
        process.communicate(b"\n")

    assert node.run()["removed"] == [first.name]
    assert len(list((node.directory / ".store").glob("api-1-*"))) == 4
