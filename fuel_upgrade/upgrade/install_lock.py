"""Waits for the one lock that an install, an undo or a recovery holds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.system.files import Lock
from fuel_upgrade.upgrade.events import Waiting, Watch

_LOOK_EVERY_S = 0.2
_TELL_EVERY_S = 1.0


@contextmanager
def turn(path: Path, *, wait_s: float = 0, watch: Watch) -> Iterator[None]:
    """Hold the lock at ``path``; wait up to ``wait_s`` seconds for another process to end.

    While waiting ``watch`` is told once a second; it may raise to stop that.

    Raises:
        PreflightError: another has the lock still.
    """
    lock = Lock(path)
    begun = told = time.monotonic()
    while not lock.acquire():
        now = time.monotonic()
        if now - begun >= wait_s:
            raise PreflightError(
                f"another install is in progress, run by {lock.owner()}"
                + (f", after {wait_s:g} s of waiting" if wait_s else ""),
                remedy="wait for it: fuel-upgrade status, or fuel-upgrade install --wait SECONDS",
                code="install-running",
            )
        if told == begun or now - told >= _TELL_EVERY_S:
            told = now
            watch(Waiting(lock.owner(), int(now - begun), wait_s))
        time.sleep(min(_LOOK_EVERY_S, max(wait_s - (now - begun), 0.01)))
    try:
        yield
    finally:
        lock.release()
