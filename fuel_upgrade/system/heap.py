"""The heap of the C library."""

import ctypes

_M_ARENA_MAX = -8  # mallopt(3)


def use_one_heap() -> None:
    """Let all threads allocate from one heap; to be called before they start.

    Each thread would have its own, of which freed memory is not returned. Python's lock lets only
    one thread run at a time, so that they hardly wait for each other.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # as in glibc
        mallopt(_M_ARENA_MAX, 1)
