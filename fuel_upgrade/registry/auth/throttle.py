"""Limits on wrong passwords, with counters in bounded memory."""

import hashlib
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoginLimits:
    """The number of wrong passwords that are allowed in any ``window_s`` seconds.

    ``kept`` is how many names, addresses and pairs of both are remembered, each.
    """

    per_name: int = 10
    per_address: int = 50
    window_s: float = 300.0
    kept: int = 4096


class FailedLogins:
    """Failed logins by user name and by client address, in sliding windows.

    Correct passwords are not counted, so frequent logins are never delayed. If a user has logged in
    from an address before, failures from there count for that pair alone: guesses from elsewhere
    do not lock the user out. Only the daemon's own socket gives no address: its logins have no
    limit, and guesses of others cannot set one. Methods can be called from any thread.
    """

    def __init__(
        self, limits: LoginLimits | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits or LoginLimits()
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[str, OrderedDict[_Key, deque[float]]] = {
            kind: OrderedDict() for kind in ("name", "address", "pair")
        }
        self._known: OrderedDict[_Key, None] = OrderedDict()

    def wait_s(self, name: str, address: str) -> int:
        """Return the seconds to wait before the next login; 0 if it is allowed now."""
        with self._lock:
            waits = [self._wait_s(*counted) for counted in self._counted(name, address)]
        return math.ceil(max(waits, default=0.0))

    def failed(self, name: str, address: str) -> None:
        """Count a wrong password."""
        with self._lock:
            for kind, key, most in self._counted(name, address):
                times = self._failures[kind].setdefault(key, deque(maxlen=most))
                times.append(self._clock())
                self._failures[kind].move_to_end(key)
                _shorten(self._failures[kind], self._limits.kept)

    def succeeded(self, name: str, address: str) -> None:
        """Remember that this user logs in from this address."""
        pair = (_digest(name), address)
        with self._lock:
            self._known[pair] = None
            self._known.move_to_end(pair)
            _shorten(self._known, self._limits.kept)

    def _counted(self, name: str, address: str) -> tuple[tuple[str, _Key, int], ...]:
        """Return the kind, key and limit of every window that counts this login."""
        if not address:
            return ()
        user, limits = _digest(name), self._limits
        if (user, address) in self._known:
            return (("pair", (user, address), limits.per_name),)
        return (
            ("name", (user,), limits.per_name),
            ("address", (address,), limits.per_address),
        )

    def _wait_s(self, kind: str, key: _Key, most: int) -> float:
        times = self._failures[kind].get(key)
        if times is None or len(times) < most:
            return 0.0
        return max(times[0] + self._limits.window_s - self._clock(), 0.0)


def _digest(name: str) -> str:
    """Return a short key for a name, which may be megabytes long."""
    return hashlib.sha256(name.encode()).hexdigest()


def _shorten(entries: OrderedDict[_Key, Any], most: int) -> None:
    while len(entries) > most:
        entries.popitem(last=False)
