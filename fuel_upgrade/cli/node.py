"""``fuel-upgrade node``: what a node's package manager reads."""

from pathlib import Path

import click

from fuel_upgrade.cli.client import DaemonClient, pass_client
from fuel_upgrade.cli.console import json_option, print_json
from fuel_upgrade.cli.node_apply import apply, plan
from fuel_upgrade.cli.node_chain import find_chain
from fuel_upgrade.nodes.fetch import fetch_identity
from fuel_upgrade.nodes.sources import NodeSource, render_apt, render_astute, render_yum
from fuel_upgrade.nodes.write import write_tree


@click.group()
def node() -> None:
    """Write package sources for nodes, and bring nodes to a release."""


node.add_command(plan)
node.add_command(apply)


@node.command()
@click.argument("release", required=False)
@click.option("--os", "os_key", type=click.Choice(["ubuntu", "centos"]), required=True)
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder to write the tree into that lies under / on a node.",
)
@click.option("--repos", help="Take these repos instead of a release's: newest first, with commas.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["native", "astute"]),
    default="native",
    show_default=True,
    help="native: with pins and priorities; astute: the plain text that Fuel's Astute wrote.",
)
@click.option(
    "--timeout", "timeout_s", type=float, default=30.0, show_default=True, help="Seconds a repo."
)
@json_option
@pass_client
def sources(  # noqa: PLR0913 - one parameter an option
    client: DaemonClient,
    *,
    release: str | None,
    os_key: str,
    out: Path,
    repos: str | None,
    form: str,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Write the sources for nodes of RELEASE: its own repo first, then its base's, and so on.

    RELEASE is the id, the version or the name of a registered release. With --repos no registry
    is asked; an apt repo is then given as 'URL SUITE COMPONENT...'. The apt repos are asked for
    their Release files, for the pins to tell them apart.
    """
    found = find_chain(lambda: client, release, repos, os_key)
    files = _render(found, os_key, form, timeout_s)
    written = write_tree(files, out)
    if as_json:
        print_json({"files": [str(path) for path in written]})
    else:
        for path in written:
            click.echo(path)


def _render(
    found: tuple[NodeSource, ...], os_key: str, form: str, timeout_s: float
) -> dict[str, str]:
    if form == "astute":
        return render_astute(os_key, found)
    known = [fetch_identity(source, timeout_s=timeout_s) for source in found]
    return render_apt(known) if os_key == "ubuntu" else render_yum(known)
