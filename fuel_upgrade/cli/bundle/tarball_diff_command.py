"""``fuel-upgrade bundle diff``: the reasons why two tarballs differ."""

from pathlib import Path

import click

from fuel_upgrade.cli.console import echo, print_json, print_table
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.option_values import PATH

_DIFFERENT = 8
_SHOWN = 50


@command("fuel-upgrade bundle diff fuel-6.0-upgrade.tar.zst built-again.tar.zst")
@click.argument("one", metavar="A", type=PATH)
@click.argument("other", metavar="B", type=PATH)
def diff(*, one: Path, other: Path, as_json: bool) -> None:
    """Show why the tarballs A and B differ.

    The sealed files that differ, and of the texts in the header the first changed lines. Exit code
    8 if they differ.
    """
    from fuel_upgrade.bundle.tarball_difference import compare_tarballs

    found = compare_tarballs(one, other)
    if as_json:
        print_json(found.to_json())
    elif found.same_bytes:
        echo("the same bytes")
    elif not found.files:
        echo("the same files, packed or compressed in another way")
    else:
        rows = [(file.kind, file.path) for file in found.files[:_SHOWN]]
        print_table(("differs", "file"), rows, empty="")
        if len(found.files) > _SHOWN:
            echo(f"and {len(found.files) - _SHOWN} more; --json has all")
        for file in found.files:
            if file.lines:
                echo("\n".join((f"\n{file.path}:", *file.lines)))
    if not found.same_bytes:
        raise click.exceptions.Exit(_DIFFERENT)
