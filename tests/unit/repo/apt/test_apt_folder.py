"""Reading an apt repo from disk, and writing the indexes of one."""

import gzip
import hashlib
import re
from pathlib import Path

import pytest
import zstandard

from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.repo.apt.repo import read_apt
from fuel_upgrade.repo.apt.suite import suites
from fuel_upgrade.repo.apt.write_indexes import write_apt_indexes
from tests.builders import Fake, apt_repo, write

TWO = [Fake("a"), Fake("b", architecture="amd64")]
EVERYWHERE = [Fake("a"), Fake("b", architecture="i386", component="universe")]


def names(root: Path) -> list[str]:
    return [package.name for package in read_apt(root).packages]


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_one_form_of_an_index_is_enough(tmp_path: Path, suffix: str) -> None:
    assert names(apt_repo(tmp_path, TWO, suffixes=[suffix])) == ["a", "b"]


def test_a_zstd_index_is_read(tmp_path: Path) -> None:
    root = apt_repo(tmp_path, TWO, release=False)
    folder = root / "dists/precise/main/binary-amd64"
    packed = zstandard.compress((folder / "Packages").read_bytes())
    write(folder / "Packages.zst", packed)
    (folder / "Packages").unlink()
    (folder / "Packages.gz").unlink()
    assert names(root) == ["a", "b"]


def test_components_and_architectures_come_in_the_order_of_release(tmp_path: Path) -> None:
    root = apt_repo(
        tmp_path, EVERYWHERE, components=["universe", "main"], architectures=["i386", "amd64"]
    )
    repo = read_apt(root)
    assert repo.components == ("universe", "main")
    assert repo.architectures == ("i386", "amd64")
    assert [(e.package.name, e.component, e.index_architecture) for e in repo.entries()] == [
        ("b", "universe", "i386"),
        ("a", "main", "i386"),
        ("a", "main", "amd64"),
    ]
    assert repo.release["Origin"] == "Fuel"


def test_a_repo_without_a_release_file_is_read_by_its_folders(tmp_path: Path) -> None:
    root = apt_repo(
        tmp_path,
        EVERYWHERE,
        components=["universe", "main"],
        architectures=["amd64"],
        release=False,
    )
    repo = read_apt(root)
    assert (repo.components, repo.architectures) == (("main", "universe"), ("amd64",))
    assert dict(repo.release) == {}


def test_a_component_with_a_path_is_its_last_part(tmp_path: Path) -> None:
    root = apt_repo(tmp_path, TWO)
    release = root / "dists/precise/Release"
    release.write_text(release.read_text().replace("Components: main", "Components: updates/main"))
    assert read_apt(root).components == ("main",)


def test_a_partial_mirror_has_only_its_own_indexes(tmp_path: Path) -> None:
    root = apt_repo(tmp_path, TWO)
    release = root / "dists/precise/Release"
    text = release.read_text().replace("Components: main", "Components: main universe")
    release.write_text(text.replace("Architectures: amd64", "Architectures: amd64 i386"))
    repo = read_apt(root)
    assert (repo.components, repo.architectures) == (("main",), ("amd64",))
    assert len(repo.packages) == 2


def test_a_component_may_lack_an_architecture(tmp_path: Path) -> None:
    apt_repo(tmp_path, [Fake("a")], architectures=["amd64", "i386"])
    fakes = [Fake("b", component="universe")]
    root = apt_repo(tmp_path, fakes, components=["universe"], release=False)
    (root / "dists/precise/Release").unlink()
    repo = read_apt(root)
    assert (repo.components, repo.architectures) == (("main", "universe"), ("amd64", "i386"))
    assert [p.name for p in repo.packages] == ["a", "a", "b"]


def test_a_folder_for_an_index_may_be_empty(tmp_path: Path) -> None:
    root = apt_repo(tmp_path, TWO)
    (root / "dists/precise/extra/binary-amd64").mkdir(parents=True)
    assert len(read_apt(root).packages) == 2


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_an_index_altered_against_release_is_refused(tmp_path: Path, suffix: str) -> None:
    root = apt_repo(tmp_path, TWO, suffixes=[suffix])
    index = root / f"dists/precise/main/binary-amd64/Packages{suffix}"
    index.write_bytes(index.read_bytes() + b"\n")
    actual = hashlib.sha256(index.read_bytes()).hexdigest()
    with pytest.raises(BundleError, match=f"sha256 {actual}, but Release says"):
        read_apt(root)


@pytest.mark.parametrize(("field", "kind"), [("SHA1", "sha1"), ("MD5Sum", "md5")])
def test_an_old_release_still_guards_its_indexes(tmp_path: Path, field: str, kind: str) -> None:
    root = apt_repo(tmp_path, TWO)
    release = root / "dists/precise/Release"
    head, *blocks = re.split(r"^(?=MD5Sum:|SHA1:|SHA256:)", release.read_text(), flags=re.MULTILINE)
    release.write_text(head + next(block for block in blocks if block.startswith(field)))
    assert len(read_apt(root).packages) == 2
    write(root / "dists/precise/main/binary-amd64/Packages", b"\n")
    with pytest.raises(BundleError, match=f"{kind} .* but Release says"):
        read_apt(root)


def test_a_release_that_is_not_utf8_is_read(tmp_path: Path) -> None:
    root = apt_repo(tmp_path, TWO)
    release = root / "dists/precise/Release"
    release.write_bytes(release.read_bytes().replace(b"Origin: Fuel", b"Origin: \xff"))
    assert read_apt(root).release["Origin"] == "\ufffd"


