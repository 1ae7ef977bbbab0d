"""Refuses work that grows faster than n log n: counted, not timed."""

import math
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

TOLERANCE = 1.25
"""An increase may be that of n log n times this: caches fill, and threads take turns."""
JITTER = 0.02
"""The share of all work that threads add or leave out, whatever n is."""


@dataclass
class Count:
    """A number that a block of code increases."""

    total: int = 0


@contextmanager
def counted_lines() -> Iterator[Count]:
    """Count the lines of Python that run, in all threads that start meanwhile and in this one.

    Each round of a comprehension or generator is one. Loops inside of C functions do not count.
    """
    count = Count()

    def trace(_frame: FrameType, event: str, _argument: object) -> Any:
        count.total += 1
        return trace

    before = sys.gettrace()
    threading.settrace(trace)
    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(before)
        threading.settrace(before)


def lines_of(work: Callable[[], object]) -> int:
    """Return the number of lines of Python that ``work`` runs."""
    with counted_lines() as count:
        work()
    return count.total


def assert_n_log_n(count: Callable[[int], int], n: int) -> None:
    """Refuse a count that grows faster than n log n from n to 2n and 4n."""
    assert_all_n_log_n(lambda size: {"it": count(size)}, n)


def assert_all_n_log_n(count: Callable[[int], Mapping[str, int]], n: int) -> None:
    """Refuse if one of several counts grows faster than n log n from n to 2n and 4n.

    The increases are compared, so that the work that does not depend on n does not count. One call
    before loads modules and fills caches.
    """
    count(1)
    at_n, at_2n, at_4n = count(n), count(2 * n), count(4 * n)
    allowed = (_n_log_n(4 * n) - _n_log_n(2 * n)) / (_n_log_n(2 * n) - _n_log_n(n)) * TOLERANCE
    for name in at_n:
        counts = (at_n[name], at_2n[name], at_4n[name])
        first, second = counts[1] - counts[0], counts[2] - counts[1]
        if second > allowed * max(first, counts[0] * JITTER):
            raise AssertionError(
                f"{name}: {counts} at {n}, {2 * n} and {4 * n}: the increase grows"
                f" {second / max(first, 1):.2f}-fold, the limit is {allowed:.2f}-fold"
            )


def _n_log_n(n: int) -> float:
    return n * math.log2(n)
