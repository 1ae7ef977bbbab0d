"""Sizes as people read them."""

_KIB = 1024


def say_size(size_bytes: int) -> str:
    """Say a size for people: ``1.4 MiB``."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB"):
        if value < _KIB:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _KIB
    return f"{value:.2f} GiB"
