"""The ``fuel-upgrade`` command."""

from pathlib import Path

import click

from fuel_upgrade import __version__
from fuel_upgrade.cli.client.daemon_client import Target
from fuel_upgrade.cli.commands import COMMANDS, GROUPS
from fuel_upgrade.cli.console import echo, json_is_wanted, print_json
from fuel_upgrade.cli.group import PROGRAM, LazyGroup, examples

_PATH = click.Path(path_type=Path)


def _print_version(context: click.Context, _option: click.Parameter, value: object) -> None:
    if not value:
        return
    if json_is_wanted(context):
        print_json({"version": __version__})
    else:
        echo(f"{PROGRAM}, version {__version__}")
    context.exit()


@click.group(
    PROGRAM,
    cls=LazyGroup,
    lazy=COMMANDS,
    is_root=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "fuel-upgrade install /root/fuel-6.0-upgrade.tar.zst",
        "fuel-upgrade status",
        "fuel-upgrade --json history",
    ),
)
@click.option("--config", "config_path", type=_PATH, help="The configuration file.")
@click.option(
    "--root",
    type=_PATH,
    envvar="FUEL_UPGRADE_ROOT",
    help="Ask the daemon that was started with this --root.",
)
@click.option("--socket", type=_PATH, help="Ask the daemon that listens on this socket.")
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def main(
    context: click.Context, *, config_path: Path | None, root: Path | None, socket: Path | None
) -> None:
    """Ship OpenStack releases to master nodes without internet, as one file of the changes.

    repo and bundle are for the build side and need no daemon. The other commands send requests to
    the daemon of a master, fuel-upgraded. Exit codes: 0 done, 1 a mistake in this program, 2 wrong
    usage or settings, 3 bad tarball or repo, 4 the master is not ready, 5 a step failed and the
    install was rolled back, 6 the rollback failed, 7 a server or tool failed, 8 the releases of
    releases diff differ, 130 interrupted by Ctrl-C.
    """
    context.obj = Target(config_path, root.absolute() if root else None, socket)


for _group in GROUPS:
    main.add_command(_group)
