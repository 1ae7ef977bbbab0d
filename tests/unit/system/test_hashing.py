"""Checksums that several threads compute are those of ``hashlib``."""

import hashlib
import os
from pathlib import Path
from threading import Barrier

import pytest

from fuel_upgrade.system.hashing import Hasher, hash_files, on_all_cores

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


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core")
def test_two_items_are_worked_on_at_once() -> None:
    both = Barrier(2)
    assert sorted(on_all_cores(lambda _: both.wait(timeout=30), "ab")) == [0, 1]


def test_results_have_the_order_of_the_items() -> None:
    assert list(on_all_cores(str, range(100))) == [str(number) for number in range(100)]


def test_no_item_begins_after_an_error() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        raise FileNotFoundError

    with pytest.raises(FileNotFoundError):
        list(on_all_cores(work, range(100_000)))
    assert len(begun) < 100_000
