"""Reading a yum repo from disk, and writing the metadata of one."""

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.repo.read_repo import Role, detect_kind, opened_repo
from fuel_upgrade.repo.yum.advisories import read_advisories
from fuel_upgrade.repo.yum.createrepo import load_library
from fuel_upgrade.repo.yum.expat_reader import read_lines
from fuel_upgrade.repo.yum.metadata import parse_metadata
from fuel_upgrade.repo.yum.repo import YumRepo
from fuel_upgrade.repo.yum.repomd import METADATA, read_records
from fuel_upgrade.repo.yum.write_metadata import write_yum_metadata
from fuel_upgrade.system.tree_digest import digest
from tests.builders import Fake, apt_repo, checksum, write, yum_repo
from tests.yum_extras import rewrite

TWO = [Fake("a", "1:1.0-1.el6"), Fake("b")]


def test_a_repo_gives_its_packages(tmp_path: Path) -> None:
    first, second = YumRepo.read(yum_repo(tmp_path, TWO)).packages
    assert (first.name, first.version, first.architecture) == ("a", "1:1.0-1.el6", "noarch")
    assert (second.version, second.location) == ("1.0-1", "Packages/b-1.0-1.noarch.rpm")
    assert second.size_bytes == len(b"content")
    assert second.digests == (("sha256", checksum("sha256", b"content")),)


def test_an_empty_repo_is_a_repo(tmp_path: Path) -> None:
    assert YumRepo.read(yum_repo(tmp_path, [])).packages == ()


@pytest.mark.parametrize("kind", ["primary", "filelists", "other"])
def test_metadata_altered_against_repomd_is_refused(tmp_path: Path, kind: str) -> None:
    path = yum_repo(tmp_path, TWO) / f"repodata/{kind}.xml.gz"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(BundleError, match=rf"{kind}\.xml\.gz: sha256 .*, but repomd\.xml says"):
        YumRepo.read(tmp_path)


def test_metadata_in_repomd_must_exist(tmp_path: Path) -> None:
    (yum_repo(tmp_path, TWO) / "repodata/primary.xml.gz").unlink()
    with pytest.raises(BundleError, match=r"missing, but repomd\.xml lists it"):
        YumRepo.read(tmp_path)


def edit_repomd(root: Path, old: str, new: str) -> None:
    path = root / "repodata/repomd.xml"
    text = path.read_text()
    assert re.search(old, text)
    path.write_text(re.sub(old, new, text))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('type="primary"', 'type="group"', "no primary metadata"),
        ("repodata/primary", "../primary", "outside the repo"),
        ("</repomd>", "", "repomd.xml"),
        ('checksum type="sha256"', 'checksum type="crc32"', "unknown kind 'crc32'"),
        ('open-checksum type="sha256"', 'open-checksum type="sha128"', "unknown kind 'sha128'"),
        ('<location href="repodata/other.*"/>', "", "type other has no location"),
        ("<checksum .*</checksum>", "", "type primary has no location or no checksum"),
        ("(?s).*", "nonsense", "repomd.xml"),
    ],
)
def test_a_malformed_repomd_is_refused(tmp_path: Path, old: str, new: str, what: str) -> None:
    edit_repomd(yum_repo(tmp_path, TWO), old, new)
    with pytest.raises(BundleError, match=what):
        YumRepo.read(tmp_path)


OTHER_ENCODINGS = {
    "utf-16 with half a surrogate pair": b"\xff\xfe" + "<a>".encode("utf-16-le") + b"\0\xd8\0\0",
    "utf-16 without a mark": "<a/>".encode("utf-16-be"),
    "utf-32": "<a/>".encode("utf-32"),
    "ebcdic": "<?xml".encode("cp500"),
    "a declared one": b'<?xml version="1.0" encoding="UTF-7"?><a/>',
    "a declared one after a mark": b"\xef\xbb\xbf<?xml version='1.0' encoding = 'latin1' ?><a/>",
}


@pytest.mark.parametrize("text", OTHER_ENCODINGS.values(), ids=OTHER_ENCODINGS)
def test_metadata_in_another_encoding_is_refused_before_the_library_reads_it(
    tmp_path: Path, text: bytes
) -> None:
    path = tmp_path / "metadata.xml.gz"
    path.write_bytes(gzip.compress(text))
    readers: list[Callable[[Path], object]] = [read_records, read_advisories]
    readers += [partial(parse_metadata, kind=k, take=print) for k in METADATA]
    for read in readers:
        with pytest.raises(BundleError, match="not UTF-8"):
            read(path)


@pytest.mark.parametrize("name", ["utf-8", "UTF8", "US-ASCII"])
def test_metadata_that_declares_utf_8_is_read(tmp_path: Path, name: str) -> None:
    text = f'<?xml version="1.0" encoding="{name}"?>\n<metadata packages="0"/>'
    path = tmp_path / "primary.xml"
    path.write_text(text)
    parse_metadata(path, "primary", print)


def test_another_library_refuses_an_unknown_encoding(tmp_path: Path) -> None:
    path = tmp_path / "repodata/repomd.xml"
    path.parent.mkdir()
    for name in ("nonsense", "shift_jis"):
        path.write_text(f'<?xml version="1.0" encoding="{name}"?><repomd/>')
        with pytest.raises(BundleError, match=r"repomd\.xml"):
            list(read_lines([tmp_path], "sha256")[0])


