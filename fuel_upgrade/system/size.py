"""Sizes as people read them."""

import math
from collections.abc import Callable

_KIB = 1024
_TENTHS = 10


def say_size(size_bytes: int) -> str:
    """Say a size for people: ``1.4 MiB``."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB"):
        if value < _KIB:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _KIB
    return f"{value:.2f} GiB"


def say_size_up(size_bytes: int) -> str:
    """Say what is needed: rounded up, so that it is never less than it is."""
    return say_size(_round(size_bytes, math.ceil))


def say_size_down(size_bytes: int) -> str:
    """Say what is there: rounded down, so that it is never more than it is."""
    return say_size(_round(size_bytes, math.floor))


def _round(size_bytes: int, to_whole: Callable[[float], int]) -> int:
    """Return a number of bytes that :func:`say_size` shows as it is, in no more digits."""
    unit, digits = 1, 1
    while size_bytes / unit >= _KIB and unit < _KIB**3:
        unit *= _KIB
    if unit > 1:
        digits = _TENTHS if unit < _KIB**3 else _TENTHS**2
    # upwards once more, for a tenth is no whole number of bytes and is rounded to the nearest
    return to_whole(to_whole(size_bytes * digits / unit) * unit / digits)
