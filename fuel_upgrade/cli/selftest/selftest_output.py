"""Output of ``fuel-upgrade selftest``."""

from fuel_upgrade.cli.console import echo, print_table
from fuel_upgrade.drill.drill_run import Drill
from fuel_upgrade.drill.verdict_table import Direction, rows

_SHOWN = 5  # differences of a cell; --json has all of them


def show_drill(done: Drill) -> None:
    """Print how each drill ended."""
    echo(f"{len(done.titles)} steps: installed and undone without a fault")
    if not done.outcomes:
        return
    for direction in Direction:
        columns, lines = rows(done.outcomes, done.titles, direction)
        echo(f"\nA fault {'while' if direction is Direction.FORWARD else 'while undoing'}:")
        print_table(columns, lines, empty="nothing was drilled")
    kind = "of a real file system" if done.is_real else "injected: no mounts could be made"
    counts = ", ".join(f"{count} {name}" for name, count in done.counts.items())
    echo(f"\n{len(done.outcomes)} drills: {counts}")
    echo(f"full and read-only: {kind}")
    for outcome in done.wrong:
        echo(f"\n{outcome.cell}: {outcome.ended}")
        for reason in outcome.reasons[:_SHOWN]:
            echo(f"  {reason}")
