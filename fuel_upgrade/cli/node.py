"""``fuel-upgrade node``: what a node's package manager reads."""

from pathlib import Path

import click

from fuel_upgrade.cli.client import DaemonClient, pass_client
from fuel_upgrade.cli.console import json_option, print_json
from fuel_upgrade.cli.node_chain import (
    Asked,
    find_repos,
    full_view_option,
    gpgkey_option,
    make_style,
    os_option,
    refuse_options,
    release_argument,
    repos_option,
    signed_by_option,
    timeout_option,
)
from fuel_upgrade.errors import OutsideError
from fuel_upgrade.nodes.content import RepoContent, fetch_content
from fuel_upgrade.nodes.exact import SourceStyle, render_exact
from fuel_upgrade.nodes.fetch import fetch_identity
from fuel_upgrade.nodes.full_view import require_full
from fuel_upgrade.nodes.sources import NodeSource, render_apt, render_astute, render_yum
from fuel_upgrade.nodes.write import write_tree


@click.command()
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
    help="Do not read the indexes: write order, pins and priorities only, which is not exact.",
)
@signed_by_option
@gpgkey_option
@timeout_option
@json_option
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
    """Write sources under which a node of RELEASE behaves as with the one full repo.

    RELEASE is the id, the version or the name of a registered release. With --repos no registry
    is asked; an apt repo is then given as 'URL SUITE COMPONENT...'. The indexes of all repos are
    read, to hide from nodes what is not the release's. With --full-view nodes get that one repo,
    which needs neither order nor pins; RELEASE or --repos then only tell an apt repo's suite
    and components, where these are not given with it.
    """
    style = make_style(os_key, form, signed_by=signed_by, gpgkey=gpgkey)
    _require_fitting(form, style, plain=plain)
    asked = find_repos(lambda: client, Asked(release, repos, full_view, os_key))
    found = asked.given
    if form == "astute":
        files = render_astute(os_key, found)
    elif plain:
        known = [fetch_identity(source, timeout_s=timeout_s) for source in found]
        files = render_apt(known) if os_key == "ubuntu" else render_yum(known)
    else:
        contents = [_read(source, timeout_s) for source in found]
        if asked.is_full_view:
            require_full(contents[0])
        files = render_exact(os_key, contents, style)
    written = write_tree(files, out)
    if as_json:
        print_json({"files": [str(path) for path in written]})
    else:
        for path in written:
            click.echo(path)


def _require_fitting(form: str, style: SourceStyle, *, plain: bool) -> None:
    """Refuse options that would be without effect."""
    keyed = bool(style.signed_by or style.gpgkey)
    refuse_options(
        {
            "--plain and --format astute write no keys": keyed and (plain or form == "astute"),
            "--plain is for --format native": plain and form != "native",
        }
    )


def _read(source: NodeSource, timeout_s: float) -> RepoContent:
    """Read one repo; where it does not answer, say what can be had without."""
    try:
        known = fetch_identity(source, timeout_s=timeout_s)
        return fetch_content(known, timeout_s=timeout_s)
    except OutsideError as error:
        raise OutsideError(
            str(error),
            remedy=f"{error.remedy}; or give --plain for sources of order and pins alone",
        ) from error
