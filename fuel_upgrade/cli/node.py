"""``fuel-upgrade node``: what a node's package manager reads."""

from pathlib import Path

import click

from fuel_upgrade.cli.client import DaemonClient, pass_client
from fuel_upgrade.cli.console import json_option, print_json
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.fetch import fetch_identity
from fuel_upgrade.nodes.sources import (
    NodeSource,
    from_release,
    parse_repo_argument,
    render_apt,
    render_astute,
    render_yum,
)
from fuel_upgrade.nodes.write import write_tree
from fuel_upgrade.release.model import RegisteredRelease


@click.group()
def node() -> None:
    """Write package sources for nodes."""


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
    if (release is None) == (repos is None):
        raise ConfigError(
            "expected either RELEASE or --repos", remedy="name a release, or the repos' URLs"
        )
    if repos is not None:
        found = tuple(parse_repo_argument(text.strip(), os_key) for text in repos.split(","))
    else:
        listed = [RegisteredRelease.from_json(data) for data in client.get("/releases")]
        found = from_release(_pick(listed, str(release), os_key))
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


def _pick(listed: list[RegisteredRelease], wanted: str, os_key: str) -> RegisteredRelease:
    """Return the one release that ``wanted`` names for this operating system."""
    matching = [
        r for r in listed if r.os_key == os_key and wanted in (str(r.id), r.version, r.name)
    ]
    if len(matching) != 1:
        known = ", ".join(f"{r.id}: {r.name} ({r.version})" for r in listed) or "none"
        raise ConfigError(
            f"{wanted}: {len(matching)} releases for {os_key} match (registered: {known})",
            remedy="name one of them by its id, see fuel-upgrade releases",
        )
    return matching[0]
