"""Durations as text."""

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def say_age(age_s: float) -> str:
    """Format a duration with its two largest units: ``2 h 5 min``."""
    remaining_s = max(int(age_s), 0)
    parts: list[str] = []
    for unit, size_s in _UNITS:
        count, remaining_s = divmod(remaining_s, size_s)
        if count or parts or unit == "s":
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
