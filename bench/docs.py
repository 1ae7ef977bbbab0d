"""Writes the figures of a run into ``docs/performance.rst``."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.results import Result

PAGE = Path(__file__).parents[1] / "docs/performance.rst"
_BEGIN = ".. The figures: written by make bench.\n"
_END = ".. The end of the figures.\n"


def write_page(machine: Mapping[str, object], rounds: int, results: Sequence[Result]) -> None:
    """Replace the figures in the page."""
    before, rest = PAGE.read_text().split(_BEGIN)
    after = rest.split(_END)[1]
    facts = "".join(f"- {name.replace('_', ' ')}: {value}\n" for name, value in machine.items())
    tables = "\n".join(
        f"{result.scenario.title} (``{result.scenario.name}``)::\n\n{_indented(result.text())}"
        for result in results
    )
    text = f"{facts}- counted rounds: {rounds}\n\n{tables}"
    PAGE.write_text(f"{before}{_BEGIN}\n{text}\n{_END}{after}")


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
