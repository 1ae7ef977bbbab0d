"""Flat apt repos, ``deb URL ./`` and ``deb URL some/folder/``, as the real apt reads them."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from demo.nodes import AptNode
from demo.packages import Recipe, make_apt_repo, make_flat_repo
from demo.web import served
from fuel_upgrade.cli.main import main
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.fullview.view import build_view
from tests.tools import needs

pytestmark = needs("apt-get", "apt-ftparchive", "dpkg-deb")

BASE = (
    Recipe("same", "1.0-1", "same"),
    Recipe("up", "1.0-1", "up 1.0"),
    Recipe("rebuilt", "1.0-1", "content A"),
    Recipe("down", "2.0-1", "down 2.0"),
    Recipe("gone", "1.0-1", "gone"),
)
CURRENT = (
    Recipe("same", "1.0-1", "same"),
    Recipe("up", "1.1-1", "up 1.1", depends=("new",)),
    Recipe("rebuilt", "1.0-1", "content B"),
    Recipe("down", "1.5-1", "down 1.5"),
    Recipe("new", "1.0-1", "new", architecture="amd64"),
)
EXPECTED = {recipe.name: (recipe.version, recipe.content) for recipe in CURRENT}
FOLDERS = {"./": ".", "/": ".", "some/folder/": "some/folder"}
FORMS = ((), ("--format", "deb822"), ("--plain",))


def run(*argv: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, [*argv, "--json"])
    assert done.exit_code == 0, done.output
    result: dict[str, Any] = json.loads(done.output)
    return result


def write_sources(folder: Path, repos: Sequence[str], *options: str) -> Mapping[str, str]:
    given = ",".join(repos)
    run("node", "sources", "--os", "ubuntu", "--repos", given, "-o", str(folder), *options)
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def installed(folder: Path, files: Mapping[str, str]) -> Mapping[str, tuple[str, str]]:
    """Return what a node has that installs every package of the current repo."""
    node = AptNode(folder)
    node.apply(files)
    assert "gone" not in node.policy("gone") or "Candidate: (none)" in node.policy("gone")
    node.install(EXPECTED)
    return node.installed()


@pytest.fixture(scope="module")
def repos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make base and current repo in each layout: flat at the root, in a folder, with a suite."""
    root = tmp_path_factory.mktemp("repos")
    for name, recipes in (("base", BASE), ("current", CURRENT)):
        for number, folder in enumerate(dict.fromkeys(FOLDERS.values())):
            make_flat_repo(root / f"{name}-{number}", recipes, folder=folder)
        make_apt_repo(root / f"{name}-suite", recipes)
    return root


@pytest.mark.parametrize("suite", FOLDERS)
@pytest.mark.parametrize("options", FORMS)
def test_nodes_of_a_flat_chain_have_the_packages_of_the_current_repo(
    repos: Path, tmp_path: Path, suite: str, options: Sequence[str]
) -> None:
    number = list(dict.fromkeys(FOLDERS.values())).index(FOLDERS[suite])
    base = repos / f"base-{number}"
    build_diff(base, repos / f"current-{number}", tmp_path / "diff")
    chain = [f"file://{tmp_path}/diff {suite}", f"file://{base} {suite}"]
    files = write_sources(tmp_path / "sources", chain, *options)
    assert not any(line.endswith(" ") for text in files.values() for line in text.splitlines())
    node = AptNode(tmp_path / "node")
    node.apply(files)
    if "--plain" in options:
        node.install(EXPECTED)
        assert node.installed() == EXPECTED
    else:
        assert installed(tmp_path / "node", files) == EXPECTED


@pytest.mark.parametrize("suite", ["./", "some/folder/"])
def test_a_flat_chain_is_read_over_http(repos: Path, tmp_path: Path, suite: str) -> None:
    number = list(FOLDERS.values()).index(FOLDERS[suite]) and 1
    shutil.copytree(repos / f"base-{number}", tmp_path / "web/base")
    build_diff(tmp_path / "web/base", repos / f"current-{number}", tmp_path / "web/diff")
    with served(tmp_path / "web") as url:
        chain = [f"{url}/diff {suite}", f"{url}/base {suite}"]
        files = write_sources(tmp_path / "sources", chain)
        assert installed(tmp_path / "node", files) == EXPECTED


