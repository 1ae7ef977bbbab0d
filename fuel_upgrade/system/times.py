"""Points in time as text and in JSON, always with the time zone."""

from datetime import UTC, datetime
from typing import overload


def say_time(seconds: float | None) -> str:
    """Format a time in the local zone: ``2026-11-27 20:14:03 UTC``, or ``-`` for None.

    Other zones are shown as an offset: ``+01:00``.
    """
    if seconds is None:
        return "-"
    local = datetime.fromtimestamp(seconds, UTC).astimezone()
    zone = local.isoformat(timespec="minutes")[-len("+00:00") :] if local.utcoffset() else "UTC"
    return f"{local:%Y-%m-%d %H:%M:%S} {zone}"


@overload
def iso_time(seconds: float) -> str: ...
@overload
def iso_time(seconds: None) -> None: ...
def iso_time(seconds: float | None) -> str | None:
    """Format a time in UTC by ISO 8601 with milliseconds: ``2026-11-27T20:14:03.123+00:00``."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
