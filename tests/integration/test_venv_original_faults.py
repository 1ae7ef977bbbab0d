"""Faults of the repo server and the deployment of 2016, and of those after it."""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.venv.build_venvs import BuiltVenv
from fuel_upgrade.venv.host.deploy import Deployment
from fuel_upgrade.venv.host.deploy_error import DeployError
from fuel_upgrade.venv.host.deployed import DeployedVenvs
from fuel_upgrade.venv.host.host_fit import host_platform
from fuel_upgrade.venv.host.repo_server import RepoServer
from tests.integration.test_venv_build import SPEC, Builder, published
from tests.integration.test_venv_deploy import Node
from tests.tools import needs
from tests.venv_wheels import make_wheel, serving_repo

pytestmark = needs("uv", "git", "nginx")
SOURCES = """
tag: "1"
directory: {directory}
sources:
  gamma: {{git: {folder}/gamma, revision: main}}
  delta: {{git: {folder}/delta, revision: main}}
services:
  api:
    sources: [gamma, delta]
    requirements: [alpha]
"""
BACKEND = """
import shutil


def build_wheel(folder, settings=None, metadata=None):
    open("{log}", "a").write("{name} ")
    return shutil.copy("{wheel}", folder).rsplit("/", 1)[1]
"""


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(tmp_path)


@pytest.fixture
def node(builder: Builder) -> Iterator[Node]:
    builder.build()
    with serving_repo(builder.folder / "nginx", builder.repo) as server:
        yield Node(builder, server)


class Sources:
    """Git repositories of projects that build themselves without an index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "builds"

    def commit(
        self,
        name: str,
        version: str,
        *,
        backend: str = BACKEND,
        files: Mapping[str, str] | None = None,
    ) -> None:
        source = self.folder / name
        wheel = make_wheel(source, name, version, files=files)
        (source / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        )
        text = backend.format(log=self._log, name=name, wheel=wheel.name)
        (source / "backend.py").write_text(text)
        if not (source / ".git").exists():
            subprocess.run(["git", "init", "-q", "-b", "main", source], check=True)
        git = ["git", "-C", str(source), "-c", "user.name=a", "-c", "user.email=a@example.org"]
        for arguments in (["add", "-A"], ["commit", "-qm", version]):
            subprocess.run([*git, *arguments], check=True)

    def built(self) -> list[str]:
        """Return the names of the sources that were built since the last call."""
        names = self._log.read_text().split() if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        return sorted(names)

    def text(self) -> str:
        return SOURCES.replace("{folder}", str(self.folder))


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    sources = Sources(tmp_path)
    for name in ("gamma", "delta"):
        sources.commit(name, "1.0")
    return sources


def versions(venv: BuiltVenv) -> dict[str, str]:
    return {wheel.package: wheel.version for wheel in venv.entry.wheels}


def test_a_commit_of_one_of_two_sources_builds_its_wheel_and_the_venv(
    builder: Builder, sources: Sources
) -> None:
    """A wheel was built again, but the venv that needs it was not."""
    builder.build(sources.text())
    assert sources.built() == ["delta", "gamma"]
    sources.commit("delta", "2.0")
    (venv,) = builder.build(sources.text())

    assert sources.built() == ["delta"]
    assert venv.is_new
    assert (versions(venv)["gamma"], versions(venv)["delta"]) == ("1.0", "2.0")


def test_a_commit_with_the_same_version_gives_another_venv(
    builder: Builder, sources: Sources
) -> None:
    """The content of a version differs: an archive was built only if it did not exist."""
    (first,) = builder.build(sources.text())
    sources.commit("gamma", "1.0", files={"more.py": "MORE = 1\n"})
    (second,) = builder.build(sources.text())

    assert second.entry.inputs != first.entry.inputs
    assert versions(second)["gamma"] == "1.0"


def test_a_source_that_does_not_build_publishes_nothing(builder: Builder, sources: Sources) -> None:
    """A failed build of a wheel was hidden by the pipe behind it."""
    builder.build(sources.text())
    before = published(builder, ".json").read_text()
    sources.commit("gamma", "2.0", backend="def build_wheel(*_):\n    raise SystemExit(1)\n")
    with pytest.raises(OutsideError):
        builder.build(sources.text())

    assert published(builder, ".json").read_text() == before


def test_a_build_of_one_service_keeps_the_others(builder: Builder) -> None:
    text = SPEC + "  nova: {{requirements: [beta]}}\n"
    builder.build(text)
    (venv,) = builder.build(text.replace("[alpha]", "[beta]"), only=("api",))

    assert len(list((builder.repo / "venvs/1").glob("*-*/nova-1.tgz"))) == 1
    assert versions(venv) == {"beta": "1.0"}


def test_a_postrelease_keeps_its_version_in_the_requirements(builder: Builder) -> None:
    """Versions were read from names of files, as 1.0_2."""
    make_wheel(builder.wheels, "beta", "1.0.post2")
    builder.build()
    (file,) = (builder.repo / "os-releases/1").glob("requirements_absolute_requirements.txt")

    assert "beta==1.0.post2" in file.read_text().splitlines()


def test_wheels_of_a_repo_give_the_same_venv_as_those_of_the_index(tmp_path: Path) -> None:
    """The names of files are in lower case in the repo."""
    text = SPEC.replace("[alpha]", "[Delta]")
    one = Builder(tmp_path / "one", directory=tmp_path / "venvs")
    make_wheel(one.wheels, "Delta")
    (first,) = one.build(text)
    other = Builder(tmp_path / "other", directory=tmp_path / "venvs")
    other.wheels = one.repo / "links"
    (second,) = other.build(text)

    assert second.entry == first.entry


def test_no_link_of_an_archive_is_absolute_but_the_interpreter(builder: Builder) -> None:
    """``lib64`` led into the folder of the builder."""
    builder.build()
    with tarfile.open(published(builder, ".tgz")) as archive:
        links = {member.name: member.linkname for member in archive if member.issym()}

    absolute = {name: target for name, target in links.items() if target.startswith("/")}
    assert set(absolute) == {"bin/python"}
    assert Path(absolute["bin/python"]).is_file()


def test_no_file_of_an_archive_names_a_folder_of_the_builder(builder: Builder) -> None:
    builder.build()
    with tarfile.open(published(builder, ".tgz")) as archive:
        texts = {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}  # type: ignore[union-attr]

    named = (str(builder.repo).encode(), str(builder.wheels).encode())
    assert [name for name, text in texts.items() if any(part in text for part in named)] == []


def test_a_second_run_writes_nothing(node: Node) -> None:
    """Paths in the venv were rewritten in each run."""

    def state() -> dict[Path, tuple[int, int]]:
        paths = [path for path in node.directory.rglob("*") if path.suffix != ".lock"]
        return {path: (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in paths}

    node.run()
    before = state()
    node.run()

    assert state() == before


@pytest.fixture
def restarts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a systemctl first that writes its arguments to the returned file."""
    file = tmp_path / "restarts"
    program = tmp_path / "tools/systemctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {file}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return file


