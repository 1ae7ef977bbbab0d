"""How commands speak: results as text or JSON, progress, and errors with their exit codes."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich import progress as bars
from rich.console import Console
from rich.table import Table

from fuel_upgrade.errors import PreflightError, UpgradeError
from fuel_upgrade.system.progress import Progress, no_progress

_INTERRUPTED = 130  # 128 + SIGINT, as shells say it

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


class CommandGroup(click.Group):
    """A group of commands whose errors become the project's messages and exit codes."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command and end the process with its exit code."""
        kwargs["standalone_mode"] = False
        try:
            result = super().main(*args, **kwargs)
        except UpgradeError as error:
            report(error)
            sys.exit(error.exit_code)
        except click.exceptions.Abort:
            click.echo("interrupted", err=True)
            sys.exit(_INTERRUPTED)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        sys.exit(result if isinstance(result, int) else 0)


def report(error: UpgradeError) -> None:
    """Print an error: as text to stderr, or as JSON to stdout where ``--json`` was given."""
    if "--json" in sys.argv:
        print_json(error.to_json())
        return
    failures = error.failures if isinstance(error, PreflightError) else ()
    if failures:
        click.echo(f"error:  {len(failures)} check(s) failed", err=True)
        for failure in failures:
            click.echo(f"        - {failure}", err=True)
    else:
        click.echo(f"error:  {error.what}", err=True)
    if error.state:
        click.echo(f"state:  {error.state}", err=True)
    click.echo(f"remedy: {error.remedy}", err=True)


def print_json(data: Any) -> None:
    """Print a result for scripts."""
    click.echo(json.dumps(data, indent=2))


def print_pairs(pairs: Mapping[str, object]) -> None:
    """Print names and values in two columns."""
    width = max(len(name) for name in pairs) + 1
    for name, value in pairs.items():
        click.echo(f"{name + ':':<{width}} {value}")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Print a table; ``empty`` is said where there are no rows."""
    if not rows:
        click.echo(empty)
        return
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    # A pipe has no width: nothing may be cut off there.
    Console(width=None if sys.stdout.isatty() else 10_000, highlight=False).print(table)


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress]:
    """Give a function that shows progress on stderr; silent there for scripts and pipes."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield no_progress
        return
    columns = (
        bars.TextColumn("{task.description:<24}"),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
    )
    with bars.Progress(*columns, bars.TimeElapsedColumn(), console=console, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield show
