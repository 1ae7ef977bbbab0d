"""Keeps the memory of a long-lived process small, by the allocator of glibc."""

import ctypes

_LIBC = ctypes.CDLL(None)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # mallopt(3)
_BUFFER_BYTES = 4 << 20
_ARENAS = 2


def return_memory() -> None:
    """Return each large buffer to the system as soon as it is free; no effect on other libcs.

    By default glibc raises the limit from which a buffer has pages of its own up to 32 MiB, and
    keeps freed ones in an arena for each of many threads.
    """
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_MMAP_THRESHOLD, _BUFFER_BYTES)
        _LIBC.mallopt(_M_TRIM_THRESHOLD, 2 * _BUFFER_BYTES)
        _LIBC.mallopt(_M_ARENA_MAX, _ARENAS)
