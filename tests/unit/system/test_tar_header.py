"""A header is decoded as ``tarfile`` of Python decodes it."""

import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.system.tar_header import BLOCK_BYTES, Header, decode, encode
from tests.builders import quickly

TYPES = [b"0", b"\0", b"1", b"2", b"3", b"5", b"6", b"7", b"g", b"x", b"K", b"L", b"S"]
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=120)


@st.composite
def blocks(draw: st.DrawFn) -> bytearray:
    """Draw the first block that tarfile writes for a member, with or without its prefix field."""
    info = tarfile.TarInfo(draw(NAMES))
    info.type, info.linkname = draw(st.sampled_from(TYPES)), draw(NAMES)[:90]
    info.size, info.mode = draw(st.integers(0, 1 << 40)), draw(st.integers(0, 0o7777))
    written = info.tobuf(tarfile.GNU_FORMAT) if draw(st.booleans()) else info.tobuf()
    block = bytearray(written[-BLOCK_BYTES:])
    if draw(st.booleans()):
        block[345:355] = draw(st.binary(min_size=10, max_size=10))
    return with_checksum(block)


def with_checksum(block: bytearray) -> bytearray:
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return block


@quickly
@given(blocks())
def test_a_header_has_the_fields_that_tarfile_reads(block: bytearray) -> None:
    expected = tarfile.TarInfo.frombuf(bytes(block), "utf-8", "surrogateescape")
    assert decode(bytes(block)) == Header(
        expected.name, expected.type, expected.size, expected.mode & 0o777, expected.linkname
    )


@quickly
@given(blocks(), st.lists(st.tuples(st.integers(0, 263), st.integers(0, 255)), max_size=3))
def test_an_altered_header_is_read_as_tarfile_reads_it(
    block: bytearray, changes: list[tuple[int, int]]
) -> None:
    for position, value in changes:
        block[position] = value
    block = with_checksum(block)
    try:
        expected = tarfile.TarInfo.frombuf(bytes(block), "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return  # also for fields that are not read here
    actual = decode(bytes(block))
    assert (actual.name, actual.size_bytes) == (expected.name, expected.size)
    assert (actual.kind, actual.target) == (expected.type, expected.linkname)


@pytest.mark.parametrize("position", [0, 130, 150, 300, 511])
def test_a_header_with_a_wrong_checksum_is_refused(position: int) -> None:
    block = bytearray(tarfile.TarInfo("a").tobuf())
    block[position] ^= 1
    with pytest.raises(ValueError, match=r"checksum|invalid header"):
        decode(bytes(block))


@quickly
@given(NAMES, st.integers(0, 1 << 40), st.sampled_from([0o644, 0o755]), NAMES)
def test_a_header_is_encoded_as_by_tarfile(name: str, size: int, mode: int, target: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode, info.linkname = tarfile.SYMTYPE, size, mode, target
    info.mtime, info.uname, info.gname = 7, "root", "root"
    expected = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    assert encode(Header(name, tarfile.SYMTYPE, size, mode, target), mtime=7) == expected
