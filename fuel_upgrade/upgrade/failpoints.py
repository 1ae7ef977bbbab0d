"""Deliberate faults: named places in the engine where a test or an operator's drill fails it."""

from fuel_upgrade.errors import ConfigError, OutsideError

WHERE = ("before", "after")
"""``before`` a step's change (its intent is on record), or ``after`` it (its result is not)."""


class FailPoints:
    """Which places fail: texts ``STEP:before`` or ``STEP:after``, STEP a step's number."""

    def __init__(self, text: str = "") -> None:
        """Read a list with commas between.

        Raises:
            ConfigError: it is malformed.
        """
        points = [point.strip() for point in text.split(",") if point.strip()]
        for point in points:
            number, _, where = point.partition(":")
            if not number.isdigit() or where not in WHERE:
                raise ConfigError(
                    f"FUEL_UPGRADE_FAIL_POINTS: {point!r} is not STEP:before or STEP:after",
                    remedy="correct or unset the environment variable",
                )
        self._points = frozenset(points)

    def check(self, number: int, where: str) -> None:
        """Fail here if that was asked for."""
        if f"{number}:{where}" in self._points:
            raise OutsideError(
                f"fail point {number}:{where} was set",
                remedy="unset FUEL_UPGRADE_FAIL_POINTS and restart fuel-upgraded",
            )
