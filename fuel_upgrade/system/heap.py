"""The heap of the C library in a process that runs for a long time."""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # mallopt(3)
_BUFFER_BYTES = 640 << 10  # more than a block that is read ahead: those are reused at once
_TOP_BYTES = 4 << 20


def use_one_heap() -> None:
    """Let all threads allocate from one heap that returns freed memory; call it before they start.

    Each thread would have its own, of which freed memory is not returned; Python's lock lets only
    one thread run at a time, so that they hardly wait for each other. By default glibc also
    raises the limit from which a buffer has pages of its own up to 32 MiB. No effect with other
    C libraries.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # as in glibc
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _BUFFER_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _TOP_BYTES)


def return_freed_memory() -> None:
    """Return all freed memory to the system, also that below memory in use."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # as in glibc
        trim(0)