def test_an_index_that_release_lists_must_be_there(tmp_path: Path) -> None:
    root = apt_repo(tmp_path, TWO)
    for path in root.rglob("Packages*"):
        path.unlink()
    with pytest.raises(
        BundleError, match=r"Release lists main/binary-amd64/Packages, which does not exist"
    ):
        read_apt(root)


def test_an_index_of_unknown_compression_is_not_an_empty_one(tmp_path: Path) -> None:
    root = apt_repo(tmp_path, TWO, release=False)
    for path in root.rglob("Packages*"):
        path.unlink()
    write(root / "dists/precise/main/binary-amd64/Packages.lz4", b"x")
    with pytest.raises(BundleError, match=r"exists only as Packages\.lz4"):
        read_apt(root)


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_a_damaged_index_without_release_is_refused(tmp_path: Path, suffix: str) -> None:
    root = apt_repo(tmp_path, TWO, suffixes=[suffix], release=False)
    index = root / f"dists/precise/main/binary-amd64/Packages{suffix}"
    whole = index.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]
    for data in (whole[:-9], whole[:middle], flipped):
        index.write_bytes(data)
        with pytest.raises(BundleError, match=r"damaged or cut short|lacks or garbles"):
            read_apt(root)


def test_one_of_several_suites_must_be_named(tmp_path: Path) -> None:
    apt_repo(tmp_path, TWO)
    apt_repo(tmp_path, [Fake("c")], suite="trusty")
    with pytest.raises(
        ConfigError, match=r"several suites, or none \(present: precise, trusty\)"
    ) as caught:
        read_apt(tmp_path)
    assert "--suite" in caught.value.remedy
    assert [p.name for p in read_apt(tmp_path, suite="trusty").packages] == ["c"]


def test_a_missing_suite_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no suite utopic \(present: precise\)"):
        read_apt(apt_repo(tmp_path, TWO), suite="utopic")


def test_a_folder_without_suites_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="present: none"):
        read_apt(tmp_path)


def test_a_second_name_of_a_suite_is_no_second_suite(tmp_path: Path) -> None:
    apt_repo(tmp_path, TWO)
    (tmp_path / "dists/stable").symlink_to("precise")
    write(tmp_path / "dists/README/x", b"")
    assert suites(tmp_path) == ("precise",)


def test_written_indexes_are_complete_and_read_back(tmp_path: Path) -> None:
    root = apt_repo(
        tmp_path / "a",
        EVERYWHERE,
        components=["main", "universe"],
        architectures=["amd64", "i386"],
    )
    repo = read_apt(root)
    chosen = [entry for entry in repo.entries() if entry.package.name == "a"]
    write_apt_indexes(repo, chosen, tmp_path / "b", label="my-label")
    again = read_apt(tmp_path / "b")
    assert tuple(again.entries()) == tuple(chosen)
    assert (again.components, again.architectures) == (repo.components, repo.architectures)
    assert again.release["Label"] == "my-label"
    for field in ("Origin", "Suite", "Codename", "Components", "Architectures"):
        assert again.release[field] == repo.release[field]
    written = {
        p.relative_to(tmp_path / "b").as_posix() for p in (tmp_path / "b").rglob("Packages*")
    }
    assert written == {
        f"dists/precise/{component}/binary-{architecture}/Packages{suffix}"
        for component in repo.components
        for architecture in repo.architectures
        for suffix in ("", ".gz")
    }


def test_the_forms_of_a_written_index_say_the_same(tmp_path: Path) -> None:
    repo = read_apt(apt_repo(tmp_path / "a", TWO))
    write_apt_indexes(repo, repo.entries(), tmp_path / "b", label="x")
    folder = tmp_path / "b/dists/precise/main/binary-amd64"
    assert (
        gzip.decompress((folder / "Packages.gz").read_bytes()) == (folder / "Packages").read_bytes()
    )
    (folder / "Packages").unlink()
    assert tuple(read_apt(tmp_path / "b").entries()) == tuple(repo.entries())


def test_missing_release_fields_get_fixed_values(tmp_path: Path) -> None:
    repo = read_apt(apt_repo(tmp_path / "a", TWO, release=False))
    write_apt_indexes(repo, [], tmp_path / "b", label="x")
    release = read_apt(tmp_path / "b").release
    assert release == {
        "Origin": "fuel-upgrade",
        "Label": "x",
        "Suite": "precise",
        "Codename": "precise",
        "Date": "Thu, 01 Jan 1970 00:00:00 UTC",
        "Architectures": "amd64",
        "Components": "main",
    }


def test_indexes_by_hash_are_written_where_the_repo_has_them(tmp_path: Path) -> None:
    root = apt_repo(tmp_path / "a", TWO)
    release = root / "dists/precise/Release"
    release.write_text("Acquire-By-Hash: yes\nNotAutomatic: yes\n" + release.read_text())
    repo = read_apt(root)
    write_apt_indexes(repo, repo.entries(), tmp_path / "b", label="x")
    folder = tmp_path / "b/dists/precise/main/binary-amd64"
    sums = {hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.glob("Packages*")}
    assert {p.name for p in (folder / "by-hash/SHA256").iterdir()} == sums
    again = read_apt(tmp_path / "b").release
    assert (again["Acquire-By-Hash"], again["NotAutomatic"]) == ("yes", "yes")
