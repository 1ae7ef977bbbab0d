"""A forbidden member is refused at its header, before a byte of it is written."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.system import budgets
from fuel_upgrade.system.archive import ArchiveReader
from fuel_upgrade.system.extraction import extract
from tests.builders import END, file_member, header, padded, pax, pax_record, read_archive, reader

LINK = tarfile.SYMTYPE
HARD = tarfile.LNKTYPE
FOLDER = header("d", tarfile.DIRTYPE)


def binary_size(size: int) -> bytes:
    """Return a header whose size field has the binary form, which tarfile's writer refuses."""
    block = bytearray(header("f"))
    block[124:136] = size.to_bytes(12, "big", signed=True)
    block[124] |= 0x80
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


HOSTILE = {
    "name_of_256_bytes": file_member("n" * 256),
    "path_of_1025_bytes": file_member("/".join(["n" * 204] * 5) + "x"),
    "65_levels": file_member("d/" * 64 + "x"),
    "control_character": file_member("a\x1b[31m"),
    "line_feed": file_member("a\nb"),
    "not_utf8": pax(("path", "\udcff")) + file_member("a"),
    "link_to_control_character": header("l", LINK, target="a\x07"),
    "extension_without_member": pax(("path", "a")),
    "five_extensions": pax(("mtime", "1")) * 5 + file_member("a"),
    "absolute": file_member("/etc/passwd"),
    "parent": file_member("../x"),
    "parent_within": file_member("a/../../x"),
    "parent_at_end": file_member("a/.."),
    "dot_within": file_member("a/./x"),
    "empty_part": file_member("a//x"),
    "absolute_behind_dot": file_member(".///../x"),
    "duplicate": file_member("a") + file_member("a"),
    "duplicate_by_dot": file_member("a") + file_member("./a"),
    "file_over_folder": FOLDER + file_member("d"),
    "folder_over_file": file_member("d") + FOLDER,
    "link_over_implied_folder": file_member("d/x") + header("d", LINK, target="e"),
    "below_link": header("l", LINK, target="d") + file_member("l/x"),
    "far_below_link": header("l", LINK, target="d") + file_member("l/m/x"),
    "below_file": file_member("f") + file_member("f/x"),
    "link_out": header("l", LINK, target="../x"),
    "link_out_of_folder": header("d/l", LINK, target="../../x"),
    "link_absolute": header("l", LINK, target="/etc"),
    "link_empty": header("l", LINK),
    "link_up_behind_name": header("l", LINK, target="d/../x"),
    "link_up_behind_dot": header("d/l", LINK, target="./d/./../x"),
    "link_with_nul": pax(("linkpath", "a\0b")) + header("l", LINK, target="a"),
    "hard_link_to_nothing": header("h", HARD, target="f"),
    "hard_link_to_itself": header("h", HARD, target="h"),
    "hard_link_to_link": header("l", LINK, target="x") + header("h", HARD, target="l"),
    "hard_link_to_folder": FOLDER + header("h", HARD, target="d"),
    "hard_link_out": header("h", HARD, target="/etc/passwd"),
    "hard_link_up": header("h", HARD, target="../x"),
    "character_device": header("c", tarfile.CHRTYPE),
    "block_device": header("b", tarfile.BLKTYPE),
    "pipe": header("p", tarfile.FIFOTYPE),
    "unknown_type": header("u", b"M"),
    "sparse": header("s", tarfile.GNUTYPE_SPARSE),
    "pax_sparse": pax(("GNU.sparse.major", "1")) + file_member("s"),
    "pax_path_up": pax(("path", "../x")) + file_member("a"),
    "pax_path_absolute": pax(("path", "/x")) + file_member("a"),
    "pax_path_twice": file_member("a") + pax(("path", "a")) + file_member("b"),
    "pax_path_with_nul": pax(("path", "a\0b")) + file_member("a"),
    "pax_link_out": pax(("linkpath", "../x")) + header("l", LINK, target="a"),
    "pax_size_negative": pax(("size", "-1")) + file_member("a"),
    "pax_size_no_number": pax(("size", "many")) + file_member("a"),
    "pax_size_endless": pax(("size", "9" * 5000)) + file_member("a"),
    "gnu_long_name_up": header("../" + "x" * 120),
    "gnu_long_link_out": header("l", LINK, target="../" + "x" * 120),
    "size_negative": binary_size(-1) + END,
    "size_very_negative": binary_size(-1024) + END,
    "file_as_root": file_member(".", b"x" * 512),
    "link_as_root": header("./", LINK, target="x"),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_member_is_refused_and_not_written(tmp_path: Path, data: bytes) -> None:
    before: list[str] = []
    with pytest.raises(BundleError) as caught:
        before.extend(member.path for member in reader(data + END).members())
    assert caught.value.remedy
    (tmp_path / "into").mkdir()
    with pytest.raises(BundleError):
        extract(reader(data + END), tmp_path / "into")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["into"]
    assert len([p for p in tmp_path.glob("into/**/*") if not p.is_dir()]) <= len(before)


def test_a_path_at_the_limits_is_accepted() -> None:
    paths = ["n" * 255, "/".join(["n" * 204] * 5), "d/" * 63 + "x"]
    assert list(read_archive(b"".join(map(file_member, paths)) + END)) == paths


def test_members_beyond_their_number_are_refused() -> None:
    data = header("d", tarfile.DIRTYPE) * 4 + END
    assert [m.path for m in ArchiveReader(io.BytesIO(data), name="t", max_members=4).members()]
    with pytest.raises(BundleError, match="more members"):
        list(ArchiveReader(io.BytesIO(data), name="t", max_members=3).members())


def test_long_paths_in_great_number_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "NAMES_BYTES", 9_999)  # 48 MiB are no smallest input
    with pytest.raises(BundleError, match="too long and too many"):
        read_archive(file_member("d/" * 60 + "x") + END)


