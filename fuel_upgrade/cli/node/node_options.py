"""The options that the commands of ``fuel-upgrade node`` share."""

from pathlib import Path

import click

from fuel_upgrade.cli.option_values import OPERATING_SYSTEMS

release_argument = click.argument("release", required=False)
os_option = click.option(
    "--os", "os_key", type=click.Choice(OPERATING_SYSTEMS), required=True, help="The node's system."
)
repos_option = click.option(
    "--repos", help="Take these repos instead of a release's: newest first, with commas."
)
full_view_option = click.option(
    "--full-view",
    metavar="REPO",
    help="Give nodes this one repo, the release's full view: a URL or a folder.",
)
signed_by_option = click.option(
    "--signed-by", default="", help="The path on a node of the signed apt repos' key."
)
gpgkey_option = click.option(
    "--gpgkey", default="", help="The url of the key of rpms and yum repos."
)
timeout_option = click.option(
    "--timeout", "timeout_s", type=float, default=30.0, show_default=True, help="Seconds a repo."
)
root_option = click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("/"),
    show_default=True,
    help="Where the node's file system is.",
)
