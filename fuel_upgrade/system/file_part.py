"""Reads a part of an open file as if it were a file."""

import io
import os


class FilePart(io.RawIOBase):
    """The bytes of an open file from ``offset`` on. Closing it leaves the file open."""

    def __init__(self, descriptor: int, offset: int, size_bytes: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._offset = offset
        self._size_bytes = size_bytes
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor of the whole file."""
        return self._descriptor

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Read the next bytes; 0 is the end of the part."""
        wanted = min(len(buffer), self._size_bytes - self._at)
        moved = os.preadv(self._descriptor, [memoryview(buffer)[:wanted]], self._offset + self._at)
        self._at += moved
        return moved

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place."""
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size_bytes}
        self._at = min(max(bases[whence] + offset, 0), self._size_bytes)
        return self._at
