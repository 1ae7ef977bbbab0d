"""Checksums that several threads compute are those of ``hashlib``."""

import hashlib
import os
from pathlib import Path

import pytest

from fuel_upgrade.system.hashing import Hasher, hash_files

SIZES = [0, 1, (1 << 20) - 1, 1 << 20, (5 << 20) + 3]


@pytest.mark.parametrize("size", SIZES)
def test_long_and_short_files_have_their_checksum(size: int) -> None:
    data = os.urandom(size)
    with Hasher() as hasher:
        digest = hasher.new(size)
        for start in range(0, size, 1 << 20):
            digest.update(data[start : start + (1 << 20)])
        assert digest.hexdigest() == hashlib.sha256(data).hexdigest()


def test_files_have_their_checksums_in_their_order(tmp_path: Path) -> None:
    paths = [tmp_path / str(size) for size in SIZES]
    for path, size in zip(paths, SIZES, strict=True):
        path.write_bytes(os.urandom(size))
    expected = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    assert hash_files(zip(map(str, paths), SIZES, strict=True)) == expected


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_missing_file_is_an_error(tmp_path: Path, size: int) -> None:
    with pytest.raises(FileNotFoundError):
        hash_files([(str(tmp_path / "none"), size)])
