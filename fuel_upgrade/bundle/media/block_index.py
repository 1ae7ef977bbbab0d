"""The index of a tarball that is split: the SHA-256 of each of its blocks.

Every volume and every answer to a request begins with it: one of them is enough to name the blocks
that are missing, and to check all others.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

MAGIC = b"FUEL-UPGRADE-VOLUME 1\n"
DIGEST_BYTES = 32
MOST_BLOCKS = 1 << 15
_UNIT_BYTES = 1 << 18
_MOST_BYTES = 1 << 50
_HEAD_BYTES = 1 << 20  # of the JSON line
_KEYS = {"name", "bytes", "block_bytes", "blocks"}
Ranges = tuple[tuple[int, int], ...]
"""Ranges of blocks: number of the first one, and count."""


class VolumeError(ValueError):
    """A volume is malformed or damaged."""


@dataclass(frozen=True)
class BlockIndex:
    """A tarball by its name, its size, and the digests of its blocks, one behind the other."""

    name: str
    size_bytes: int
    block_bytes: int
    digests: bytes

    @property
    def count(self) -> int:
        """The number of blocks."""
        return len(self.digests) // DIGEST_BYTES

    @cached_property
    def sha256(self) -> str:
        """The identity of the index, and so of the tarball."""
        facts = f"{self.size_bytes} {self.block_bytes} ".encode()
        return hashlib.sha256(facts + self.digests).hexdigest()

    def length(self, block: int) -> int:
        """Return the size of a block; the last one is shorter."""
        return min(self.block_bytes, self.size_bytes - block * self.block_bytes)

    def fits(self, block: int, data: bytes) -> bool:
        """Return whether ``data`` is the content of a block."""
        start = block * DIGEST_BYTES
        return hashlib.sha256(data).digest() == self.digests[start : start + DIGEST_BYTES]

    def render_head(self, blocks: Ranges) -> bytes:
        """Return the head of a volume with these blocks: it ends with its own SHA-256."""
        fields = {"name": self.name, "bytes": self.size_bytes, "block_bytes": self.block_bytes}
        line = json.dumps(fields | {"blocks": blocks}, sort_keys=True).encode() + b"\n"
        head = MAGIC + line + self.digests
        return head + hashlib.sha256(head).digest()


def block_bytes_for(size_bytes: int) -> int:
    """Return the size of the blocks of a tarball."""
    units = -(-size_bytes // (_UNIT_BYTES * MOST_BLOCKS))
    return max(1, units) * _UNIT_BYTES


def read_head(file: BinaryIO) -> tuple[BlockIndex, Ranges]:
    """Read the head of a volume; the file is then at its first block.

    Raises:
        VolumeError: it is no volume, or its head is damaged.
    """
    if file.read(len(MAGIC)) != MAGIC:
        raise VolumeError("no volume of a tarball")
    line = file.readline(_HEAD_BYTES)
    try:
        fields = json.loads(line)
        index, blocks = _checked(fields, file)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise VolumeError("its head is damaged") from error
    head = MAGIC + line + index.digests
    if file.read(DIGEST_BYTES) != hashlib.sha256(head).digest():
        raise VolumeError("its head is damaged")
    return index, blocks


def _checked(fields: dict[str, Any], file: BinaryIO) -> tuple[BlockIndex, Ranges]:
    size_bytes, block_bytes = fields["bytes"], fields["block_bytes"]
    if set(fields) != _KEYS or type(size_bytes) is not int or type(block_bytes) is not int:
        raise ValueError
    if not 0 < size_bytes <= _MOST_BYTES or block_bytes != block_bytes_for(size_bytes):
        raise ValueError
    count = -(-size_bytes // block_bytes)
    digests = file.read(count * DIGEST_BYTES)
    if len(digests) < count * DIGEST_BYTES or "/" in fields["name"]:
        raise ValueError
    index = BlockIndex(str(fields["name"]), size_bytes, block_bytes, digests)
    return index, checked_ranges(fields["blocks"], count)


def checked_ranges(data: Any, count: int) -> Ranges:
    """Return ascending ranges of at most ``count`` blocks; ValueError or TypeError otherwise."""
    ranges = []
    end = 0
    for first, length in data:
        if type(first) is not int or type(length) is not int or first < end or length < 1:
            raise ValueError
        end = first + length
        ranges.append((first, length))
    if end > count:
        raise ValueError
    return tuple(ranges)


def to_ranges(blocks: list[int]) -> Ranges:
    """Return ascending numbers of blocks as ranges."""
    ranges: list[tuple[int, int]] = []
    for block in blocks:
        if ranges and sum(ranges[-1]) == block:
            ranges[-1] = (ranges[-1][0], ranges[-1][1] + 1)
        else:
            ranges.append((block, 1))
    return tuple(ranges)
