"""``fuel-upgrade node sources``: writes the sources of a node's package manager."""

from pathlib import Path

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient, pass_client
from fuel_upgrade.cli.console import echo, print_json
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.node.node_options import (
    full_view_option,
    gpgkey_option,
    os_option,
    release_argument,
    repos_option,
    signed_by_option,
    timeout_option,
)


@command(
    "fuel-upgrade node sources 2014.2-6.0 --os ubuntu -o tree",
    "fuel-upgrade node sources 2014.2-6.0 --os centos -o tree --plain",
    "fuel-upgrade node sources --os ubuntu --repos '/repo precise main' -o tree",
)
@release_argument
@os_option
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder to write the tree into that lies under / on a node.",
)
@repos_option
@full_view_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["native", "deb822", "astute"]),
    default="native",
    show_default=True,
    help="native: one-line lists or .repo; deb822: apt's .sources; astute: the plain text that "
    "Fuel's Astute wrote.",
)
@click.option(
    "--plain",
    is_flag=True,
    help="Do not read the indexes: write order, pins and priorities only, which is not exact. "
    "A repo that does not answer gets no pin.",
)
@signed_by_option
@gpgkey_option
@timeout_option
@pass_client
def sources(  # noqa: PLR0913 - one parameter an option
    client: DaemonClient,
    *,
    release: str | None,
    os_key: str,
    out: Path,
    repos: str | None,
    full_view: str | None,
    form: str,
    plain: bool,
    signed_by: str,
    gpgkey: str,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Write package sources for nodes of RELEASE.

    With them a node behaves as with one full repo. RELEASE is the id, the version or the name of a
    registered release. --repos needs no registry; an apt repo is given as 'URL SUITE COMPONENT...',
    a flat one as 'URL FOLDER/'.
    The indexes of all repos are read, to hide packages that are not the release's. With --full-view
    nodes get that one repo, which needs neither order nor pins; RELEASE or --repos then only give
    the suite and components of an apt repo, if --full-view does not.
    """
    from fuel_upgrade.cli.node.node_chain import Asked, find_map, find_repos, make_style
    from fuel_upgrade.cli.node.node_sources import SourceFiles, SourceForm, read_sources
    from fuel_upgrade.nodes.sources import render_astute
    from fuel_upgrade.nodes.write_sources import write_tree

    style = make_style(os_key, form, signed_by=signed_by, gpgkey=gpgkey)
    how = SourceForm(os_key, style, is_astute=form == "astute", is_plain=plain)
    how.refuse_useless(is_native=form == "native")
    options = Asked(release, repos, full_view, os_key)
    made = (
        SourceFiles(render_astute(os_key, find_map(lambda: client, options)))
        if how.is_astute
        else read_sources(find_repos(lambda: client, options), how, timeout_s)
    )
    written = write_tree(made.files, out)
    for repo in made.unread:
        echo(f"note:   no pin for {repo.name}: {repo.url} cannot be read", err=True)
    if as_json:
        unread = [repo.name for repo in made.unread]
        print_json({"files": [str(path) for path in written], "unread": unread})
    else:
        for path in written:
            echo(str(path))
