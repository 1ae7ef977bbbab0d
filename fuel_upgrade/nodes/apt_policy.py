"""Read how a Release file changes apt's policy: priority of its versions, and its dates. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self

from fuel_upgrade.repo.apt.release_file import is_true

USUAL_PRIORITY = 500
INSTALLED_PRIORITY = 100
"""Of an installed version; apt changes to a version of a lower priority only if none is."""
_NOT_AUTOMATIC, _BUT_UPGRADES = 1, 100


@dataclass(frozen=True, slots=True)
class AptPolicy:
    """The ``priority`` that apt gives the versions of a repo (apt_preferences(5)), and its dates.

    ``expires`` is true if ``Release`` has a ``Valid-Until``; ``date`` is None if it has no valid
    ``Date``.
    """

    priority: int = USUAL_PRIORITY
    expires: bool = False
    date: datetime | None = None

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Self:
        """Read the fields of a Release."""
        priority = USUAL_PRIORITY
        if is_true(fields.get("ButAutomaticUpgrades")):
            priority = _BUT_UPGRADES
        elif is_true(fields.get("NotAutomatic")):
            priority = _NOT_AUTOMATIC
        return cls(priority, "Valid-Until" in fields, _parse_date(fields.get("Date", "")))

    def is_later_than(self, other: Self) -> bool:
        """Return whether the date is later than that of another Release; both must be known."""
        return self.date is not None and other.date is not None and self.date > other.date


def _parse_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


USUAL_POLICY = AptPolicy()
