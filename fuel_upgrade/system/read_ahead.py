"""Reads and decompresses a stream on a second thread, ahead of its consumer."""

import io
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

_BLOCK_BYTES = 1 << 19
_BLOCKS = 4  # that are read and not consumed yet


class ReadAhead:
    """A stream of which a few blocks are read before they are needed; it closes the other one."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._pool = ThreadPoolExecutor(1, "read-ahead")
        self._blocks = deque(self._read_next() for _ in range(_BLOCKS))
        self._block = memoryview(b"")
        self._at = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _read_next(self) -> Future[bytes]:
        return self._pool.submit(self._stream.read, _BLOCK_BYTES)

    def read(self, size_bytes: int) -> bytes:
        """Return as many bytes; fewer only at the end of the stream."""
        end = self._at + size_bytes
        if end <= len(self._block):
            data = self._block[self._at : end].tobytes()
            self._at = end
            return data
        parts = []
        while size_bytes and (part := self.read1(size_bytes)):
            parts.append(part)
            size_bytes -= len(part)
        return b"".join(parts)

    def read1(self, size_bytes: int) -> memoryview:
        """Return at most as many bytes, without a copy; none only at the end of the stream."""
        if self._at == len(self._block):
            self._block = memoryview(self._blocks.popleft().result())
            self._at = 0
            self._blocks.append(self._read_next())
        data = self._block[self._at : self._at + size_bytes]
        self._at += len(data)
        return data

    def close(self) -> None:
        """Wait for the read that is in progress, and close the stream."""
        self._pool.shutdown(cancel_futures=True)
        self._stream.close()
