"""Venvs built by the real uv from wheels made here, without a network."""

import hashlib
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from fuel_upgrade.errors import ConfigError, OutsideError, PreflightError
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.system.tree_digest import digest
from fuel_upgrade.venv.build_venvs import BuildOptions, BuiltVenv, build_venvs
from fuel_upgrade.venv.python_tool import PackageIndex, choose_tool
from fuel_upgrade.venv.repo_store import RepoStore
from fuel_upgrade.venv.venv_spec import parse_venv_spec
from tests.tools import needs
from tests.venv_wheels import make_wheel

pytestmark = needs("uv", "git")

SPEC = """
tag: "1"
directory: {directory}
services:
  api:
    requirements: [alpha]
"""


class Builder:
    """A builder with its own folder of wheels."""

    def __init__(self, folder: Path, *, name: str = "repo", directory: Path | None = None) -> None:
        self.folder = folder
        self.repo = folder / name
        self.wheels = folder / "wheels"
        self.directory = directory or folder / "venvs"
        make_wheel(self.wheels, "alpha", requires=("beta",), command="alpha")
        make_wheel(self.wheels, "beta")

    def build(
        self, text: str = SPEC, *, only: tuple[str, ...] = (), upgrade: bool = False
    ) -> tuple[BuiltVenv, ...]:
        spec = parse_venv_spec(text.format(directory=self.directory), source="venvs.yaml")
        return build_venvs(
            spec,
            self.folder,
            self.repo,
            tool=choose_tool("uv"),
            options=BuildOptions(PackageIndex((self.wheels,), online=False), only, upgrade),
            progress=no_progress,
        )


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(tmp_path)


def published(builder: Builder, suffix: str) -> Path:
    """Return a published file of the service, by the name of 2016."""
    return next((builder.repo / "venvs/1").glob(f"*-*/api-1{suffix}"))


def test_the_archive_is_a_venv_that_runs_at_its_path(builder: Builder) -> None:
    (venv,) = builder.build()
    path = builder.directory / venv.entry.store_path
    path.mkdir(parents=True)
    subprocess.run(["tar", "xf", published(builder, ".tgz"), "-C", path], check=True)

    done = subprocess.run([path / "bin/alpha"], capture_output=True, text=True, check=True)
    assert done.stdout == "1.0\n"


def test_the_checksum_of_2016_is_that_of_sha1sum(builder: Builder) -> None:
    builder.build()
    done = subprocess.run(
        ["sha1sum", published(builder, ".tgz")], capture_output=True, text=True, check=True
    )

    assert published(builder, ".checksum").read_text() == done.stdout.split()[0] + "\n"


def test_a_second_build_makes_nothing_and_publishes_the_same(builder: Builder) -> None:
    builder.build()
    before = digest((builder.repo / ".current").resolve())
    (again,) = builder.build()

    assert not again.is_new
    assert digest((builder.repo / ".current").resolve()) == before


def test_two_builders_make_the_same_archive(tmp_path: Path) -> None:
    """Path, umask and order of the folder differ; the path of the venvs does not."""
    one = Builder(tmp_path / "one", directory=tmp_path / "venvs")
    other = Builder(tmp_path / "other/deeper", name="www", directory=tmp_path / "venvs")
    one.build()
    before = os.umask(0o077)
    try:
        other.build()
    finally:
        os.umask(before)

    first, second = published(one, ".tgz").read_bytes(), published(other, ".tgz").read_bytes()
    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()


def test_a_newer_wheel_is_taken_only_with_upgrade(builder: Builder) -> None:
    """The lock of the published venv counts as long as the requirements are the same."""
    builder.build()
    make_wheel(builder.wheels, "beta", "2.0")

    assert not builder.build()[0].is_new
    (upgraded,) = builder.build(upgrade=True)
    assert {wheel.package: wheel.version for wheel in upgraded.entry.wheels}["beta"] == "2.0"


def test_a_changed_constraint_resolves_anew(builder: Builder) -> None:
    make_wheel(builder.wheels, "beta", "2.0")
    (builder.folder / "limits.txt").write_text("# of the release\nbeta<2\n")
    (venv,) = builder.build(SPEC + "constraints: [limits.txt]\n")

    assert {wheel.package: wheel.version for wheel in venv.entry.wheels}["beta"] == "1.0"
    assert builder.build()[0].is_new


def test_a_failed_service_publishes_nothing(builder: Builder) -> None:
    builder.build()
    before = published(builder, ".json").read_text()
    broken = SPEC + "  nova: {{requirements: [missing]}}\n" + "    # and a changed service\n"
    with pytest.raises(OutsideError):
        builder.build(broken.replace("[alpha]", "[alpha, beta]"))

    assert published(builder, ".json").read_text() == before
    assert not list(builder.repo.glob(".work-*"))


