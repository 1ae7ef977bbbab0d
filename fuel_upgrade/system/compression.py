"""Reads files of any supported compression as streams, with bounded memory and effort."""

import bz2
import io
import lzma
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import zstandard

from fuel_upgrade.system import budgets
from fuel_upgrade.system.files import CHUNK_BYTES, open_regular

_BUFFER_BYTES = 1 << 17  # a larger read goes around the buffer, without a copy
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_HEAD_BYTES = 18  # RFC 8878: magic and the longest frame header
_ZSTD_BLOCK_BYTES = 1 << 17
_RLE, _COMPRESSED = 1, 2  # types of blocks
_EMPTY_BLOCK_BYTES = 2  # a compressed block of this length has no content
_GZIP_WINDOW_BYTES = 1 << 15
_GZIP_WBITS = 31  # a window of 32 KiB, with header and checksum of gzip
_LZMA = b"\x5d\x00\x00"  # of xz --format=lzma, with the usual properties

DAMAGE = (zstandard.ZstdError, lzma.LZMAError, zlib.error, OSError, EOFError)
"""The errors that a damaged stream of :func:`open_stream` raises."""


def open_stream(path: Path) -> io.BufferedReader:
    """Open a regular file and decompress it; the first bytes show the compression, if any.

    A file without a size is empty: those of the kernel may wait, fail or never end when read.
    """
    file = io.FileIO(open_regular(path))
    if not os.fstat(file.fileno()).st_size:
        file.close()
        return io.BufferedReader(cast("io.RawIOBase", io.BytesIO()))
    raw: io.BufferedReader = io.BufferedReader(file, CHUNK_BYTES)
    stream = decompressed(raw)
    return raw if stream is raw else _Owner(stream, raw)


def open_index(path: Path) -> io.BufferedReader:
    """Open an index of a repo as :func:`open_stream` does; its content has a bound.

    Reading it raises OSError if its content is too large for its file, as that of a bomb.
    """
    stream = open_stream(path)
    limit = budgets.INDEX_BYTES + budgets.INDEX_RATIO * path.stat().st_size
    return io.BufferedReader(_Bounded(stream, limit), _BUFFER_BYTES)


class _Bounded(io.RawIOBase):
    def __init__(self, stream: io.BufferedReader, limit: int) -> None:
        super().__init__()
        self._stream = stream
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._stream.readinto1(buffer)
        self._left -= count
        if self._left < 0:
            raise OSError("its content is too large for its file")
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def decompressed(raw: io.BufferedReader) -> io.BufferedReader:
    """Return a stream of the content of ``raw``, which stays open when the stream is closed."""
    magic = raw.read(10)
    raw.seek(0)
    if magic.startswith(_ZSTD):
        decoder = zstandard.ZstdDecompressor(max_window_size=budgets.WINDOW_BYTES)
        frames: Any = _ZstdFrames(raw)
        stream: Any = decoder.stream_reader(frames, read_across_frames=True, closefd=False)
    elif magic.startswith(b"\x1f\x8b"):
        stream = _Streams(raw, _Gzip)
    elif magic.startswith((b"\xfd7zXZ\x00", _LZMA)):
        stream = _Streams(raw, lambda: lzma.LZMADecompressor(memlimit=budgets.DECODER_BYTES))
    elif magic.startswith(b"BZh") and magic[4:] in (b"1AY&SY", b"\x17rE8P\x90"):
        stream = _Streams(raw, bz2.BZ2Decompressor)
    else:
        return raw
    return io.BufferedReader(cast("io.RawIOBase", stream), _BUFFER_BYTES)


class _Owner(io.BufferedReader):
    """A stream that closes the file from which it is decompressed."""

    def __init__(self, stream: Any, raw: BinaryIO) -> None:
        super().__init__(stream.detach(), _BUFFER_BYTES)
        self._file = raw

    def close(self) -> None:
        super().close()
        self._file.close()