@pytest.mark.parametrize(("base", "current"), [("0", "suite"), ("suite", "0"), ("0", "1")])
def test_base_and_current_repo_may_have_different_layouts(
    repos: Path, tmp_path: Path, base: str, current: str
) -> None:
    places = {"0": "./", "1": "some/folder/", "suite": "precise main"}
    build_diff(repos / f"base-{base}", repos / f"current-{current}", tmp_path / "diff")
    chain = [
        f"file://{tmp_path}/diff {places[current]}",
        f"file://{repos}/base-{base} {places[base]}",
    ]
    assert installed(tmp_path / "node", write_sources(tmp_path / "s", chain)) == EXPECTED


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("original", [True, False])
def test_a_view_of_a_flat_chain_is_a_flat_repo(
    repos: Path, tmp_path: Path, number: int, *, original: bool
) -> None:
    base = repos / f"base-{number}"
    options = DiffOptions(original=original)
    build_diff(base, repos / f"current-{number}", tmp_path / "diff", options)
    view = build_view([tmp_path / "diff", base], tmp_path / "view")
    assert (view.packages, view.own_indexes) == (len(CURRENT), original)
    argv = ("--os", "ubuntu", "--full-view", str(tmp_path / "view"), "-o", str(tmp_path / "s"))
    run("node", "sources", *argv)
    (path,) = (tmp_path / "s").rglob("*.list")
    assert installed(tmp_path / "node", {"etc/apt/sources.list": path.read_text()}) == EXPECTED


def test_every_command_on_repos_reads_flat_ones(repos: Path, tmp_path: Path) -> None:
    base, current, diff = repos / "base-0", repos / "current-0", tmp_path / "diff"
    made = run("repo", "diff", str(base), str(current), "-o", str(diff), "--check-dependencies")
    assert made["counts"]["carried"] == 4
    assert made["dependencies"]["unmet"] == []
    assert run("repo", "prove", str(base), str(diff), str(current))["proved"] is True
    assert run("repo", "report", str(base), str(current))["repos"]
    squashed = run("repo", "squash", str(diff), str(base), "-o", str(tmp_path / "full"))
    assert squashed["packages"] == len(CURRENT)
    again = run("repo", "diff", str(tmp_path / "full"), str(current), "-o", str(tmp_path / "none"))
    assert again["counts"]["carried"] == 0


def test_a_flat_repo_in_an_archive_is_read(repos: Path, tmp_path: Path) -> None:
    for number in (0, 1):
        shutil.make_archive(str(tmp_path / f"base-{number}"), "tar", repos, f"base-{number}")
        made = build_diff(
            tmp_path / f"base-{number}.tar", repos / f"current-{number}", tmp_path / f"d{number}"
        )
        assert made.counts["carried"] == 4


def test_a_diff_of_a_flat_diff_is_what_nodes_take(repos: Path, tmp_path: Path) -> None:
    build_diff(repos / "base-1", repos / "current-1", tmp_path / "first")
    newest = (*CURRENT[:2], Recipe("rebuilt", "1.0-1", "content C"), *CURRENT[3:])
    make_flat_repo(tmp_path / "newest", newest, folder="some/folder")
    build_diff(tmp_path / "first", tmp_path / "newest", tmp_path / "second")
    roots = (tmp_path / "second", tmp_path / "first", repos / "base-1")
    files = write_sources(tmp_path / "s", [f"file://{root} some/folder/" for root in roots])
    expected = EXPECTED | {"rebuilt": ("1.0-1", "content C")}
    assert installed(tmp_path / "node", files) == expected


def test_indexes_of_other_flat_repos_in_the_same_release_file_are_not_read(tmp_path: Path) -> None:
    for name, recipes in (("base", BASE[:1]), ("current", BASE[:2])):
        make_flat_repo(tmp_path / name, BASE[2:3], folder="old")
        make_flat_repo(tmp_path / name, recipes)
        (tmp_path / name / "old/Release").unlink()
    made = build_diff(
        tmp_path / "base",
        tmp_path / "current",
        tmp_path / "diff",
        DiffOptions(suite="./", base_suite="./"),
    )
    assert made.counts["carried"] == 1
