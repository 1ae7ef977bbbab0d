"""The entry point of the program ``fuel-upgrade``."""

import sys

from fuel_upgrade import __version__


def main() -> None:
    """Run the command line; ``--version`` loads no library."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"fuel-upgrade, version {__version__}\n")
        return
    from fuel_upgrade.cli import main as commands

    commands.main()
