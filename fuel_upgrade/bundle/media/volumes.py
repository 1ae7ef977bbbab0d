"""Splits a tarball into volumes, and joins it from them, in any order."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fuel_upgrade.bundle.media.block_index import (
    DIGEST_BYTES,
    BlockIndex,
    Ranges,
    VolumeError,
    block_bytes_for,
    read_head,
    to_ranges,
)
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.system.files import open_regular
from fuel_upgrade.system.progress import ByteCounter, Progress

_MOST_VOLUMES = 999


@dataclass
class Joined:
    """A tarball while it is joined: the file, its index, the present blocks, and faults found."""

    path: Path
    index: BlockIndex | None = None
    present: bytearray = field(default_factory=bytearray)
    faults: list[str] = field(default_factory=list)

    @property
    def missing(self) -> Ranges:
        """The blocks that no volume had."""
        return to_ranges([block for block, here in enumerate(self.present) if not here])


def _opened(path: Path) -> BinaryIO:
    """Open a tarball, or an image of one, which is split as it is."""
    try:
        return os.fdopen(open_regular(path), "rb")
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}", remedy="name a readable upgrade tarball"
        ) from error


def index_of(tarball: Path, *, progress: Progress) -> BlockIndex:
    """Return the index of a tarball.

    Raises:
        ConfigError: it cannot be read.
    """
    digests = bytearray()
    with _opened(tarball) as file:
        size_bytes = os.fstat(file.fileno()).st_size
        block_bytes = block_bytes_for(size_bytes)
        counter = ByteCounter(progress, "reading", size_bytes)
        while data := file.read(block_bytes):
            digests += hashlib.sha256(data).digest()
            counter.add(len(data))
    counter.end()
    return BlockIndex(tarball.name, size_bytes, block_bytes, bytes(digests))


def split(
    tarball: Path, folder: Path, *, volume_bytes: int, progress: Progress
) -> tuple[Path, ...]:
    """Write the volumes of a tarball into an existing folder, each at most ``volume_bytes`` large.

    Raises:
        ConfigError: a volume is too small for its head and a block, or there are too many.
        BundleError: the tarball changes meanwhile.
    """
    index = index_of(tarball, progress=progress)
    head_bytes = len(index.render_head(((0, index.count),))) + 2 * DIGEST_BYTES
    blocks = (volume_bytes - head_bytes) // index.block_bytes
    count = -(-index.count // blocks) if blocks > 0 else 0
    if not 0 < count <= _MOST_VOLUMES:
        lowest = head_bytes + index.block_bytes * -(-index.count // _MOST_VOLUMES)
        raise ConfigError(
            f"volumes of {volume_bytes} bytes: this tarball needs at least {lowest}",
            remedy="choose larger volumes",
        )
    volumes = []
    counter = ByteCounter(progress, "writing volumes", index.size_bytes)
    for number in range(count):
        first = number * blocks
        path = folder / f"{tarball.name}.{number + 1:03d}"
        ranges = ((first, min(blocks, index.count - first)),)
        write_volume(index, ranges, tarball, path, on_data=counter.add)
        volumes.append(path)
    counter.end()
    return tuple(volumes)


def write_volume(
    index: BlockIndex, blocks: Ranges, tarball: Path, out: Path, *, on_data: Callable[[int], None]
) -> None:
    """Write a volume with these blocks of the tarball of ``index``.

    Raises:
        BundleError: the tarball is another one.
    """
    with _opened(tarball) as file, out.open("xb") as volume:
        volume.write(index.render_head(blocks))
        for first, count in blocks:
            file.seek(first * index.block_bytes)
            for block in range(first, first + count):
                data = file.read(index.length(block))
                if not index.fits(block, data):
                    raise BundleError(f"{tarball}: changed while it was read", remedy="run again")
                volume.write(data)
                on_data(len(data))
        volume.flush()
        os.fsync(volume.fileno())


def join(paths: Sequence[Path], scratch: Path, *, progress: Progress) -> Joined:
    """Write into ``scratch`` all good blocks of these volumes and answers, in any order.

    Raises:
        BundleError: none is a volume, or they are of several tarballs.
    """
    descriptor, name = tempfile.mkstemp(dir=scratch)
    joined = Joined(Path(name))
    with os.fdopen(descriptor, "wb") as out:
        for number, path in enumerate(paths):
            progress("joining", number, len(paths))
            try:
                with os.fdopen(open_regular(path), "rb") as volume:
                    _take(path, volume, out, joined)
            except (OSError, VolumeError) as error:
                joined.faults.append(f"{path}: {getattr(error, 'strerror', None) or error}")
        progress("joining", len(paths), len(paths))
        out.flush()
        os.fsync(out.fileno())
    if joined.index is None:
        faults = "; ".join(joined.faults) or "no file is named"
        raise BundleError(
            f"no volume of a tarball: {faults}", remedy="name the volumes of one tarball"
        )
    return joined


def _take(path: Path, volume: BinaryIO, out: BinaryIO, joined: Joined) -> None:
    index, blocks = read_head(volume)
    if joined.index is None:
        joined.index = index
        joined.present = bytearray(index.count)
        out.truncate(index.size_bytes)
    elif joined.index.sha256 != index.sha256:
        raise BundleError(
            f"{path}: a volume of another tarball, {index.name}, than {joined.index.name}",
            remedy="name the volumes of one tarball",
        )
    damaged = []
    for first, count in blocks:
        for block in range(first, first + count):
            data = volume.read(index.length(block))
            if not index.fits(block, data):
                damaged.append(block)
            elif not joined.present[block]:
                out.seek(block * index.block_bytes)
                out.write(data)
                joined.present[block] = True
    if damaged:
        joined.faults.append(f"{path}: {len(damaged)} of its blocks are damaged")
