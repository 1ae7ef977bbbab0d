"""Compressed streams, byte by byte: RFC 8878 (zstd), RFC 1952 (gzip), and real xz and bzip2."""

import bz2
import gzip
import lzma
import struct
import zlib

import zstandard

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_BLOCK_BYTES = 1 << 17
_RAW, _RLE = 0, 1


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(data)


def zstd_header(window_log: int = 17) -> bytes:
    """Return the header of a frame of unknown size with this window."""
    return ZSTD_MAGIC + bytes([0, (window_log - 10) << 3])


def zstd_raw(data: bytes) -> bytes:
    """Return raw blocks, none of which is the last."""
    chunks = (data[at : at + _ZSTD_BLOCK_BYTES] for at in range(0, len(data), _ZSTD_BLOCK_BYTES))
    return b"".join(_block(_RAW, len(chunk)) + chunk for chunk in chunks)


def zstd_zeros(size: int) -> bytes:
    """Return blocks of zeros, four bytes for each 128 KiB."""
    return (_block(_RLE, _ZSTD_BLOCK_BYTES) + b"\0") * (size // _ZSTD_BLOCK_BYTES)


def zstd_last() -> bytes:
    return _block(_RAW, 0, last=True)


def zstd_bomb(data: bytes, zeros: int, *, end: bool = True) -> bytes:
    """Return a frame of ``data`` and zeros behind it."""
    return zstd_header() + zstd_raw(data) + zstd_zeros(zeros) + (zstd_last() if end else b"")


def zstd_repeated(data: bytes, repeated: bytes, times: int) -> bytes:
    """Return a frame of ``data`` and ``repeated`` again and again, and a block of both is small."""
    return zstd(data + repeated * times)


def skippable(data: bytes) -> bytes:
    return struct.pack("<II", 0x184D2A50, len(data)) + data


def _block(kind: int, size: int, *, last: bool = False) -> bytes:
    return (size << 3 | kind << 1 | last).to_bytes(3, "little")


def gzip_zeros(size: int) -> bytes:
    """Return gzip members of 16 MiB zeros."""
    return gzip.compress(bytes(1 << 24), 9, mtime=0) * (size >> 24)


def gzip_header_with(flags: int, extra: bytes) -> bytes:
    raw = zlib.compressobj(wbits=-15)
    body = raw.compress(b"") + raw.flush()
    return b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + extra + body + bytes(8)


def xz(data: bytes, *, dictionary: int = 1 << 20) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": dictionary}]
    return lzma.compress(data, filters=filters)


def xz_dictionary(data: bytes, code: int) -> bytes:
    """Return xz whose block header names the dictionary size of ``code``, 40 for 4 GiB - 1."""
    packed = bytearray(xz(data))
    start = 12  # behind the stream header
    size = (packed[start] + 1) * 4
    at = packed.index(b"\x21\x01", start, start + size) + 2
    packed[at] = code
    checksum = zlib.crc32(packed[start : start + size - 4])
    packed[start + size - 4 : start + size] = struct.pack("<I", checksum)
    return bytes(packed)


def lzma_alone(data: bytes, dictionary: int) -> bytes:
    packed = bytearray(lzma.compress(data, format=lzma.FORMAT_ALONE))
    packed[1:5] = struct.pack("<I", dictionary)
    return bytes(packed)


def bzip2(data: bytes) -> bytes:
    return bz2.compress(data, 1)
