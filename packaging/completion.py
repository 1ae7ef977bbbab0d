"""Prints the completion of ``fuel-upgrade`` for a shell: completion.py bash|zsh|fish."""

import sys

from click.shell_completion import get_completion_class

from fuel_upgrade.cli.main import main

_PROGRAM = "fuel-upgrade"


def render(shell: str) -> str:
    """Return the shell's script, which asks the command itself at each completion."""
    kind = get_completion_class(shell)
    if kind is None:
        raise ValueError(f"no completion for {shell}")
    made = kind(main, {}, _PROGRAM, "_FUEL_UPGRADE_COMPLETE")
    # not made.source(): that asks the shell of this machine for its version
    return made.source_template % made.source_vars()


if __name__ == "__main__":
    sys.stdout.write(render(sys.argv[1]).lstrip("\n"))
