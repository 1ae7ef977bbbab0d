"""Lengths of time as people read them."""

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def say_age(age_s: float) -> str:
    """Say how long something lasts, in its two largest units: ``2 h 5 min``."""
    left = max(int(age_s), 0)
    parts: list[str] = []
    for unit, size_s in _UNITS:
        count, left = divmod(left, size_s)
        if count or parts or unit == "s":
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
