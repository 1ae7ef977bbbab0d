"""The log of recorded disks: every write and every flush, in the order of their service."""

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_RECORD = struct.Struct("<?BxxIQQ")  # is it a flush, disk, length, offset, place
_INDEX, _DATA = "index", "data"


@dataclass(frozen=True, slots=True)
class Entry:
    """One request that a disk served; ``place`` is the position of its data in the log.

    Offsets and lengths in bytes; a flush has neither, and makes all earlier writes durable.
    """

    disk: int
    is_flush: bool
    offset: int = 0
    length: int = 0
    place: int = 0


class LogWriter:
    """Appends to a log; a request is on record before it is answered."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._index = os.open(folder / _INDEX, flags, 0o600)
        self._data = os.open(folder / _DATA, flags, 0o600)
        self._place = 0

    def write(self, disk: int, offset: int, data: bytes) -> None:
        """Record a write."""
        os.write(self._data, data)
        os.write(self._index, _RECORD.pack(False, disk, len(data), offset, self._place))  # noqa: FBT003 - a field
        self._place += len(data)

    def flush(self, disk: int) -> None:
        """Record that all served writes of ``disk`` are durable."""
        os.write(self._index, _RECORD.pack(True, disk, 0, 0, self._place))  # noqa: FBT003 - a field


def log_length(folder: Path) -> int:
    """Return how many requests were served; the log may be in use."""
    return (folder / _INDEX).stat().st_size // _RECORD.size


def read_log(folder: Path) -> tuple[Entry, ...]:
    """Read a log that nobody writes any more."""
    records = _RECORD.iter_unpack((folder / _INDEX).read_bytes())
    return tuple(
        Entry(disk, is_flush, offset, length, place)
        for is_flush, disk, length, offset, place in records
    )


class Images:
    """The content of the disks as of some moment, brought forward along the log."""

    def __init__(self, paths: Sequence[Path], log: Path) -> None:
        self.paths = tuple(paths)
        self._log = log / _DATA

    def apply(self, pieces: Sequence[Entry]) -> None:
        """Repeat these writes, or parts of them."""
        disks = [os.open(path, os.O_WRONLY | os.O_CLOEXEC) for path in self.paths]
        data = os.open(self._log, os.O_RDONLY | os.O_CLOEXEC)
        try:
            for piece in pieces:
                content = os.pread(data, piece.length, piece.place)
                os.pwrite(disks[piece.disk], content, piece.offset)
        finally:
            for descriptor in (*disks, data):
                os.close(descriptor)
