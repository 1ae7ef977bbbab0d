"""The ``fuel-upgrade`` command."""

from pathlib import Path

import click

from fuel_upgrade import __version__
from fuel_upgrade.cli import install
from fuel_upgrade.cli.bundle import bundle
from fuel_upgrade.cli.client import DaemonClient
from fuel_upgrade.cli.console import CommandGroup
from fuel_upgrade.cli.node import node
from fuel_upgrade.cli.repo import repo
from fuel_upgrade.config import read

_PATH = click.Path(path_type=Path)


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
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
    back failed, 7 a server or tool failed.
    """
    place = socket or read(config_path, root=root.absolute() if root else None).paths.socket
    context.obj = DaemonClient(place)


for command in (
    repo,
    bundle,
    install.install,
    install.plan,
    install.status,
    install.history,
    install.show,
    install.releases,
    install.rollback,
    node,
):
    main.add_command(command)