@pytest.mark.parametrize(
    "part",
    ["<name>.*</name>", "<arch>.*</arch>", "<version .*/>", "<checksum .*>", "<location .*/>"],
)
def test_a_package_that_lacks_a_part_is_refused_by_both_readers(tmp_path: Path, part: str) -> None:
    root = rewrite(
        yum_repo(tmp_path, [Fake("a")]), {}, edits={"primary": partial(re.sub, part, "")}
    )
    with pytest.raises(BundleError, match="lacks"):
        _ = YumRepo.read(root).packages
    with pytest.raises(BundleError, match="lacks"):
        list(read_lines([root], "sha256")[0])


def test_a_requirement_without_a_name_is_refused(tmp_path: Path) -> None:
    entry = "<format><rpm:requires><rpm:entry/></rpm:requires>"
    root = rewrite(
        yum_repo(tmp_path, [Fake("a")]),
        {},
        edits={"primary": lambda text: text.replace("<format>", entry)},
    )
    with pytest.raises(BundleError, match="without a name"):
        YumRepo.read(root).requirements()


def test_a_missing_repomd_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"repomd\.xml"):
        YumRepo.read(tmp_path)


def test_a_package_outside_the_repo_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="outside the repo"):
        YumRepo.read(yum_repo(tmp_path, [Fake("a")], prefix="../"))


def test_a_package_at_another_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="a is at http://elsewhere, outside the repo"):
        YumRepo.read(yum_repo(tmp_path, [Fake("a")], location_base="http://elsewhere"))


def test_the_old_name_of_sha1_is_known_and_other_names_are_refused(tmp_path: Path) -> None:
    (package,) = YumRepo.read(yum_repo(tmp_path / "a", [Fake("a")], algorithm="sha")).packages
    assert package.digests == (("sha1", checksum("sha1", b"content")),)
    with pytest.raises(BundleError, match="a has a checksum of unknown kind 'crc32'"):
        YumRepo.read(yum_repo(tmp_path / "b", [Fake("a")], algorithm="crc32"))


def test_written_metadata_is_of_the_chosen_packages_only(tmp_path: Path) -> None:
    repo = YumRepo.read(yum_repo(tmp_path / "a", TWO))
    write_yum_metadata([(repo, repo.packages[1:])], tmp_path / "b", {}, repo.form)
    again = YumRepo.read(tmp_path / "b")
    assert again.packages == repo.packages[1:]
    assert again.timestamp == repo.timestamp
    assert set(again.metadata) == set(repo.metadata)


def test_a_location_with_a_dot_is_matched(tmp_path: Path) -> None:
    repo = YumRepo.read(yum_repo(tmp_path / "a", TWO, prefix="./"))
    locations = {package.location for package in repo.packages}
    assert locations == {fake.rpm_location for fake in TWO}
    write_yum_metadata([(repo, repo.packages)], tmp_path / "b", {}, repo.form)
    assert YumRepo.read(tmp_path / "b").packages == repo.packages


def test_the_same_packages_give_the_same_bytes(tmp_path: Path) -> None:
    repo = YumRepo.read(yum_repo(tmp_path / "a", TWO))
    for name in "bc":
        write_yum_metadata([(repo, repo.packages[:1])], tmp_path / name, {}, repo.form)
    one, other = (
        {p.name: p.read_bytes() for p in (tmp_path / name / "repodata").iterdir()} for name in "bc"
    )
    assert one == other


def test_kinds_are_detected_by_their_folders(tmp_path: Path) -> None:
    assert detect_kind(apt_repo(tmp_path / "a", [])) is RepoKind.APT
    assert detect_kind(yum_repo(tmp_path / "y", [])) is RepoKind.YUM
    with pytest.raises(BundleError, match="neither dists"):
        detect_kind(tmp_path)
    both = yum_repo(apt_repo(tmp_path / "b", []), [])
    with pytest.raises(BundleError, match="both dists"):
        detect_kind(both)


def test_a_repo_in_a_folder_is_used_where_it_is(tmp_path: Path) -> None:
    before = digest(tmp_path)
    with opened_repo(tmp_path, Role.FULL, scratch=tmp_path / "nowhere") as root:
        assert root == tmp_path
    assert digest(tmp_path) == before


def test_a_damaged_archive_leaves_nothing_in_the_scratch_folder(tmp_path: Path) -> None:
    path = write(tmp_path / "repo.tar", b"x" * 600)
    (tmp_path / "scratch").mkdir()
    with pytest.raises(BundleError), opened_repo(path, Role.FULL, scratch=tmp_path / "scratch"):
        pass
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_settings_of_another_rpm_on_the_host_are_not_read(tmp_path: Path) -> None:
    """Its macros may be none to the RPM library of createrepo_c, which prints an error then."""
    code = "from fuel_upgrade.repo.yum.createrepo import load_library; load_library()"
    environ = {**os.environ, "RPM_CONFIGDIR": str(tmp_path)}
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_threads_that_load_the_library_leave_the_environment_as_it_is() -> None:
    """Else an rpmbuild that is started later has no macros of its own."""
    before = os.environ.get("RPM_CONFIGDIR")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: load_library(), range(2000)))
    assert os.environ.get("RPM_CONFIGDIR") == before
