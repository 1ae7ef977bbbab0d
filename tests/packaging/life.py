"""Checks and actions on a machine that the tests of both kinds of packages share."""

from collections.abc import Iterator

import click

from tests.packaging.machines import Machine

#: Makes the machine a master of Fuel 5.0.
FUEL = """
mkdir -p /etc/fuel/5.0
printf 'VERSION:\\n  release: "5.0"\\n' > /etc/fuel/5.0/version.yaml
ln -s 5.0/version.yaml /etc/fuel/version.yaml
"""
#: An edit of the operator.
EDIT = "echo 'log_level: debug' >> /etc/fuel-upgrade/config.yaml"
GREP_EDIT = "grep -q 'log_level: debug' /etc/fuel-upgrade/config.yaml"


def daemon(machine: Machine) -> str:
    """Return the daemon's process."""
    return machine.run("systemctl show --property=MainPID --value fuel-upgrade").strip()


def version(machine: Machine) -> str:
    """Return the version of the daemon that runs."""
    return machine.run("fuel-upgrade status --json | grep '\"version\"'").split('"')[3]


def assert_refused(stderr: str, reason: str) -> None:
    """Check that an error of three lines is in the output, with this reason."""
    lines = stderr.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("error:  "))
    assert reason in lines[first]
    assert lines[first + 1] == "state:  nothing was changed"
    assert lines[first + 2].startswith("remedy: ")


def every_command(tree: click.Command, words: tuple[str, ...] = ()) -> Iterator[str]:
    """Give the words of every command and group below ``tree``, that of ``tree`` itself first."""
    yield " ".join(words)
    if isinstance(tree, click.Group):
        context = click.Context(tree)
        for name in tree.list_commands(context):
            child = tree.get_command(context, name)
            assert child is not None
            yield from every_command(child, (*words, name))
