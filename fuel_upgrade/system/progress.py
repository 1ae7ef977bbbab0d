"""The callback by which long work reports its progress."""

import time
from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with the name of the work, the amount done and the total."""

IN_BYTES = frozenset({"unpacking", "packing", "reading", "writing volumes", "writing the answer"})
"""The work whose amounts are bytes; other amounts are items or seconds."""


def no_progress(_work: str, _done: int, _total: int) -> None:
    """Report nothing."""


_REPORTS = 200  # of one piece of work in bytes
_EVERY_S = 0.5  # a report may also cancel the work


class ByteCounter:
    """Reports the progress of work in bytes: each 200th part, and slower work twice a second."""

    def __init__(
        self,
        progress: Progress,
        work: str,
        total: int,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress = progress
        self._clock = clock
        self._next_s = clock() + _EVERY_S
        self._work = work
        self._total = total
        self._done = 0
        self._next = 0

    def add(self, size_bytes: int) -> None:
        """Count bytes that are done; 0 for work that has none."""
        self._done += size_bytes
        if self._done >= self._next or self._clock() >= self._next_s:
            self._next_s = self._clock() + _EVERY_S
            self._next = self._done + self._total // _REPORTS
            self._progress(self._work, min(self._done, self._total), self._total)

    def end(self) -> None:
        """Report the end."""
        self._progress(self._work, self._total, self._total)
