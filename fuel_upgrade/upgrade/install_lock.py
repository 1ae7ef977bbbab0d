"""The lock that each change of a master holds, and the wait for it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.system.locks import Lock
from fuel_upgrade.upgrade.events import Waiting, Watch

_POLL_EVERY_S = 0.2
_REPORT_EVERY_S = 1.0


@contextmanager
def install_lock(path: Path, *, wait_s: float = 0, watch: Watch) -> Iterator[None]:
    """Hold the lock at ``path``; wait up to ``wait_s`` seconds for another process to release it.

    ``watch`` gets an event each second of the wait; it may raise to end the wait.

    Raises:
        PreflightError: another process still holds the lock.
    """
    lock = Lock(path)
    begun = reported = time.monotonic()
    while not lock.acquire():
        now = time.monotonic()
        if now - begun >= wait_s:
            raise PreflightError(
                f"another install is in progress, run by {lock.owner()}"
                + (f", after {wait_s:g} s of waiting" if wait_s else ""),
                remedy="wait for it: fuel-upgrade status, or fuel-upgrade install --wait SECONDS",
                code="install-running",
            )
        if reported == begun or now - reported >= _REPORT_EVERY_S:
            reported = now
            watch(Waiting(lock.owner(), int(now - begun), wait_s))
        time.sleep(min(_POLL_EVERY_S, max(wait_s - (now - begun), 0.01)))
    try:
        yield
    finally:
        lock.release()
