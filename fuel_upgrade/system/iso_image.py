"""Finds the files in the root folder of an ISO 9660 image (ECMA-119); reads no other part of it."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

SECTOR_BYTES = 2048
_DESCRIPTOR = 16 * SECTOR_BYTES  # 6.2.1: the first volume descriptor
_MAGIC = b"\x01CD001"  # 8.4: of the primary one
_ROOT = 156  # 8.4.18: the record of the root folder
_RECORD = struct.Struct("<BBI4xI4x7xBBBH2xB")  # 9.1, of both byte orders the little-endian one
_FOLDER, _CONTINUED = 0x02, 0x80  # 9.1.6
_ROOT_BYTES = 1 << 16
_HEAD = 4  # SUSP 4.1: signature, length and version of each entry


class IsoError(ValueError):
    """The image is malformed."""


@dataclass(frozen=True, slots=True)
class Extent:
    """A file in an image: its name, its place and its size."""

    name: str
    offset: int
    size_bytes: int


def is_iso(descriptor: int) -> bool:
    """Return whether an open file is an image."""
    return os.pread(descriptor, len(_MAGIC), _DESCRIPTOR) == _MAGIC


def root_files(descriptor: int) -> tuple[Extent, ...]:
    """Return the files in the root folder. A file of several extents, beyond 4 GiB, is one.

    Raises:
        IsoError: a record is malformed, or leads out of the image.
    """
    end = os.fstat(descriptor).st_size
    root = os.pread(descriptor, _RECORD.size, _DESCRIPTOR + _ROOT)
    folder = _extent("the root folder", root, end)
    if folder.size_bytes > _ROOT_BYTES:
        raise IsoError(
            f"its root folder has {folder.size_bytes} bytes, expected at most {_ROOT_BYTES}"
        )
    files: list[Extent] = []
    is_continued = False
    for record in _records(os.pread(descriptor, folder.size_bytes, folder.offset)):
        flags = _RECORD.unpack_from(record)[4]
        if flags & _FOLDER:
            continue
        part = _extent(_name(record), record, end)
        if is_continued:
            before = files.pop()
            if (part.name, part.offset) != (before.name, before.offset + before.size_bytes):
                raise IsoError(f"{before.name!r:.80} is not in one piece")
            part = Extent(part.name, before.offset, before.size_bytes + part.size_bytes)
        files.append(part)
        is_continued = bool(flags & _CONTINUED)
    return tuple(files)


def _extent(name: str, record: bytes, end: int) -> Extent:
    if len(record) < _RECORD.size:
        raise IsoError("it is cut short")
    _, attributes, sector, size_bytes, *_ = _RECORD.unpack_from(record)
    extent = Extent(name, (sector + attributes) * SECTOR_BYTES, size_bytes)
    if extent.offset + extent.size_bytes > end:
        raise IsoError(f"{name!r:.80} ends behind the image, which is cut short")
    return extent


def _records(folder: bytes) -> Iterator[bytes]:
    """Yield the records of a folder; none spans two sectors (6.8.1.1)."""
    for start in range(0, len(folder), SECTOR_BYTES):
        sector = folder[start : start + SECTOR_BYTES]
        at = 0
        while at < len(sector) and (length := sector[at]):
            record = sector[at : at + length]
            if len(record) < max(length, _RECORD.size) or len(record) < _RECORD.size + record[32]:
                raise IsoError("a record of its root folder is malformed")
            yield record
            at += length


def _name(record: bytes) -> str:
    """Return the name of a file: that of Rock Ridge (RRIP 4.1.4) if there is one."""
    at = _RECORD.size + record[32]
    plain = record[_RECORD.size : at]
    at += at % 2  # 9.1.12: padded to an even length
    long = b""
    while at + _HEAD <= len(record) and record[at + 2] >= _HEAD:
        signature, length = record[at : at + 2], record[at + 2]
        if signature == b"NM":
            long += record[at + 5 : at + length]
        at += length
    return (long or plain.partition(b";")[0]).decode(errors="replace")
