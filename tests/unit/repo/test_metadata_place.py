"""Metadata is regular files inside of the repo, wherever links lead."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.repo import AptRepo, read_apt
from fuel_upgrade.repo.description import FILE_NAME, read_description
from fuel_upgrade.repo.repo import IndexChoice
from fuel_upgrade.repo.yum.repo import YumRepo
from tests.builders import Fake, apt_repo, yum_repo

INDEX = "dists/s/main/binary-amd64/Packages"
ODD: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a link to a device": lambda path: path.symlink_to("/dev/null"),
}
OUT = "a link leads out of the repo"


def apt(root: Path) -> Path:
    return apt_repo(root, [Fake("a")], suite="s")


def moved(path: Path, to: Path) -> None:
    """Move a file or folder, and leave a link to it."""
    to.parent.mkdir(exist_ok=True)
    path.rename(to)
    path.symlink_to(to)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((f"{INDEX}.xz", kind) for kind in ODD),
        ("dists/s/main/i18n/Translation-en", "a pipe"),
    ],
)
def test_an_apt_index_that_is_no_regular_file_is_not_absent(
    tmp_path: Path, name: str, kind: str
) -> None:
    path = apt(tmp_path) / name
    path.parent.mkdir(exist_ok=True)
    ODD[kind](path)
    with pytest.raises(BundleError, match=f"{path.name}: not a regular file"):
        AptRepo.open(tmp_path)


@pytest.mark.parametrize(
    "name", [INDEX, "dists/s/main/binary-amd64", "dists/s/main", "dists/s/Release", "dists"]
)
def test_a_link_out_of_an_apt_repo_is_refused(tmp_path: Path, name: str) -> None:
    root = apt(tmp_path / "repo")
    moved(root / name, tmp_path / "outside/moved")
    with pytest.raises(BundleError, match=OUT):
        AptRepo.open(root, suite="s")


@pytest.mark.parametrize("name", [INDEX, "dists/s/Release", "dists/s"])
def test_a_link_inside_of_an_apt_repo_and_one_to_it_are_followed(tmp_path: Path, name: str) -> None:
    root = apt(tmp_path / "repo")
    moved(root / name, root / "dists/other")
    (tmp_path / "link").symlink_to(root)
    assert len(read_apt(tmp_path / "link", suite="s").packages) == 1


@pytest.mark.parametrize("name", ["Packages", "Release"])
def test_a_link_out_of_a_flat_repo_is_refused(tmp_path: Path, name: str) -> None:
    whole = apt(tmp_path / "whole")
    root = tmp_path / "flat"
    root.mkdir()
    (whole / INDEX).rename(root / "Packages")
    (root / "Release").write_text("Origin: x\n")
    moved(root / name, tmp_path / "outside/moved")
    with pytest.raises(BundleError, match=OUT):
        AptRepo.open(root)


@pytest.mark.parametrize("name", ["repomd.xml", "primary.xml.gz", "other.xml.gz", "repomd.xml.asc"])
def test_a_link_out_of_a_yum_repo_is_refused(tmp_path: Path, name: str) -> None:
    root = yum_repo(tmp_path / "repo", [Fake("a")])
    (root / "repodata/repomd.xml.asc").write_text("signature")
    moved(root / "repodata" / name, tmp_path / "outside/moved")
    with pytest.raises(BundleError, match=OUT):
        YumRepo.open(root).index_files(IndexChoice())


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_a_description_that_is_no_regular_file_is_refused(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / FILE_NAME)
    with pytest.raises(BundleError, match=FILE_NAME):
        read_description(tmp_path)
