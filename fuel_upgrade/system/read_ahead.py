"""Reads and decompresses a stream on a second thread, ahead of its consumer."""

import io
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO

_BLOCK_BYTES = 1 << 20
_BLOCKS = 4  # that are read and not consumed yet


class ReadAhead(io.RawIOBase):
    """A stream of which a few blocks are read before they are needed; it closes the other one."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._pool = ThreadPoolExecutor(1, "read-ahead")
        self._blocks = deque(self._read_next() for _ in range(_BLOCKS))
        self._block = memoryview(b"")

    @classmethod
    def buffered(cls, stream: BinaryIO) -> io.BufferedReader:
        """Return a buffered reader of ``stream``; errors of the stream are raised by its reads."""
        return io.BufferedReader(cls(stream), _BLOCK_BYTES)

    def _read_next(self) -> Future[bytes]:
        return self._pool.submit(self._stream.read, _BLOCK_BYTES)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Copy the next bytes into ``buffer``; 0 at the end of the stream."""
        if not self._block:
            self._block = memoryview(self._blocks.popleft().result())
            self._blocks.append(self._read_next())
        count = min(len(buffer), len(self._block))
        buffer[:count] = self._block[:count]
        self._block = self._block[count:]
        return count

    def close(self) -> None:
        """Wait for the read that is in progress, and close the stream."""
        if not self.closed:
            self._pool.shutdown(cancel_futures=True)
            self._stream.close()
        super().close()