def test_each_header_asks_for_cancellation() -> None:
    asked: list[int] = []
    data = pax(("comment", "x"), kind=tarfile.XGLTYPE) + header("./", tarfile.DIRTYPE) * 3 + END
    list(ArchiveReader(io.BytesIO(data), name="t", on_data=asked.append).members())
    assert asked == [0] * 5


def test_zeros_without_end_behind_the_archive_are_refused() -> None:
    with pytest.raises(BundleError, match="after the end"):
        read_archive(END + bytes(budgets.PADDING_BYTES + (1 << 20)))


def malformed_pax(data: bytes) -> bytes:
    return header("PaxHeader", tarfile.XHDTYPE, len(data)) + padded(data) + file_member("a")


@pytest.mark.parametrize(
    "records",
    [b"x", b"12 path=a\n", b"0 a=b\n", b"-6 a=b\n", b"1" * 5000 + b" a=b\n", b" a=b\n", b"2 a=b\n"],
)
def test_a_malformed_pax_header_is_refused(records: bytes) -> None:
    with pytest.raises(BundleError, match=r"pax header|refused"):
        read_archive(malformed_pax(records) + END)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_an_extension_header_without_end_is_not_read_into_memory(kind: bytes) -> None:
    with pytest.raises(BundleError, match="extension header of 8589934592 bytes"):
        read_archive(header("h", kind, 8 << 30) + END)


def test_a_pax_header_of_an_honest_member_counts() -> None:
    data = pax(("path", "other"), ("size", "3"), ("mtime", "1.5")) + header("a") + padded(b"abc")
    actual = read_archive(data + END)
    assert actual["other"].data == b"abc"
    assert list(actual) == ["other"]


def test_a_pax_header_counts_for_one_member_only() -> None:
    data = pax(("path", "other")) + file_member("a") + file_member("b") + END
    assert list(read_archive(data)) == ["other", "b"]


def test_a_global_pax_header_renames_nothing() -> None:
    data = pax(("path", "x"), ("comment", "abc"), kind=tarfile.XGLTYPE) + file_member("a") + END
    assert list(read_archive(data)) == ["a"]


def test_the_builder_of_pax_records_counts_as_posix_does() -> None:
    assert pax_record(("path", "x" * 90)) == b"99 path=" + b"x" * 90 + b"\n"


def test_the_root_itself_is_no_member() -> None:
    assert list(read_archive(header("./", tarfile.DIRTYPE) + file_member("./a") + END)) == ["a"]


@pytest.mark.parametrize("target", ["x", "../x", "../../x", ".", "./y/z", "../d/x"])
def test_a_link_that_stays_inside_is_kept(target: str) -> None:
    actual = read_archive(header("d/e/l", LINK, target=target) + END)
    assert actual["d/e/l"].target == target


def test_a_folder_may_come_twice_and_behind_its_files() -> None:
    data = file_member("d/x") + FOLDER + FOLDER + END
    assert list(read_archive(data)) == ["d/x", "d"]


def test_a_hard_link_becomes_one(tmp_path: Path) -> None:
    data = file_member("d/f", b"abc") + header("e/h", HARD, target="d/f") + END
    extract(reader(data), tmp_path)
    assert (tmp_path / "e/h").stat().st_ino == (tmp_path / "d/f").stat().st_ino


@pytest.mark.parametrize("make", [header, lambda name: pax(("size", str(9 << 30))) + header(name)])
def test_a_size_beyond_8_gib_is_read_from_the_header(make: Callable[[str], bytes]) -> None:
    head = header("big", size=9 << 30) if make is header else make("big")
    member = next(iter(reader(head).members()))
    assert (member.path, member.size_bytes) == ("big", 9 << 30)