def test_units_are_restarted_only_after_a_change(node: Node, restarts: Path) -> None:
    """A new venv did not restart its service."""
    node.publish("2.0", text=SPEC + "    units: [api.service, api-worker.service]\n")
    node.run()
    node.run()
    assert restarts.read_text() == "try-restart api.service api-worker.service\n"

    node.publish("3.0", text=SPEC + "    units: [api.service]\n    reload: true\n")
    node.run()
    assert restarts.read_text().splitlines()[1:] == ["try-reload-or-restart api.service"]


def test_a_repo_server_that_is_down_leaves_the_venv(node: Node) -> None:
    node.run()
    node.server.url = "http://127.0.0.1:1"
    assert node.run(fails=True)["remedy"]

    assert node.version() == "1.0"


def test_a_venv_that_is_not_published_is_an_error_and_no_change(node: Node) -> None:
    node.run()
    published(node.builder, ".json").resolve().unlink()
    assert "404" in node.run(fails=True)["error"]

    assert node.version() == "1.0"


def test_a_path_with_tgz_in_it_is_no_archive(builder: Builder) -> None:
    """``tgz`` was replaced anywhere in the address."""
    place = Builder(builder.folder / "www", name="tgz.tgz", directory=builder.directory)
    place.build()
    with serving_repo(builder.folder / "nginx", builder.folder / "www") as server:
        node = Node(place, server)
        server.url += "/tgz.tgz"
        assert node.run()["changed"]
        assert node.version() == "1.0"


def deployment(node: Node) -> tuple[DeployedVenvs, Deployment]:
    venvs = DeployedVenvs(node.directory, "api", "1")
    return venvs, Deployment(RepoServer(node.server.url), venvs, host_platform(), "1")


def test_a_publication_amid_a_deployment_never_mixes_two_sets(node: Node) -> None:
    """The checksum was of another publication than the archive."""
    node.run()
    node.publish("2.0")
    venvs, run = deployment(node)
    run.compare(content=False)
    node.publish("3.0")
    with venvs.locked(), pytest.raises(DeployError):
        run.change()
    assert node.version() == "1.0"

    assert node.run()["changed"]
    assert node.version() == "3.0"


def test_a_venv_with_other_packages_than_its_lock_is_refused(node: Node, tmp_path: Path) -> None:
    """Tools in the venv were pulled from the network, in other versions than those chosen."""
    node.run()
    node.publish("2.0")
    file, archive = published(node.builder, ".json"), published(node.builder, ".tgz")
    entry = json.loads(file.read_text())
    unpacked = tmp_path / "unpacked"
    with tarfile.open(archive) as tar:
        tar.extractall(unpacked, filter="fully_trusted")
    (known,) = unpacked.glob("lib/*/site-packages/beta-*.dist-info")
    shutil.copytree(known, known.with_name("pip-9.dist-info"))
    with tarfile.open(archive.resolve(), "w:gz") as tar:
        tar.add(unpacked, ".")
    data = archive.read_bytes()
    entry["archive"] |= {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
    file.resolve().write_text(json.dumps(entry))

    assert "lock" in node.run(fails=True)["error"]
    assert node.version() == "1.0"


def test_a_damaged_answer_of_an_earlier_run_is_asked_for_again(node: Node) -> None:
    node.run()
    for text in ("", "null", "[]", '{"etag": "x", "entry": {}}', '{"etag": 1'):
        (node.directory / ".store/.api-1.json").write_text(text)
        assert not node.run()["changed"]
        assert node.server.requests()[-1].split()[-2] == "200"


def test_a_rollback_after_a_failed_check_is_to_the_venv_before(node: Node) -> None:
    node.run()
    node.publish("2.0")
    node.run()
    node.publish("3.0", text=SPEC + "    check: [bin/false]\n")
    node.run(fails=True)
    node.run("rollback")

    assert node.version() == "1.0"


def test_an_interruption_after_the_switch_is_continued_with_restart_and_check(
    node: Node, restarts: Path
) -> None:
    node.publish("2.0", text=SPEC + "    units: [api.service]\n")
    node.run()
    restarts.unlink()
    (node.directory / ".store/.api-1.pending").write_text("")
    assert node.run()["changed"]

    assert restarts.read_text() == "try-restart api.service\n"
    assert not node.run()["changed"]
