"""The ``fuel-upgrade`` command."""

from importlib import import_module
from pathlib import Path

import click

from fuel_upgrade import __version__
from fuel_upgrade.cli.client import Target
from fuel_upgrade.cli.console import CommandGroup

_PATH = click.Path(path_type=Path)
# Where each command is: loaded when it is asked for, so that a master needs no library of the
# build side, and a script that asks for the status does not wait for the libraries of the rest.
_COMMANDS = {
    "repo": "repo:repo",
    "bundle": "bundle:bundle",
    "plan": "plan:plan",
    "install": "install:install",
    "rollback": "install:rollback",
    "squash": "gc:squash",
    "gc": "gc:gc",
    "cancel": "settle:cancel",
    "recover": "settle:recover",
    "repair": "settle:repair",
    "status": "inspect:status",
    "watch": "install:watch",
    "history": "inspect:history",
    "show": "inspect:show",
    "releases": "releases:releases",
    "nailgun": "nailgun:nailgun",
    "node": "node:node",
    "registry": "registry:registry",
    "selftest": "selftest:selftest",
}


class _LazyGroup(CommandGroup):
    def list_commands(self, _context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[name].partition(":")
        found = getattr(import_module(f"fuel_upgrade.cli.{module}"), attribute)
        return found if isinstance(found, click.Command) else None


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fuel-upgrade")
@click.option("--config", "config_path", type=_PATH, help="The configuration file.")
@click.option(
    "--root",
    type=_PATH,
    envvar="FUEL_UPGRADE_ROOT",
    help="Ask the daemon that was started with this --root.",
)
@click.option("--socket", type=_PATH, help="Ask the daemon that listens on this socket.")
@click.pass_context
def main(
    context: click.Context, *, config_path: Path | None, root: Path | None, socket: Path | None
) -> None:
    """Ship OpenStack releases to master nodes without internet, as one file of what changed.

    repo and bundle work on the build side and need nothing else. The other commands ask the
    daemon of a master, fuel-upgraded. Exit codes: 0 done, 2 wrong usage or settings, 3 bad
    tarball or repo, 4 the master is not ready, 5 a step failed and all was put back, 6 putting
    back failed, 7 a server or tool failed, 8 what releases diff compared is different.
    """
    context.obj = Target(config_path, root.absolute() if root else None, socket)
