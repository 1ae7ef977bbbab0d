"""A damaged archive is refused, or gives other members than the undamaged one: never in silence."""

import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.errors import BundleError
from fuel_upgrade.system.archive import ArchiveReader
from fuel_upgrade.system.archive_writer import ArchiveWriter
from fuel_upgrade.system.compression import open_stream
from tests.builders import END, file_member, header, quickly, read_archive, reader

LONG = "folder/" + "n" * 120


def small_archive() -> bytes:
    stream = io.BytesIO()
    writer = ArchiveWriter(stream)
    writer.add_bytes("a", b"content of a")
    writer.add_bytes("d/empty", b"", mode=0o755)
    writer.add_link("d/link", "../a")
    writer.add_bytes(LONG, b"x" * 700)
    writer.finish()
    return stream.getvalue()


WHOLE = small_archive()
MEMBERS = read_archive(WHOLE)
END_AT = len(WHOLE) - len(END)


@quickly
@given(st.integers(0, len(WHOLE) - 1))
def test_a_cut_archive_is_refused_unless_only_zeros_behind_its_end_are_lost(length: int) -> None:
    if length >= END_AT + 512:  # one whole zero block says that this is the end
        assert read_archive(WHOLE[:length]) == MEMBERS
        return
    with pytest.raises(BundleError, match="cut short"):
        read_archive(WHOLE[:length])


def data_spans() -> list[range]:
    """The byte ranges of headers and contents, without the padding after contents."""
    spans, at = [], 0
    for size in (len(b"content of a"), 0, 0, len(LONG) + 1, 700):
        spans.append(range(at, at + 512 + size))
        at += 512 + size + (-size % 512)
    assert at == END_AT
    return spans


def is_checksum(position: int) -> bool:
    """A header's checksum has several spellings of one number."""
    starts = [span.start for span in data_spans()]
    return any(start + 148 <= position < start + 156 for start in starts)


@quickly
@given(st.sampled_from([p for span in data_spans() for p in span]), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_shows(position: int, flip: int) -> None:
    altered = bytearray(WHOLE)
    altered[position] ^= flip
    try:
        actual = read_archive(bytes(altered))
    except BundleError:
        return
    assert actual != MEMBERS or is_checksum(position)


@quickly
@given(st.integers(0, 1023), st.integers(1, 255))
def test_a_flipped_byte_in_the_end_is_refused(position: int, flip: int) -> None:
    altered = bytearray(WHOLE)
    altered[END_AT + position] ^= flip
    with pytest.raises(BundleError):
        read_archive(bytes(altered))


@quickly
@given(st.binary(max_size=2000))
def test_garbage_is_refused_by_a_bundle_error_and_nothing_else(data: bytes) -> None:
    if data[:512] == bytes(512):
        return
    with pytest.raises(BundleError):
        read_archive(data)


@quickly
@given(st.binary(min_size=500, max_size=500))
def test_a_header_of_garbage_with_a_right_sum_raises_nothing_but_a_bundle_error(
    fill: bytes,
) -> None:
    block = bytearray(fill[:148] + b" " * 8 + fill[148:])
    block += bytes(512 - len(block))
    block[148:156] = b"%06o\0 " % sum(block)
    try:
        read_archive(bytes(block) + END)
    except BundleError as error:
        assert error.remedy  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("behind", [b"x", bytes(5000) + b"x", file_member("b")])
def test_data_behind_the_end_is_refused(behind: bytes) -> None:
    with pytest.raises(BundleError, match="after the end"):
        read_archive(WHOLE + behind)


def test_zeros_behind_the_end_are_fine() -> None:
    assert read_archive(WHOLE + bytes(10_240)) == MEMBERS


def test_an_empty_stream_is_no_archive() -> None:
    with pytest.raises(BundleError, match="cut short"):
        read_archive(b"")


def test_a_member_longer_than_the_archive_is_refused() -> None:
    with pytest.raises(BundleError, match="cut short"):
        read_archive(header("a", size=8 << 30) + b"abc")


def test_unread_data_is_skipped() -> None:
    assert [member.path for member in reader(WHOLE).members()] == list(MEMBERS)


def test_data_read_in_part_is_passed_over() -> None:
    source = reader(file_member("a", b"x" * (3 << 20)) + file_member("b") + END)
    paths = []
    for member in source.members():
        paths.append(member.path)
        next(source.chunks(), None)
    assert paths == ["a", "b"]


def plain(data: bytes) -> bytes:
    return data


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


PACKERS: list[Callable[[bytes], bytes]] = [plain, gzip.compress, lzma.compress, zstd]
every_packing = pytest.mark.parametrize("pack", PACKERS, ids=["plain", "gzip", "xz", "zstd"])


def read_packed(path: Path) -> list[str]:
    with open_stream(path) as stream:
        return [m.path for m in ArchiveReader(stream, name=path.name).members()]


@every_packing
def test_the_first_bytes_show_the_compression(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "archive.without.suffix"
    path.write_bytes(pack(WHOLE))
    assert read_packed(path) == list(MEMBERS)


@every_packing
def test_a_packed_archive_cut_in_its_middle_is_refused(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "archive"
    data = pack(WHOLE)
    for length in (0, 3, 20, len(data) // 3, len(data) // 2):
        path.write_bytes(data[:length])
        with pytest.raises(BundleError):
            read_packed(path)


@pytest.mark.parametrize("pack", PACKERS[1:], ids=["gzip", "xz", "zstd"])
def test_a_packed_archive_with_a_flipped_byte_is_refused(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "archive"
    data = pack(WHOLE)
    for position in range(10, len(data) - 30, 7):
        altered = bytearray(data)
        altered[position] ^= 0xFF
        path.write_bytes(altered)
        with pytest.raises(BundleError):
            read_packed(path)


def test_several_zstd_frames_are_one_stream(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(zstd(WHOLE[:1000]) + zstd(WHOLE[1000:]))
    assert read_packed(path) == list(MEMBERS)


@every_packing
def test_closing_the_stream_closes_the_file(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "archive"
    path.write_bytes(pack(WHOLE))
    stream = open_stream(path)
    stream.read(1)
    stream.close()
    opened = [p.resolve() for p in Path("/proc/self/fd").iterdir() if p.exists()]
    assert path.resolve() not in opened
