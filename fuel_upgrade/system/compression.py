"""Reads files of any supported compression as streams."""

import bz2
import gzip
import io
import lzma
import zlib
from pathlib import Path
from typing import IO, cast

import zstandard

_BUFFER_BYTES = 1 << 17  # a larger read goes around the buffer, without a copy
_ZSTD_HEAD_BYTES = 18  # RFC 8878: magic and the longest frame header
_GZIP_WINDOW_BYTES = 1 << 15
_LZMA = b"\x5d\x00\x00"  # of xz --format=lzma, with the usual properties

DAMAGE = (zstandard.ZstdError, lzma.LZMAError, zlib.error, OSError, EOFError)
"""The errors that a damaged stream of :func:`open_stream` raises."""


def open_stream(path: Path) -> io.BufferedReader:
    """Open a file and decompress it; the first bytes show the compression, if any."""
    raw = path.open("rb")
    magic = raw.read(10)
    raw.seek(0)
    stream: IO[bytes] = raw
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
            raw, read_across_frames=True, closefd=True
        )
    elif magic.startswith(b"\x1f\x8b"):
        raw.close()  # GzipFile and LZMAFile close only files that they opened
        stream = cast("IO[bytes]", gzip.GzipFile(path))
    elif magic.startswith((b"\xfd7zXZ\x00", _LZMA)):
        raw.close()
        stream = lzma.LZMAFile(path)  # noqa: SIM115 - the caller closes it
    elif magic.startswith(b"BZh") and magic[4:] in (b"1AY&SY", b"\x17rE8P\x90"):
        raw.close()
        stream = bz2.BZ2File(path)
    return io.BufferedReader(cast("io.RawIOBase", stream), _BUFFER_BYTES)


def window_bytes(path: Path) -> int | None:
    """Return the window size that the decompression of a file needs; None if it is not known."""
    with path.open("rb") as raw:
        head = raw.read(_ZSTD_HEAD_BYTES)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return zstandard.get_frame_parameters(head).window_size
    if head.startswith(b"\xfd7zXZ\x00"):
        return None
    return _GZIP_WINDOW_BYTES if head.startswith(b"\x1f\x8b") else 0
