"""The tar reader, with the compressions of a tarball, and the files that it writes."""

import gzip
import lzma
import shutil
import tarfile
from random import Random

import zstandard

from fuel_upgrade.system.archive import ArchiveReader
from fuel_upgrade.system.compression import open_stream
from fuel_upgrade.system.extraction import extract
from tests.builders import END, file_member, header, padded, pax
from tests.fuzz.target import ByBytes, Target, scratch

_BLOCK = 512
_CHECKSUM, _SIZE = slice(148, 156), slice(124, 136)
_NAME, _KIND, _TARGET, _PREFIX = slice(0, 100), slice(156, 157), slice(157, 257), slice(345, 500)
_DATA = slice(0, _BLOCK)
_FIELDS = (_NAME, _NAME, _SIZE, _KIND, _TARGET, slice(100, 108), slice(257, 265), _PREFIX, _DATA)
_PACKED = (b"\x28\xb5\x2f\xfd", b"\x1f\x8b", b"\xfd7zXZ", b"BZh", b"\x5d\x00\x00")
_PLAIN = b"".join(
    (
        header("folder", tarfile.DIRTYPE),
        file_member("folder/file", b"content"),
        header("folder/link", tarfile.SYMTYPE, target="file"),
        header("folder/same", tarfile.LNKTYPE, target="folder/file"),
        END,
    )
)
_LONG = header("n" * 150 + "/" + "n" * 90) + header("link", tarfile.SYMTYPE, target="t" * 150) + END
_PAX = pax(("path", "ü/file"), ("size", "3")) + header("x") + padded(b"abc") + END
_GLOBAL = pax(("comment", "x"), kind=tarfile.XGLTYPE) + file_member("file") + END
_HEADERS = (
    *(header("x", kind) for kind in (b"0", b"1", b"2", b"5", b"L", b"K", b"x", b"g", b"S")),
    header("x", tarfile.XHDTYPE, size=20),
    header("../x"),
)
_DEVICE = header("device", tarfile.CHRTYPE) + header("pipe", tarfile.FIFOTYPE) + END


def read(data: bytes) -> None:
    source, into = scratch() / "source", scratch() / "into"
    into.mkdir()
    source.write_bytes(data)
    try:
        with open_stream(source) as stream:
            extract(ArchiveReader(stream, name="test.tar"), into)
    finally:
        shutil.rmtree(into)
        assert [path.name for path in scratch().iterdir()] == ["source"]


def _mutate(data: bytes, chance: Random, by_bytes: ByBytes) -> bytes:
    """Change a field of a block, the order of blocks, or any bytes."""
    if data.startswith(_PACKED):
        return by_bytes(data)
    blocks = [data[at : at + _BLOCK] for at in range(0, len(data), _BLOCK)] or [b""]
    at, way = chance.randrange(len(blocks)), chance.randrange(8)
    if way == 0:
        return with_checksums(by_bytes(data))
    if way == 1:
        blocks.insert(at, chance.choice(blocks))
    elif way == 2:
        blocks.insert(at, chance.choice(_HEADERS))
    elif way == 3:
        del blocks[at]
    else:
        field = chance.choice(_FIELDS)
        length = field.stop - field.start
        changed = by_bytes(blocks[at][field])[:length].ljust(length, b"\0")
        blocks[at] = (blocks[at][: field.start] + changed + blocks[at][field.stop :])[:_BLOCK]
    return with_checksums(b"".join(blocks))


def with_checksums(data: bytes) -> bytes:
    """Correct the checksum of each header, at the places where the sizes put them."""
    if data.startswith(_PACKED):
        return data
    blocks, at = bytearray(data), 0
    while at + _BLOCK <= len(blocks):
        block = blocks[at : at + _BLOCK]
        size = 0
        if any(block):
            block[_CHECKSUM] = b" " * 8
            block[_CHECKSUM] = b"%06o\0 " % sum(block)
            blocks[at : at + _BLOCK] = block
            size = _size(bytes(block[_SIZE]))
        at += _BLOCK + size + -size % _BLOCK
    return bytes(blocks)


def _size(field: bytes) -> int:
    try:
        return max(int(tarfile.nti(field)), 0)  # type: ignore[attr-defined]  # of the library
    except tarfile.HeaderError:
        return 0


TARGET = Target(
    read,
    seeds=(
        *(_PLAIN, _LONG, _PAX, _GLOBAL, _DEVICE),
        gzip.compress(_PLAIN),
        lzma.compress(_PLAIN),
        zstandard.compress(_PLAIN),
    ),
    words=(
        *(b"../", b"/", b"./", b"\0", b"ustar\x0000", b"ustar  \0", b"././@LongLink", b"\xff"),
        *(b"path=", b"linkpath=", b"size=", b"GNU.sparse.major=1", b"\x80\0\0\0\0\0\0\0\1\0\0\0"),
        *(tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE, b"x", b"g"),
    ),
    mutation=_mutate,
    longest_bytes=8192,
)
