"""Headers of tar archives (POSIX ustar, GNU, pax), decoded and encoded.

``tarfile`` of Python takes five times as long for a header (measured): it handles each field by
itself, also owners, times and devices, which an upgrade does not use.
"""

import os
import struct
import tarfile
import zlib
from typing import NamedTuple

BLOCK_BYTES = 512
# name, mode, size, checksum, type, link, prefix; the fields between them are skipped
_FIELDS = struct.Struct("100s8s16x12s12x8sc100s88x155s12x")
# the same with owner, group, time, the magic of GNU and the names of owner and group
_WRITTEN = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s183x")
_GNU_MAGIC = b"ustar  "
_ROOT = b"0000000"  # its user and group
_NO_CHECKSUM = b" " * 8  # in a block of which the checksum is computed
_NAME_BYTES = 100
_MAX_OCTAL = 8**11 - 1
_CHECKSUM_FIELD = slice(148, 156)
_SPACES_SUM = sum(_NO_CHECKSUM)
_HALF = BLOCK_BYTES // 2
_BINARY, _NEGATIVE = 0o200, 0o377  # the first byte of a number that is not octal digits
_MAX_DIGITS = 20  # of a size: more than any file needs, less than int() refuses
PAX = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
EXTENSIONS = (*PAX, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
"""The types of members that describe the next member."""


class Header(NamedTuple):
    """One header; ``mode`` is permission bits, ``kind`` is one of the types of ``tarfile``."""

    name: str
    kind: bytes
    size_bytes: int
    mode: int
    target: str


def decode(block: bytes) -> Header:
    """Decode a block of 512 bytes.

    Raises:
        ValueError: the checksum or a number is wrong.
    """
    name, mode, size, checksum, kind, target, prefix = _FIELDS.unpack(block)
    actual = _sum(block) - sum(block[_CHECKSUM_FIELD]) + _SPACES_SUM
    if actual != _number(checksum):
        raise ValueError("the checksum of a header is wrong")
    path = _text(name)
    if kind == tarfile.AREGTYPE and path.endswith("/"):
        kind = tarfile.DIRTYPE  # the spelling of Unix version 7
    if kind == tarfile.DIRTYPE:
        path = path.rstrip("/")
    if prefix[0] and kind not in tarfile.GNU_TYPES:
        path = f"{_text(prefix)}/{path}"
    return Header(path, kind, _number(size), _number(mode) & 0o777, _text(target))


def _sum(block: bytes) -> int:
    """Return the sum of the bytes, in a fifth of the time of ``sum`` (measured).

    The low half of Adler-32 (RFC 1950) is the sum and 1, modulo 65521; 256 bytes do not reach it.
    """
    first, second = zlib.adler32(block[:_HALF]), zlib.adler32(block[_HALF:])
    return (first & 0xFFFF) + (second & 0xFFFF) - 2


def _text(field: bytes) -> str:
    if not field[0]:
        return ""
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(field: bytes) -> int:
    """Decode octal digits, or the binary form of GNU tar for larger numbers."""
    if field[0] == _BINARY:
        return int.from_bytes(field[1:], "big")
    if field[0] == _NEGATIVE:
        return int.from_bytes(field, "big", signed=True)
    try:
        return int(field.partition(b"\0")[0].strip() or b"0", 8)
    except ValueError as error:
        raise ValueError("invalid header") from error


def decode_extension(kind: bytes, data: bytes) -> dict[str, str]:
    """Return the fields of the next member that an extension sets: path, linkpath, size.

    Raises:
        ValueError: a pax record is malformed, or the archive has a sparse file.
    """
    if kind == tarfile.GNUTYPE_LONGNAME:
        return {"path": os.fsdecode(data.rstrip(b"\0"))}
    if kind == tarfile.GNUTYPE_LONGLINK:
        return {"linkpath": os.fsdecode(data.rstrip(b"\0"))}
    if kind == tarfile.XGLTYPE:
        return {}
    return _pax_records(data)


def _pax_records(data: bytes) -> dict[str, str]:
    """Parse records of ``LENGTH KEY=VALUE`` and a line feed (POSIX pax interchange format)."""
    records = {}
    while data:
        length_text = data[:_MAX_DIGITS].partition(b" ")[0]
        length = int(length_text) if length_text.isdigit() else 0
        if not len(length_text) < length <= len(data):
            raise ValueError("a pax header is malformed")
        key, _, value = data[len(length_text) + 1 : length - 1].partition(b"=")
        if key.startswith(b"GNU.sparse."):
            raise ValueError("the archive has a sparse file")
        if key in (b"path", b"linkpath", b"size"):
            records[key.decode()] = os.fsdecode(value)
        data = data[length:]
    return records


def parse_size(text: str) -> int:
    """Parse the decimal size of a pax record.

    Raises:
        ValueError: it is no number, or has more than 20 digits.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        raise ValueError(f"a size of {text[:_MAX_DIGITS]!r}")
    return int(text)


def encode(header: Header, *, mtime: int) -> bytes:
    """Return the blocks of a header, with GNU extensions for long names; the owner is root."""
    name, target = _bytes(header.name), _bytes(header.target)
    if len(name) > _NAME_BYTES or len(target) > _NAME_BYTES or header.size_bytes > _MAX_OCTAL:
        return _encode_long(header, mtime)
    mode, size, time = (b"%07o" % header.mode, b"%011o" % header.size_bytes, b"%011o" % mtime)
    block = _WRITTEN.pack(
        *(name, mode, _ROOT, _ROOT, size, time, _NO_CHECKSUM, header.kind, target),
        *(_GNU_MAGIC, b"root", b"root"),
    )
    start, end = _CHECKSUM_FIELD.start, _CHECKSUM_FIELD.stop
    return b"%b%06o\0 %b" % (block[:start], _sum(block), block[end:])


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _encode_long(header: Header, mtime: int) -> bytes:
    info = tarfile.TarInfo(header.name)
    info.type, info.size, info.mode = header.kind, header.size_bytes, header.mode
    info.linkname, info.mtime, info.uname, info.gname = header.target, mtime, "root", "root"
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
