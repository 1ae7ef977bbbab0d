"""Sizes as text."""

import math
from collections.abc import Callable

_KIB = 1024
_TENTHS = 10


def say_size(size_bytes: int) -> str:
    """Format a size: ``1.4 MiB``."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB"):
        if value < _KIB:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _KIB
    return f"{value:.2f} GiB"


def say_size_up(size_bytes: int) -> str:
    """Format a required size: rounded up, so that the text never names too little."""
    return say_size(_round(size_bytes, math.ceil))


def say_size_down(size_bytes: int) -> str:
    """Format a free size: rounded down, so that the text never names too much."""
    return say_size(_round(size_bytes, math.floor))


def _round(size_bytes: int, to_whole: Callable[[float], int]) -> int:
    """Round to a size that :func:`say_size` shows without rounding it again."""
    unit, digits = 1, 1
    while size_bytes / unit >= _KIB and unit < _KIB**3:
        unit *= _KIB
    if unit > 1:
        digits = _TENTHS if unit < _KIB**3 else _TENTHS**2
    # a second time: a tenth of a unit is not a whole number of bytes
    return to_whole(to_whole(size_bytes * digits / unit) * unit / digits)
