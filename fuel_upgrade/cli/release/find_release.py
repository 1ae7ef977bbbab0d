"""Finds the release that an operator names."""

from collections.abc import Sequence
from typing import Any

from fuel_upgrade.errors import NotFoundError


def resolve(registered: Sequence[dict[str, Any]], named: str) -> list[dict[str, Any]]:
    """Return the release of an id, or those of ``VERSION`` or ``VERSION/OS``.

    Raises:
        NotFoundError: there is none.
    """
    version, _, system = named.partition("/")
    found = [one for one in registered if str(one["id"]) == named] or [
        one
        for one in registered
        if one["version"] == version and system.lower() in ("", one["operating_system"].lower())
    ]
    if not found:
        raise NotFoundError(
            f"{named}: no release of this id or version is registered",
            remedy="see fuel-upgrade releases for ids and versions",
        )
    return found
