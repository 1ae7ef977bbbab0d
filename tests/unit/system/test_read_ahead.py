"""A stream that is read ahead gives the same bytes and the same errors, and is closed."""

import io
import random
from pathlib import Path
from typing import cast

import pytest

from fuel_upgrade.system.read_ahead import ReadAhead


class Failing(io.RawIOBase):
    """Gives three blocks, then fails."""

    def __init__(self) -> None:
        self.remaining = 3

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self.remaining:
            raise OSError("the disk is gone")
        self.remaining -= 1
        return bytes(size)


@pytest.mark.parametrize("length", [0, 1, 1 << 20, (9 << 20) + 5])
def test_the_bytes_are_those_of_the_stream(length: int) -> None:
    data = random.Random(length).randbytes(length)
    draw = random.Random(1)
    with ReadAhead(io.BytesIO(data)) as stream:
        actual = bytearray()
        size: int = draw.choice([1, 512, 70_000, 3 << 20])
        while block := stream.read1(size) if draw.random() < 0.5 else stream.read(size):
            actual += block
            size = draw.choice([1, 512, 70_000, 3 << 20])
    assert actual == data


def test_an_error_is_raised_at_its_place() -> None:
    with ReadAhead(cast("io.BufferedIOBase", Failing())) as stream:
        block_bytes = len(stream.read1(1 << 30))
        assert len(stream.read(2 * block_bytes)) == 2 * block_bytes
        with pytest.raises(OSError, match="the disk is gone"):
            stream.read(1)


def test_it_closes_the_stream_before_its_end(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(20 << 20))
    file = (tmp_path / "f").open("rb")
    with ReadAhead(file) as stream:
        stream.read(1)
    assert file.closed