def test_a_reader_between_two_publications_sees_one_set(builder: Builder) -> None:
    """A folder that is open stays the old set: its archive and its checksum fit together."""
    builder.build()
    old = (builder.repo / "venvs").resolve()
    builder.build(SPEC.replace("[alpha]", "[beta]"))
    new = (builder.repo / "venvs").resolve()

    assert old != new
    for folder in (old, new):
        (archive,) = folder.glob("1/*-*/api-1.tgz")
        sha1 = hashlib.sha1(archive.read_bytes(), usedforsecurity=False).hexdigest()
        assert archive.with_suffix(".checksum").read_text().strip() == sha1


def test_a_damaged_archive_is_built_again(builder: Builder) -> None:
    """2016: a tgz that was deleted kept its checksum file, and every run deployed again."""
    builder.build()
    published(builder, ".tgz").resolve().write_bytes(b"damaged")

    assert builder.build()[0].is_new
    tarfile.open(published(builder, ".tgz")).close()


def test_a_published_file_that_somebody_removed_comes_back(builder: Builder) -> None:
    builder.build()
    published(builder, ".checksum").resolve().unlink()
    builder.build()

    assert published(builder, ".checksum").exists()


def test_two_builds_exclude_each_other(builder: Builder) -> None:
    builder.build()
    with RepoStore(builder.repo).locked(), pytest.raises(PreflightError):
        builder.build()


def test_a_deployed_venv_is_never_removed_by_a_build(builder: Builder) -> None:
    (venv,) = builder.build()
    path = builder.directory / venv.entry.store_path
    path.mkdir(parents=True)
    (path / "venv.json").write_text("{}")
    published(builder, ".tgz").resolve().write_bytes(b"damaged")
    with pytest.raises(ConfigError, match="deployed"):
        builder.build()

    assert (path / "venv.json").exists()


def test_a_source_is_built_once_for_a_commit(builder: Builder, tmp_path: Path) -> None:
    """The build backend is in the project itself, so that no index is needed."""
    source = tmp_path / "gamma"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (source / "backend.py").write_text(
        "import shutil\n\n\ndef build_wheel(folder, settings=None, metadata=None):\n"
        f"    open({str(tmp_path / 'builds')!r}, 'a').write('x')\n"
        "    return shutil.copy('gamma-1.0-py3-none-any.whl', folder).rsplit('/', 1)[1]\n"
    )
    make_wheel(source, "gamma")
    git = ["git", "-C", str(source), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], check=True)
    text = SPEC + "    sources: [gamma]\n"
    text += f"sources: {{{{gamma: {{{{git: {source}, revision: main}}}}}}}}\n"
    (venv,) = builder.build(text)
    builder.build(text, upgrade=True)

    assert "gamma" in {wheel.package for wheel in venv.entry.wheels}
    assert (tmp_path / "builds").read_text() == "x"


def test_bytecode_names_the_hash_of_its_source(builder: Builder) -> None:
    builder.build(SPEC + "bytecode: true\n")
    with tarfile.open(published(builder, ".tgz")) as archive:
        (member,) = (m for m in archive if "beta.cpython" in m.name)
        compiled = archive.extractfile(member)
        assert compiled is not None
        flags = int.from_bytes(compiled.read(8)[4:], "little")

    assert flags == 1  # PEP 552: hash-based, unchecked


def test_the_small_file_has_the_digest_of_the_archive(builder: Builder) -> None:
    builder.build()
    entry = json.loads(published(builder, ".json").read_text())
    archive = builder.repo / entry["archive_path"].lstrip("/")

    assert hashlib.sha256(archive.read_bytes()).hexdigest() == entry["archive"]["sha256"]


def test_gc_keeps_the_newest_tags_and_what_they_need(builder: Builder) -> None:
    builder.build()
    make_wheel(builder.wheels, "beta", "2.0")
    builder.build(SPEC.replace('"1"', '"2"'))
    store = RepoStore(builder.repo)
    assert store.collect(1, dry_run=True)[0] == ("1",)
    assert published(builder, ".tgz").exists()
    store.collect(1, dry_run=False)

    assert [entry.tag for entry in store.read_index().entries] == ["2"]
    for path in (builder.repo / "venvs").resolve().rglob("*"):
        assert path.exists(), path
    for wheel in store.read_index().entries[0].wheels:
        assert store.is_whole(wheel.sha256)


def test_an_interrupted_publication_is_continued(builder: Builder) -> None:
    """The next generation was half written when the builder was killed."""
    builder.build()
    half = builder.repo / ".generations/2/venvs"
    half.mkdir(parents=True)
    (half / "index.json").write_text("{")
    builder.build(SPEC.replace("[alpha]", "[beta]"))

    assert [e.requirements for e in RepoStore(builder.repo).read_index().entries] == [("beta",)]
