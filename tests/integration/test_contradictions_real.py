"""Indexes that contradict themselves, with the real apt, createrepo_c and dnf as the reference."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.nodes import AptNode
from demo.packages import Recipe, build_rpms, index_yum_repo, make_yum_repo
from fuel_upgrade.errors import BundleError, CommandError
from fuel_upgrade.repo.apt.repo import read_apt
from fuel_upgrade.repo.apt.stanza import FileSums, render_release
from fuel_upgrade.repo.yum.repo import YumRepo
from fuel_upgrade.system import process
from tests.builders import Fake, apt_repo, stanza, write
from tests.tools import needs

APT = needs("apt-get", "apt-cache")
YUM = needs("rpmbuild", "createrepo_c", "dnf")
INDEX = "main/binary-amd64/Packages"
FIELDS = {"Suite": "precise", "Components": "main", "Architectures": "amd64"}


def read_by_apt(root: Path, folder: Path) -> list[str]:
    node = AptNode(folder)
    node.apply({"etc/apt/sources.list": f"deb [trusted=yes] copy:{root} precise main\n"})
    return sorted(set(node.names()))


def write_index(root: Path, forms: dict[str, bytes], listed: dict[str, bytes]) -> Path:
    suite = apt_repo(root, [Fake("a")], suffixes=(), release=False) / "dists/precise"
    for suffix, data in forms.items():
        write(suite / f"{INDEX}{suffix}", data)
    sums = {f"{INDEX}{suffix}": FileSums.of(data) for suffix, data in listed.items()}
    write(suite / "Release", render_release(FIELDS, sums))
    return root


PLAIN, OTHER = stanza(Fake("a")) + b"\n\n", stanza(Fake("b")) + b"\n\n"
PACKED = gzip.compress(PLAIN)
APT_REFUSES: dict[str, tuple[dict[str, bytes], dict[str, bytes]]] = {
    "an index that differs from Release": ({"": PLAIN}, {"": OTHER}),
    "an index of another size": ({"": PLAIN}, {"": PLAIN + b"\n"}),
    "two forms of two contents": (
        {"": PLAIN, ".gz": gzip.compress(OTHER)},
        {"": PLAIN, ".gz": gzip.compress(OTHER)},
    ),
    "a form that is not the plain one": ({".gz": PACKED}, {".gz": PACKED, "": OTHER}),
}


@APT
@pytest.mark.parametrize(("forms", "listed"), APT_REFUSES.values(), ids=APT_REFUSES)
def test_contradictions_that_apt_refuses_are_refused(
    tmp_path: Path, forms: dict[str, bytes], listed: dict[str, bytes]
) -> None:
    root = write_index(tmp_path / "repo", forms, listed)
    with pytest.raises(CommandError):
        read_by_apt(root, tmp_path / "node")
    with pytest.raises(BundleError):
        read_apt(root)


def arch_all(root: Path) -> Path:
    fakes = [Fake("a"), Fake("b", architecture="amd64")]
    return apt_repo(root, fakes, architectures=("amd64", "i386"))


def repeated(root: Path) -> Path:
    index = apt_repo(root, [Fake("a"), Fake("b")], release=False, suffixes=("",))
    path = index / "dists/precise" / INDEX
    path.write_bytes(path.read_bytes() * 2)
    return root


@APT
@pytest.mark.parametrize("make", [arch_all, repeated])
def test_entries_that_repeat_are_read_as_by_apt(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    root = make(tmp_path / "repo")
    assert sorted({p.name for p in read_apt(root).packages}) == read_by_apt(root, tmp_path / "node")


def read_by_dnf(root: Path, folder: Path) -> list[str]:
    argv = ["dnf", "-q", f"--repofrompath=r,{root}", "--repo=r", f"--installroot={folder}"]
    options = ["--releasever=1", f"--setopt=cachedir={folder}/cache", "--setopt=reposdir=/dev/null"]
    form = ["repoquery", "--qf", "%{name} %{location}\\n", "*"]
    printed = process.run([*argv, *options, *form], timeout_s=120)
    return sorted(line for line in printed.splitlines() if line)


@YUM
def test_a_copy_of_an_rpm_is_read_and_another_build_of_it_is_refused(tmp_path: Path) -> None:
    root = make_yum_repo(tmp_path / "repo", [Recipe("a", "1-1", "one")])
    (rpm,) = (root / "Packages").glob("*.rpm")
    shutil.copyfile(rpm, write(root / "updates" / rpm.name, b""))
    index_yum_repo(root)
    places = sorted(f"{p.name} {p.location}" for p in YumRepo.read(root).packages)
    assert len(places) == 2
    assert set(read_by_dnf(root, tmp_path / "dnf")) <= set(places)
    build_rpms([Recipe("a", "1-1", "two")], root / "updates")
    index_yum_repo(root)
    with pytest.raises(BundleError, match="two entries contradict each other"):
        YumRepo.read(root)
