"""``fuel-upgrade node plan`` and ``node apply``: bring a node to a release, on the node."""

from pathlib import Path

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient, pass_client
from fuel_upgrade.cli.console import print_json
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.node.node_options import (
    full_view_option,
    gpgkey_option,
    os_option,
    release_argument,
    repos_option,
    root_option,
    signed_by_option,
    timeout_option,
)


@command(
    "fuel-upgrade node plan 2014.2-6.0 --os ubuntu",
    "fuel-upgrade node plan --os ubuntu --repos '/mnt/repo precise main'",
)
@release_argument
@os_option
@repos_option
@full_view_option
@root_option
@click.option("--all", "show_all", is_flag=True, help="Show unchanged packages too.")
@timeout_option
@pass_client
def plan(  # noqa: PLR0913 - one parameter an option
    client: DaemonClient,
    *,
    release: str | None,
    os_key: str,
    repos: str | None,
    full_view: str | None,
    root: Path,
    show_all: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Show the package changes that bring this node to RELEASE.

    Nothing is changed. reinstall: the release has other content under the same version, and the
    node's copy may not be the release's. foreign: no repo of the chain has the package, or a higher
    version came from elsewhere; it is not changed.
    """
    from fuel_upgrade.cli.node.node_chain import Asked, find_repos
    from fuel_upgrade.cli.node.node_output import manager_of, print_plan, read_chain
    from fuel_upgrade.nodes.apply import read_plan
    from fuel_upgrade.nodes.package_plan import Change

    repos_named = find_repos(lambda: client, Asked(release, repos, full_view, os_key))
    chain = read_chain(repos_named, os_key, timeout_s)
    node_plan = read_plan(manager_of(os_key, root), chain)
    if as_json:
        kept = [
            i.to_json() for i in node_plan.items if show_all or i.change is not Change.UNCHANGED
        ]
        print_json({"counts": node_plan.counts(), "packages": kept})
        return
    print_plan(node_plan, show_all=show_all)


@command(
    "fuel-upgrade node apply 2014.2-6.0 --os ubuntu --dry-run",
    "fuel-upgrade node apply 2014.2-6.0 --os centos --remove",
    "fuel-upgrade node apply --os ubuntu --undo",
)
@release_argument
@os_option
@repos_option
@full_view_option
@root_option
@click.option("--dry-run", is_flag=True, help="Show the changes without making them.")
@click.option("--sources-only", is_flag=True, help="Write the sources; leave the packages.")
@click.option("--remove", is_flag=True, help="Remove packages that the release removed.")
@click.option("--undo", is_flag=True, help="Put the sources from before the last run back.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["native", "deb822"]),
    default="native",
    show_default=True,
    help="native: one-line lists or .repo; deb822: apt's .sources.",
)
@signed_by_option
@gpgkey_option
@timeout_option
@pass_client
def apply(  # noqa: PLR0913 - one parameter an option
    client: DaemonClient,
    *,
    release: str | None,
    os_key: str,
    repos: str | None,
    full_view: str | None,
    root: Path,
    dry_run: bool,
    sources_only: bool,
    remove: bool,
    undo: bool,
    form: str,
    signed_by: str,
    gpgkey: str,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Bring this node to RELEASE.

    Its package sources are written and read, and packages that differ are installed. All sources
    change or none does, and a second run changes nothing. With --full-view the node gets that one
    repo; with RELEASE or --repos too, the repos of that chain are disabled on the node, and its
    packages that the release removed or downgraded are recognized. --undo restores the old
    sources; packages are not rolled back.
    """
    from fuel_upgrade.cli.node import node_output
    from fuel_upgrade.cli.node.node_chain import Asked, find_repos, make_style
    from fuel_upgrade.nodes import apply as work
    from fuel_upgrade.nodes.apply import NodeTarget, render_sources

    style = make_style(os_key, form, signed_by=signed_by, gpgkey=gpgkey)
    manager = node_output.manager_of(os_key, root)
    if undo:
        is_alone = not (release or repos or full_view or dry_run)
        node_output.undo(manager, is_alone=is_alone, as_json=as_json)
        return
    repos_named = find_repos(lambda: client, Asked(release, repos, full_view, os_key))
    chain = node_output.read_chain(repos_named, os_key, timeout_s)
    files = render_sources(chain.contents[: len(repos_named.given)], chain.kind, style)
    target = NodeTarget(chain, files, sources_only=sources_only, remove=remove)
    done = (work.preview if dry_run else work.apply)(manager, target)
    node_output.print_applied(done, dry_run=dry_run, as_json=as_json)