class _ZstdFrames:
    """Passes frames of zstd to the decoder, one header or block at a time (RFC 8878).

    Data between frames, which the decoder would skip, is refused, and so are too many blocks in a
    row without content.
    """

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._is_inside = False
        self._has_checksum = False
        self._fruitless = 0

    def read(self, _size: int = -1) -> bytes:
        return self._read_block() if self._is_inside else self._read_header()

    def _read_header(self) -> bytes:
        start = self._raw.read(len(_ZSTD) + 1)
        if not start:
            return b""
        if not start.startswith(_ZSTD) or len(start) == len(_ZSTD):
            raise zstandard.ZstdError("data between or behind the frames")
        flags = start[-1]
        is_single = flags >> 5 & 1
        self._has_checksum = bool(flags >> 2 & 1)
        self._is_inside = True
        return start + self._take(
            (1 - is_single) + (0, 1, 2, 4)[flags & 3] + (is_single, 2, 4, 8)[flags >> 6]
        )

    def _read_block(self) -> bytes:
        header = self._take(3)
        number = int.from_bytes(header, "little")
        is_last, kind, size = number & 1, number >> 1 & 3, number >> 3
        is_empty = size == 0 or (kind == _COMPRESSED and size <= _EMPTY_BLOCK_BYTES)
        self._fruitless = self._fruitless + 1 if is_empty else 0
        if size > _ZSTD_BLOCK_BYTES or self._fruitless > budgets.FRUITLESS:
            raise zstandard.ZstdError("blocks that are too long, or empty")
        self._is_inside = not is_last
        checksum_bytes = 4 if is_last and self._has_checksum else 0
        return header + self._take((1 if kind == _RLE else size) + checksum_bytes)

    def _take(self, size: int) -> bytes:
        data = self._raw.read(size)
        if len(data) != size:
            raise EOFError("the end of a frame is missing")
        return data


class _Decoder(Protocol):
    """A decompressor of ``lzma`` or ``bz2``, for one stream."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """A decompressor of gzip with the interface of ``lzma``."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(_GZIP_WBITS)

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def needs_input(self) -> bool:
        return not self._decoder.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)


class _Streams(io.RawIOBase):
    """The content of one or several streams of gzip, xz or bzip2; zeros may follow each.

    The readers of the standard library have no limit of memory or of zeros, and ignore other
    data behind a stream.
    """

    def __init__(self, raw: BinaryIO, new: Callable[[], _Decoder]) -> None:
        super().__init__()
        self._raw = raw
        self._new = new
        self._decoder = new()
        self._ahead = b""  # read, and not yet passed to the decoder
        self._fruitless = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self._fruitless <= budgets.FRUITLESS:
            if self._decoder.eof and not self._begin_next():
                return 0
            data = b""
            if self._decoder.needs_input:
                data, self._ahead = self._ahead or self._raw.read(CHUNK_BYTES), b""
            content = self._decoder.decompress(data, len(buffer))
            if content:
                self._fruitless = 0
                buffer[: len(content)] = content
                return len(content)
            if not (data or self._decoder.eof):
                raise EOFError("the end of a stream is missing")
            self._fruitless += 1
        raise OSError("a stream without content")

    def _begin_next(self) -> bool:
        rest = self._decoder.unused_data.lstrip(b"\0")
        padding = 0
        while not rest:
            data = self._raw.read(CHUNK_BYTES)
            padding += len(data)
            if not data:
                return False
            if padding > budgets.PADDING_BYTES:
                raise OSError("too many zeros behind a stream")
            rest = data.lstrip(b"\0")
        self._decoder, self._ahead = self._new(), rest
        return True


def window_bytes(path: Path) -> int | None:
    """Return the window size that the decompression of a file needs; None if it is not known."""
    with os.fdopen(open_regular(path), "rb") as raw:
        head = raw.read(_ZSTD_HEAD_BYTES)
    if head.startswith(_ZSTD):
        return zstandard.get_frame_parameters(head).window_size
    if head.startswith(b"\xfd7zXZ\x00"):
        return None
    return _GZIP_WINDOW_BYTES if head.startswith(b"\x1f\x8b") else 0
