"""Renders the figures of scenarios: as text, and as JSON."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.measure import MIB, Comparison, Scenario, Usage, median_of


@dataclass(frozen=True, slots=True)
class Ratio:
    """The ratio of two medians, and the smallest and largest ratio of one round."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(
        cls, one: Sequence[Usage], other: Sequence[Usage], measure: Callable[[Usage], float]
    ) -> "Ratio":
        """Divide; a measure below the clock's resolution counts as one tick of it."""
        pairs = [(measure(a), max(measure(b), 0.01)) for a, b in zip(one, other, strict=True)]
        rounds = [a / b for a, b in pairs]
        middle = statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs)
        return cls(middle, min(rounds), max(rounds))

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.low:.2f} - {self.high:.2f})"


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of all rounds of a scenario."""

    scenario: Scenario
    usages: Mapping[str, Sequence[Usage]]

    def wall(self, comparison: Comparison) -> Ratio:
        """Return the ratio of wall times."""
        return self._ratio(comparison, lambda usage: usage.wall_s)

    def cpu(self, comparison: Comparison) -> Ratio:
        """Return the ratio of CPU times."""
        return self._ratio(comparison, lambda usage: usage.cpu_s)

    def _ratio(self, comparison: Comparison, measure: Callable[[Usage], float]) -> Ratio:
        return Ratio.of(self.usages[comparison.way], self.usages[comparison.reference], measure)

    def comparisons(self) -> Iterable[Comparison]:
        """Return the comparisons of ways that ran."""
        return (c for c in self.scenario.comparisons if c.reference in self.usages)

    def beyond_limits(self) -> list[str]:
        """Return a line for every limit that is exceeded."""
        return [
            f"{self.scenario.name}: {c.way} takes {self.cpu(c)} times the CPU time of"
            f" {c.reference}, the limit is {c.limit}"
            for c in self.comparisons()
            if c.limit is not None and self.cpu(c).middle > c.limit
        ]

    def text(self) -> str:
        """Return a table of the ways, and a line for each comparison."""
        width = max(map(len, [*self.usages, *self.scenario.skipped]))
        lines = [f"{'':{width}}  {'wall s (spread)':>24}  {'CPU s':>7}  {'peak MiB':>8}"]
        lines += [_row(name, width, usages) for name, usages in self.usages.items()]
        lines += [f"{name:{width}}  skipped: {why}" for name, why in self.scenario.skipped.items()]
        for comparison in self.comparisons():
            goal = f", goal {comparison.goal:g}" if comparison.goal is not None else ""
            lines.append(
                f"{comparison.way} / {comparison.reference}: wall {self.wall(comparison)}{goal},"
                f" CPU {self.cpu(comparison)}"
            )
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """Return all figures."""
        return {
            "name": self.scenario.name,
            "title": self.scenario.title,
            "ways": {
                name: [
                    {"wall_s": u.wall_s, "cpu_s": u.cpu_s, "peak_bytes": u.peak_bytes}
                    for u in usages
                ]
                for name, usages in self.usages.items()
            },
            "ratios": [
                {
                    "way": c.way,
                    "reference": c.reference,
                    "goal": c.goal,
                    "wall": self.wall(c).middle,
                    "wall_spread": [self.wall(c).low, self.wall(c).high],
                    "cpu": self.cpu(c).middle,
                }
                for c in self.comparisons()
            ],
            "skipped": dict(self.scenario.skipped),
        }


def _row(name: str, width: int, usages: Sequence[Usage]) -> str:
    walls = [usage.wall_s for usage in usages]
    spread = f"{statistics.median(walls):.3f} ({min(walls):.3f} - {max(walls):.3f})"
    cpu_s = median_of(usages, lambda usage: usage.cpu_s)
    peak = max(usage.peak_bytes for usage in usages) / MIB
    return f"{name:{width}}  {spread:>24}  {cpu_s:7.2f}  {peak:8.0f}"
