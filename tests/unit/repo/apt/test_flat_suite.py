"""Flat apt repos: their names, their places, and what is refused."""

from pathlib import Path

import pytest

from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.nodes.sources import NodeSource, parse_repo_argument, render_apt
from fuel_upgrade.repo.apt.repo import AptRepo, read_apt
from fuel_upgrade.repo.apt.stanza import FileSums, render_packages, render_release
from fuel_upgrade.repo.apt.suite import suites
from fuel_upgrade.repo.apt.suite_path import index_path
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.fullview.view import build_view
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.repo.read_repo import detect_kind
from tests.builders import Fake, apt_repo, stanza, write, yum_repo

A, B = Fake("a"), Fake("b", architecture="amd64")


def flat(root: Path, *fakes: Fake, folder: str = ".", listed: str = "Packages") -> Path:
    """Make a flat repo; ``Release`` lists its index as ``listed``, or there is none."""
    for fake in fakes:
        write(root / fake.location, fake.data)
    index = render_packages(list(map(stanza, fakes)))
    write(root / folder / "Packages", index)
    if listed:
        release = render_release({"Label": "Flat", "Suite": "x"}, {listed: FileSums.of(index)})
        write(root / folder / "Release", release)
    return root


@pytest.mark.parametrize("listed", ["Packages", ""])
def test_a_flat_repo_is_one_suite_without_components(tmp_path: Path, listed: str) -> None:
    repo = read_apt(flat(tmp_path, A, B, listed=listed))
    assert (repo.suite, repo.components, repo.index_names) == ("./", (), (("", "all"),))
    assert {package.name for package in repo.packages} == {"a", "b"}


@pytest.mark.parametrize("suite", ["./", "/", "././", None])
def test_every_spelling_of_the_root_is_that_repo(tmp_path: Path, suite: str | None) -> None:
    assert len(read_apt(flat(tmp_path, A), suite=suite).packages) == 1


def test_flat_repos_are_found_in_folders_and_chosen_by_name(tmp_path: Path) -> None:
    flat(flat(tmp_path, A, folder="one"), A, B, folder="more/two")
    assert suites(tmp_path) == ("more/two/", "one/")
    assert len(read_apt(tmp_path, suite="more/two/").packages) == 2
    assert len(read_apt(tmp_path, suite="./one/").packages) == 1
    with pytest.raises(ConfigError, match=r"several suites, or none \(present: more/two/, one/\)"):
        AptRepo.open(tmp_path)


def test_a_flat_repo_beside_a_suite_has_to_be_named(tmp_path: Path) -> None:
    apt_repo(tmp_path, [B])
    flat(tmp_path, A)
    assert suites(tmp_path) == ("precise",)
    assert [p.name for p in read_apt(tmp_path).packages] == ["b"]
    assert [p.name for p in read_apt(tmp_path, suite="./").packages] == ["a"]


def test_a_yum_repo_stays_one(tmp_path: Path) -> None:
    yum_repo(tmp_path, [A])
    write(tmp_path / "debs/Packages", "")
    assert detect_kind(tmp_path) is RepoKind.YUM


def test_indexes_deep_in_a_tree_are_not_searched(tmp_path: Path) -> None:
    flat(tmp_path, A, folder="a/b/c/d")
    assert suites(tmp_path) == ()
    assert len(read_apt(tmp_path, suite="a/b/c/d/").packages) == 1


@pytest.mark.parametrize("suite", ["../x/", "a/../../x/", "..//"])
def test_a_suite_outside_the_repo_is_refused(tmp_path: Path, suite: str) -> None:
    flat(tmp_path / "repo", A)
    flat(tmp_path / "x", A)
    with pytest.raises(BundleError, match="outside the repo"):
        AptRepo.open(tmp_path / "repo", suite=suite)


@pytest.mark.parametrize("suite", ["none/", "a" * 300 + "/", "a\0/", "Packages/"])
def test_an_absent_flat_repo_is_refused(tmp_path: Path, suite: str) -> None:
    with pytest.raises(ConfigError, match="no suite"):
        AptRepo.open(flat(tmp_path, A), suite=suite)


def test_an_index_that_apt_does_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="Release does not list Packages"):
        AptRepo.open(flat(tmp_path, A, listed="./Packages"))


@pytest.mark.parametrize("name", ["Release", "InRelease"])
def test_a_release_that_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    flat(tmp_path, A, listed="")
    (tmp_path / name).mkdir()
    with pytest.raises(BundleError, match=f"{name}: not a regular file"):
        AptRepo.open(tmp_path)


def test_paths_are_those_of_sources_list() -> None:
    assert index_path("precise", "main/x") == "dists/precise/main/x"
    assert index_path("./", "Release") == index_path("/", "Release") == "Release"
    assert index_path("some/folder/", "Release") == "some/folder/Release"
    assert index_path("./") == "."


def test_a_diff_repo_of_a_flat_one_has_no_field_of_a_suite(tmp_path: Path) -> None:
    base, current = flat(tmp_path / "base", A), flat(tmp_path / "current", A, B)
    build_diff(base, current, tmp_path / "diff")
    assert suites(tmp_path / "diff") == ("./",)
    text = (tmp_path / "diff/Release").read_text()
    assert "Suite: x\n" in text
    assert "Components" not in text


def test_repos_of_two_layouts_are_not_merged_into_one_index(tmp_path: Path) -> None:
    base, current = apt_repo(tmp_path / "base", [A]), flat(tmp_path / "current", A, B)
    build_diff(base, current, tmp_path / "diff", DiffOptions(original=False))
    with pytest.raises(ConfigError, match="is a flat repo, others of the chain have suites"):
        build_view([tmp_path / "diff", base], tmp_path / "view")
    assert not (tmp_path / "view").exists()


@pytest.mark.parametrize("text", ["http://x ./ main", "http://x precise", "http://x /  main"])
def test_a_flat_repo_has_no_components_and_others_have_some(text: str) -> None:
    with pytest.raises(ConfigError, match="is not of the form"):
        parse_repo_argument(text, "ubuntu")


def test_a_flat_source_ends_with_its_folder() -> None:
    source = parse_repo_argument("http://x/repo some/folder/", "ubuntu")
    assert source.place == "http://x/repo some/folder/"
    (line,) = [t for t in render_apt([source]).values() if "deb " in t]
    assert line.endswith("http://x/repo some/folder/\n")
    with pytest.raises(ConfigError, match="is not of the form"):
        render_apt([NodeSource("r", "http://x", "./", ("main",))])
