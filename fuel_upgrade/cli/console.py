"""How commands print: results as text or JSON, progress, and errors."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from fuel_upgrade.cli.text_columns import fold, lay_out_pairs, lay_out_table, terminal_width
from fuel_upgrade.errors import FORMAT, UpgradeError
from fuel_upgrade.outside_text import escaped, printable, printable_json

_COLUMNS = 80
_JSON = "fuel_upgrade.json"


def _inherit_json(context: click.Context, _option: click.Parameter, value: Any) -> bool:
    """Inherit ``--json`` from the groups before the command, and pass it on."""
    chosen: bool = bool(value) or context.meta.get(_JSON, False)
    context.meta[_JSON] = chosen
    return chosen


def json_option(help_text: str, **attributes: bool) -> click.Option:
    """Return the option ``--json`` of a command, or of a group, which applies to its command."""
    return click.Option(
        ["--json", "as_json"],
        is_flag=True,
        is_eager=True,
        callback=_inherit_json,
        help=help_text,
        **attributes,
    )


def json_is_wanted(context: click.Context) -> bool:
    """Return whether ``--json`` was given to the command or to a group before it."""
    return bool(context.meta.get(_JSON, False))


def wants_json(argv: Sequence[str]) -> bool:
    """Return whether a command line, even an invalid one, has ``--json``."""
    options = argv[: argv.index("--")] if "--" in argv else argv
    return "--json" in options


def report(error: UpgradeError, *, as_json: bool = False) -> None:
    """Print an error: as text to stderr, or as JSON to stdout."""
    if as_json:
        print_json(error.to_json())
        return
    if len(error.failures) > 1:
        echo(f"error:  {len(error.failures)} checks failed", err=True)
        for failure in error.failures:
            echo(f"        - {printable(failure)}", err=True)
    else:
        echo(f"error:  {printable(next(iter(error.failures), error.what))}", err=True)
    if error.state:
        echo(f"state:  {printable(error.state)}", err=True)
    echo(f"remedy: {printable(error.remedy)}", err=True)


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print lines: no other character of a text from outside reaches the terminal unescaped.

    A line break in a name must be escaped by the caller, with :func:`printable`.
    """
    lines = (escaped(line) for line in text.split("\n"))
    click.echo("\n".join(lines), err=err, nl=nl)


def print_json(data: Mapping[str, Any]) -> None:
    """Print a result as one JSON object; its first key is the number of the format."""
    echo(printable_json(_numbered(data), indent=2))


def print_json_line(data: Mapping[str, Any]) -> None:
    """Print one of several JSON objects, such as an event, as a line, and flush."""
    echo(printable_json(_numbered(data)))


def _numbered(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"format": FORMAT} | {key: value for key, value in data.items() if key != "format"}


def print_pairs(pairs: Mapping[str, object]) -> None:
    """Print names and values in two columns; long values are folded between words."""
    _print_lines(lay_out_pairs(pairs, terminal_width(sys.stdout)))


def print_folded(text: str, indent: int) -> None:
    """Print a sentence, folded between words at the width of the terminal or 80 columns."""
    _print_lines(fold(text, terminal_width(sys.stdout) or _COLUMNS, indent=indent))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Print a table, or the text ``empty`` if it has no rows.

    No cell is cut, whatever the width of the terminal: see :func:`lay_out_table`.
    """
    if not rows:
        echo(empty)
        return
    _print_lines(lay_out_table(columns, rows, terminal_width(sys.stdout)))


def _print_lines(lines: Sequence[str]) -> None:
    echo("\n".join(lines))
