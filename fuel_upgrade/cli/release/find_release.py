"""Resolves the release that an operator names."""

from collections.abc import Sequence
from typing import Any

from fuel_upgrade.errors import NotFoundError


def resolve(registered: Sequence[dict[str, Any]], named: str) -> list[dict[str, Any]]:
    """Return the release of an id, or those of ``VERSION`` or ``VERSION/OS``.

    Raises:
        NotFoundError: there is none.
    """
    version, _, system = named.partition("/")
    matches = [release for release in registered if str(release["id"]) == named] or [
        release
        for release in registered
        if release["version"] == version
        and system.lower() in ("", release["operating_system"].lower())
    ]
    if not matches:
        raise NotFoundError(
            f"{named}: no release of this id or version is registered",
            remedy="see fuel-upgrade releases for ids and versions",
        )
    return matches
