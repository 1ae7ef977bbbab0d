"""Measures several implementations of a task in turns, and computes ratios with their spread."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """The duration of ``one`` divided by that of ``other``, one value a round."""

    one: str
    other: str
    values: tuple[float, ...]
    goal: str

    def __str__(self) -> str:
        low, middle, high = min(self.values), statistics.median(self.values), max(self.values)
        spread = f"{low:.2f} - {middle:.2f} - {high:.2f}"
        return f"{self.one} / {self.other}: {spread} (n={len(self.values)}, goal {self.goal})"


def rounds(
    ways: dict[str, Callable[[], object]], n: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Run every way once a round, so that a slow spell of the machine meets all; seconds.

    ``clock`` may be that of this process's own work, where nothing else is started or awaited.
    One round before the first warms the caches and does not count. What one way left to be
    written is written before the next begins: ours waits for the disk, and must not pay for it.
    """
    actual: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(n + 1):
        for name, way in ways.items():
            os.sync()
            start = clock()
            way()
            if number:
                actual[name].append(clock() - start)
    return actual


def ratio(seconds: dict[str, list[float]], one: str, other: str, goal: str) -> Ratio:
    """Divide round by round."""
    pairs = zip(seconds[one], seconds[other], strict=True)
    return Ratio(one, other, tuple(a / b for a, b in pairs), goal)
