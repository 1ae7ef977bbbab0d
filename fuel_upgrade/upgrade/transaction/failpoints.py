"""Deliberate faults: named points at which a test or an operator's drill makes the engine fail."""

import errno
import os
import signal
import time
from collections.abc import Callable, Mapping

from fuel_upgrade.errors import ConfigError, OutsideError

VARIABLE = "FUEL_UPGRADE_FAIL_POINTS"
WHERE = ("before", "after", "undo-before", "undo-after")
"""``before`` a step's change (its intent is recorded) or ``after`` it (its result is not);
``undo-before`` and ``undo-after`` are the same for its undo.
"""
_HANG_S = 3600.0


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang() -> None:
    time.sleep(_HANG_S)


def _fail_with(code: int) -> Callable[[], None]:
    def fail() -> None:
        raise OSError(code, os.strerror(code))

    return fail


ACTIONS: Mapping[str, Callable[[], None] | None] = {
    "error": None,  # raises an error that names the point
    "kill": _kill,
    "hang": _hang,
    "full": _fail_with(errno.ENOSPC),
    "read-only": _fail_with(errno.EROFS),
}


class FailPoints:
    """The points that fail, each with its action.

    Written as ``STEP:WHERE`` or ``STEP:WHERE=ACTION`` with commas between: STEP is a step's
    number, the action ``error`` (the default) raises, ``kill`` ends the process as SIGKILL does,
    ``hang`` does not return, ``full`` and ``read-only`` raise the error of the file system.
    """

    def __init__(
        self, text: str = "", actions: Mapping[str, Callable[[], None] | None] = ACTIONS
    ) -> None:
        """Parse the written form; ``actions`` replaces the usual ones.

        Raises:
            ConfigError: it is malformed.
        """
        self._actions = actions
        self._points = dict(self._parse(p.strip()) for p in text.split(",") if p.strip())

    def check(self, number: int, where: str) -> None:
        """Fail if this point is set."""
        name = self._points.get(f"{number}:{where}")
        if name is None:
            return
        action = self._actions[name]
        if action is not None:
            action()
            return
        raise OutsideError(
            f"fail point {number}:{where} was set",
            remedy=f"unset {VARIABLE} and restart fuel-upgraded",
        )

    def _parse(self, point: str) -> tuple[str, str]:
        place, _, action = point.partition("=")
        number, _, where = place.partition(":")
        if not number.isdigit() or where not in WHERE or (action or "error") not in self._actions:
            raise ConfigError(
                f"{VARIABLE}: {point!r} is not STEP:WHERE or STEP:WHERE=ACTION, where WHERE is one"
                f" of {', '.join(WHERE)} and ACTION one of {', '.join(self._actions)}",
                remedy="correct or unset the environment variable",
            )
        return place, action or "error"
