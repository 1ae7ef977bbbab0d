"""Points in time: as people read them, and as JSON has them; each with its zone."""

from datetime import UTC, datetime
from typing import overload


def say_time(seconds: float | None) -> str:
    """Say when something was, in the local zone: ``2026-11-27 20:14:03 UTC``.

    The offset takes the place of ``UTC`` elsewhere: ``+01:00``. ``-`` where there is no time yet.
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
    """Return the ISO 8601 form, in UTC and of milliseconds: ``2026-11-27T20:14:03.123+00:00``."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
