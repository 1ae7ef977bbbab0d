"""The work of the commands for venvs grows with services, packages, files and tags, by n log n."""

import hashlib
import io
import sys
import tarfile
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from fuel_upgrade.cli.main import main
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.venv.build_venvs import BuildOptions, build_venvs
from fuel_upgrade.venv.python_tool import PackageIndex
from fuel_upgrade.venv.repo_layout import lay_out
from fuel_upgrade.venv.repo_store import RepoStore
from fuel_upgrade.venv.venv_index import Archive, VenvIndex
from fuel_upgrade.venv.venv_spec import parse_venv_spec
from tests.growth import assert_all_n_log_n, lines_of
from tests.venv_wheels import make_wheel

N = 8
_PACKAGES = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


class FakeTool:
    """Resolves nothing: each requirement is a package; ``files`` more are in each venv.

    A package whose name begins with ``source`` has no wheel, but an archive to build it from.
    """

    def __init__(self, folder: Path, files: int = 1) -> None:
        self._folder = folder
        self._files = files

    def lock(
        self, requirements: Path, _constraints: Path, _python: Path, _index: PackageIndex
    ) -> dict[str, Any]:
        packages = [self._locked(name) for name in requirements.read_text().split()]
        return {"lock-version": "1.0", "created-by": "a test", "packages": packages}

    def build_wheel(self, source: Path, out: Path, _python: Path, _index: PackageIndex) -> None:
        make_wheel(out, source.name)

    def make_venv(self, path: Path, python: Path) -> None:
        packages = path / _PACKAGES
        packages.mkdir(parents=True)
        (path / "bin").mkdir()
        (path / "bin/python").symlink_to(python)
        config = f"home = {python.resolve().parent}\ninclude-system-site-packages = false\n"
        (path / "pyvenv.cfg").write_text(config)
        for number in range(self._files):
            (packages / f"file_{number}.py").write_text(f"{number}\n")

    def install(self, venv: Path, requirements: Path, _wheels: Path) -> None:
        for line in requirements.read_text().splitlines():
            name, _, version = line.split(" ")[0].partition("==")
            info = venv / _PACKAGES / f"{name}-{version}.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")

    def _locked(self, name: str) -> dict[str, Any]:
        self._folder.mkdir(parents=True, exist_ok=True)
        is_source = name.startswith("source")
        path = _archive(self._folder, name) if is_source else make_wheel(self._folder, name)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        file = {"name": path.name, "path": str(path), "hashes": {"sha256": sha256}}
        files = {"sdist": file} if is_source else {"wheels": [file]}
        return {"name": name, "version": "1.0", **files}


def _archive(folder: Path, name: str) -> Path:
    path = folder / f"{name}-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(f"{name}/setup.py")
        archive.addfile(member, io.BytesIO())
    return path


def build(root: Path, services: Iterable[Iterable[str]], *, files: int = 1) -> None:
    """Build and publish a venv for each of ``services``, which are given by their requirements."""
    lines = (f"  s{k}: {{requirements: [{', '.join(s)}]}}" for k, s in enumerate(services))
    head = f'tag: "1"\ndirectory: {root}/venvs\npython: {sys.executable}\nservices:'
    text = "\n".join((head, *lines))
    build_venvs(
        parse_venv_spec(text, source="venvs.yaml"),
        root,
        root / "repo",
        tool=FakeTool(root / "wheels", files),
        options=BuildOptions(PackageIndex(online=False)),
        progress=no_progress,
    )


def command(*words: object) -> None:
    done = CliRunner().invoke(main, ["venv", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def test_the_services_and_packages_of_a_build(tmp_path: Path) -> None:
    def count(n: int) -> dict[str, int]:
        shapes = {
            "services": [[f"p{k}"] for k in range(n)],
            "wheels": [[f"p{k}" for k in range(n)]],
            "archives": [[f"source{k}" for k in range(n)]],
        }
        lines = {}
        for name, services in shapes.items():
            root = tmp_path / f"{name}-{n}"
            lines[name] = lines_of(partial(build, root, services))
            lines[f"{name}, again"] = lines_of(partial(build, root, services))
        return lines

    assert_all_n_log_n(count, N)


def test_the_files_of_a_venv(tmp_path: Path) -> None:
    def count(n: int) -> dict[str, int]:
        root = tmp_path / str(n)
        (root / "repo").mkdir(parents=True)
        here = ("s0", "--tag", "1", "--directory", root / "hosts")
        deploy = ("deploy", *here, "--url", f"file://{root}/repo")
        return {
            "build": lines_of(lambda: build(root, [["p"]], files=n)),
            "deploy": lines_of(lambda: command(*deploy)),
            "again": lines_of(lambda: command(*deploy, "--content")),
            "verify": lines_of(lambda: command("verify", *here)),
        }

    assert_all_n_log_n(count, 8 * N)


def publish_tags(root: Path, n: int) -> None:
    """Publish one venv in many tags, and in each with one package more."""
    build(root, [["p"]])
    store = RepoStore(root / "repo")
    (entry,) = store.read_index().entries
    entries = []
    for number in range(n):
        path = root / "content"
        path.write_text(str(number))
        archive = Archive(store.keep(path), "0" * 40, 1)
        entries.append(replace(entry, tag=f"{number:04}", archive=archive, number=number + 1))
    store.publish(VenvIndex(tuple(entries)))


def test_the_layout_of_tags(tmp_path: Path) -> None:
    build(tmp_path, [["p"]])
    (entry,) = RepoStore(tmp_path / "repo").read_index().entries

    def count(n: int) -> dict[str, int]:
        index = VenvIndex(tuple(replace(entry, tag=f"{k:04}") for k in range(n)))
        return {"layout": lines_of(lambda: lay_out(index))}

    assert_all_n_log_n(count, 16 * N)


def test_the_tags_of_a_repo(tmp_path: Path) -> None:
    def count(n: int) -> dict[str, int]:
        root = tmp_path / str(n)
        repo, newest = root / "repo", f"{n - 1:04}"
        return {
            "publish": lines_of(lambda: publish_tags(root, n)),
            "list": lines_of(lambda: command("list", repo)),
            "show": lines_of(lambda: command("show", repo, "s0", "--tag", newest)),
            "diff": lines_of(lambda: command("diff", repo, "s0", "0000", newest)),
            "gc": lines_of(lambda: command("gc", repo, "--keep", n // 2 + 1)),
        }

    assert_all_n_log_n(count, 2 * N)
