"""Deliberate faults: named places in the engine where a test or an operator's drill fails it."""

import os
import signal

from fuel_upgrade.errors import ConfigError, OutsideError

VARIABLE = "FUEL_UPGRADE_FAIL_POINTS"
WHERE = ("before", "after")
"""``before`` a step's change (its intent is on record), or ``after`` it (its result is not)."""
ACTIONS = ("error", "kill")


class FailPoints:
    """Which places fail, and how.

    Written as ``STEP:WHERE`` or ``STEP:WHERE=ACTION`` with commas between: STEP is a step's
    number, the action ``error`` (the default) raises, ``kill`` ends the process as SIGKILL does.
    """

    def __init__(self, text: str = "") -> None:
        """Read the written form.

        Raises:
            ConfigError: it is malformed.
        """
        self._actions = dict(_parse(point.strip()) for point in text.split(",") if point.strip())

    def check(self, number: int, where: str) -> None:
        """Fail here if that was asked for."""
        action = self._actions.get(f"{number}:{where}")
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if action is not None:
            raise OutsideError(
                f"fail point {number}:{where} was set",
                remedy=f"unset {VARIABLE} and restart fuel-upgraded",
            )


def _parse(point: str) -> tuple[str, str]:
    place, _, action = point.partition("=")
    number, _, where = place.partition(":")
    if not number.isdigit() or where not in WHERE or (action or "error") not in ACTIONS:
        raise ConfigError(
            f"{VARIABLE}: {point!r} is not STEP:before or STEP:after, with =kill or nothing",
            remedy="correct or unset the environment variable",
        )
    return place, action or "error"
