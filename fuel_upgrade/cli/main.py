"""The ``fuel-upgrade`` command."""

import click

from fuel_upgrade import __version__
from fuel_upgrade.cli.bundle import bundle
from fuel_upgrade.cli.console import CommandGroup
from fuel_upgrade.cli.repo import repo


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fuel-upgrade")
def main() -> None:
    """Ship OpenStack releases to master nodes without internet, as one file of what changed."""


main.add_command(repo)
main.add_command(bundle)
