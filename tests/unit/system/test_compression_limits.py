"""A compressed stream has bounded memory and effort, and nothing may hide behind it."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from fuel_upgrade.system import budgets
from fuel_upgrade.system.compression import DAMAGE, decompressed, open_stream
from tests.hostile.raw_streams import skippable, xz_dictionary, zstd_header, zstd_last, zstd_raw

DATA = b"content " * 1000
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "bzip2": bz2.compress,
    "zstd": zstandard.compress,
}
each_packing = pytest.mark.parametrize("packing", PACKERS)
padded_packings = pytest.mark.parametrize("packing", ["gzip", "xz", "bzip2"])


def read(data: bytes) -> bytes:
    return decompressed(io.BufferedReader(io.BytesIO(data))).read()


@each_packing
def test_several_streams_are_one(packing: str) -> None:
    pack = PACKERS[packing]
    assert read(pack(DATA) + pack(b"") + pack(b"end")) == DATA + b"end"


@padded_packings
def test_few_zeros_may_follow_a_stream(packing: str) -> None:
    assert read(PACKERS[packing](DATA) + bytes(10_240)) == DATA


@padded_packings
def test_zeros_without_end_may_not(packing: str) -> None:
    with pytest.raises(DAMAGE):
        read(PACKERS[packing](DATA) + bytes(budgets.PADDING_BYTES + (1 << 21)))


@each_packing
def test_other_data_behind_a_stream_is_refused(packing: str) -> None:
    with pytest.raises(DAMAGE):
        read(PACKERS[packing](DATA) + b"other data, longer than the header of any stream")


@each_packing
def test_empty_streams_in_a_row_are_few(packing: str) -> None:
    with pytest.raises(DAMAGE):
        read(PACKERS[packing](b"") * (budgets.FRUITLESS + 2) + PACKERS[packing](DATA))


@each_packing
def test_a_stream_that_is_cut_is_refused(packing: str) -> None:
    whole = PACKERS[packing](DATA)
    for length in range(11, len(whole) - 1):
        with pytest.raises(DAMAGE):
            read(whole[:length])


@pytest.mark.parametrize("frame", [skippable(b"hidden"), skippable(b"")])
def test_data_between_frames_of_zstd_is_refused(frame: bytes) -> None:
    packed = zstandard.compress(DATA)
    for data in (packed + frame, packed + frame + packed):
        with pytest.raises(DAMAGE):
            read(data)


def test_a_window_up_to_the_limit_is_accepted() -> None:
    log = budgets.WINDOW_BYTES.bit_length() - 1
    assert read(zstd_header(log) + zstd_raw(DATA) + zstd_last()) == DATA
    with pytest.raises(DAMAGE):
        read(zstd_header(log + 1) + zstd_raw(DATA) + zstd_last())


def test_a_dictionary_up_to_the_limit_is_accepted() -> None:
    assert read(xz_dictionary(DATA, 26)) == DATA  # 32 MiB
    with pytest.raises(DAMAGE):
        read(xz_dictionary(DATA, 28))  # 64 MiB


def test_a_folder_is_no_stream(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not a regular file"):
        open_stream(tmp_path)


@pytest.mark.parametrize("path", ["/proc/self/mem", "/proc/self/maps"])
def test_a_file_of_the_kernel_is_empty(path: str) -> None:
    with open_stream(Path(path)) as stream:
        assert stream.read() == b""
