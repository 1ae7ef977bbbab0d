"""Changes that got no response: the server may still carry them out.

A client gives up an exchange after its deadline. So does everything between it and the server: a
request that began at T is not expected to be carried out after T plus the deadline.
"""

import math
from collections.abc import Callable, Iterator

_POLL_EVERY_S = 5.0


class LateChanges:
    """The time until which a change without a response may be carried out."""

    def __init__(
        self, deadline_s: float, monotonic: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._deadline_s = deadline_s
        self._monotonic = monotonic
        self._sleep = sleep
        self._until_s = -math.inf

    def add(self, begun_s: float | None = None) -> None:
        """Add a change that got no response, sent at ``begun_s`` or, if unknown, until now."""
        begun_s = self._monotonic() if begun_s is None else begun_s
        self._until_s = max(self._until_s, begun_s + self._deadline_s)

    def polls(self) -> Iterator[int]:
        """Wait until no change can be carried out any more.

        Yield the remaining seconds after each pause; the last pause ends with the time.
        """
        while (left_s := self._until_s - self._monotonic()) > 0:
            self._sleep(min(_POLL_EVERY_S, left_s))
            yield max(0, math.ceil(self._until_s - self._monotonic()))
