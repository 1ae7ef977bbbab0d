import os
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from fuel_upgrade.system.file_part import FilePart
from fuel_upgrade.system.iso_image import SECTOR_BYTES, Extent, IsoError, is_iso, root_files

ROOT_SECTOR, DATA_SECTOR = 20, 30


def record(sector: int, size: int, name: bytes, *, flags: int = 0, extra: bytes = b"") -> bytes:
    """A record of a folder, by ECMA-119 9.1."""
    both = struct.pack("<I", sector) + struct.pack(">I", sector)
    sizes = struct.pack("<I", size) + struct.pack(">I", size)
    tail = bytes([flags, 0, 0]) + b"\x01\0\0\x01" + bytes([len(name)]) + name
    tail += b"" if len(name) % 2 else b"\0"
    body = b"\0" + both + sizes + bytes(7) + tail + extra
    return bytes([len(body) + 1]) + body


def rock_ridge(name: bytes) -> bytes:
    return b"PX\x05\x01\0" + b"NM" + bytes([len(name) + 5]) + b"\x01\0" + name


def image(path: Path, records: Sequence[bytes], *, root_bytes: int | None = None) -> int:
    folder = b"".join(records)
    data = bytearray((DATA_SECTOR + 4) * SECTOR_BYTES)
    descriptor = 16 * SECTOR_BYTES
    data[descriptor : descriptor + 6] = b"\x01CD001"
    root = record(ROOT_SECTOR, root_bytes or SECTOR_BYTES, b"\0", flags=2)
    data[descriptor + 156 : descriptor + 156 + len(root)] = root
    start = ROOT_SECTOR * SECTOR_BYTES
    data[start : start + len(folder)] = folder
    path.write_bytes(data)
    return os.open(path, os.O_RDONLY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "image.iso"


def test_files_of_the_root_folder_have_their_long_names(path: Path) -> None:
    records = [
        record(ROOT_SECTOR, SECTOR_BYTES, b"\0", flags=2),
        record(DATA_SECTOR, 10, b"FUEL.TAR;1", extra=rock_ridge(b"fuel-6.0-upgrade.tar")),
        record(DATA_SECTOR + 1, 5, b"PLAIN.SH;1"),
    ]
    descriptor = image(path, records)
    assert is_iso(descriptor)
    assert root_files(descriptor) == (
        Extent("fuel-6.0-upgrade.tar", DATA_SECTOR * SECTOR_BYTES, 10),
        Extent("PLAIN.SH", (DATA_SECTOR + 1) * SECTOR_BYTES, 5),
    )
    os.close(descriptor)


def test_the_extents_of_a_large_file_are_one(path: Path) -> None:
    records = [
        record(DATA_SECTOR, SECTOR_BYTES, b"A.TAR;1", flags=0x80),
        record(DATA_SECTOR + 1, 9, b"A.TAR;1"),
    ]
    descriptor = image(path, records)
    whole = Extent("A.TAR", DATA_SECTOR * SECTOR_BYTES, SECTOR_BYTES + 9)
    assert root_files(descriptor) == (whole,)
    os.close(descriptor)


@pytest.mark.parametrize(
    ("records", "root_bytes", "fault"),
    [
        ([record(DATA_SECTOR, 5 * SECTOR_BYTES, b"A;1")], None, "ends behind the image"),
        ([record(1 << 31, 1, b"A;1")], None, "ends behind the image"),
        ([], 1 << 31, "ends behind the image"),
        ([], SECTOR_BYTES * 48, "ends behind the image"),
        ([b"\x05abcd"], None, "malformed"),
        ([bytes([200]) + bytes(31) + b"\xff" + bytes(10)], None, "malformed"),
        (
            [record(DATA_SECTOR, 1, b"A;1", flags=0x80), record(DATA_SECTOR + 3, 1, b"A;1")],
            None,
            "not in one piece",
        ),
        (
            [record(DATA_SECTOR, 2048, b"A;1", flags=0x80), record(DATA_SECTOR + 1, 1, b"B;1")],
            None,
            "not in one piece",
        ),
    ],
)
def test_a_record_that_lies_is_refused(
    path: Path, records: Sequence[bytes], root_bytes: int | None, fault: str
) -> None:
    descriptor = image(path, records, root_bytes=root_bytes)
    with pytest.raises(IsoError, match=fault):
        root_files(descriptor)
    os.close(descriptor)


def test_a_large_root_folder_is_refused(path: Path) -> None:
    descriptor = image(path, [], root_bytes=1 << 17)
    os.truncate(path, 1 << 20)
    with pytest.raises(IsoError, match="at most 65536"):
        root_files(descriptor)
    os.close(descriptor)


def test_other_files_are_no_images(path: Path) -> None:
    for data in (b"", b"\x01CD001", bytes(40000)):
        path.write_bytes(data)
        descriptor = os.open(path, os.O_RDONLY)
        assert not is_iso(descriptor)
        os.close(descriptor)


def test_a_part_of_a_file_reads_and_seeks_as_a_file(path: Path) -> None:
    path.write_bytes(b"0123456789")
    descriptor = os.open(path, os.O_RDONLY)
    part = FilePart(descriptor, 2, 5)
    assert part.read() == b"23456"
    assert part.read(1) == b""
    assert part.seek(-2, os.SEEK_END) == 3
    assert part.read(9) == b"56"
    assert part.seek(99) == 5
    assert part.seek(1) == 1
    assert part.read(2) == b"34"
    part.close()
    assert os.pread(descriptor, 1, 0) == b"0"
    os.close(descriptor)
