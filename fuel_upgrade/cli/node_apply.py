"""``fuel-upgrade node plan`` and ``node apply``: bring a node to a release, on the node."""

from pathlib import Path

import click

from fuel_upgrade.cli.client import DaemonClient, pass_client
from fuel_upgrade.cli.console import json_option, print_json, print_table
from fuel_upgrade.cli.node_chain import (
    Asked,
    NodeRepos,
    find_repos,
    full_view_option,
    gpgkey_option,
    make_style,
    os_option,
    release_argument,
    repos_option,
    signed_by_option,
    timeout_option,
)
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes import apply as node_apply
from fuel_upgrade.nodes.apply import Applied, Wanted, read_plan, render_sources
from fuel_upgrade.nodes.content import fetch_content
from fuel_upgrade.nodes.fetch import fetch_identity
from fuel_upgrade.nodes.full_view import require_full
from fuel_upgrade.nodes.manager import AptManager, DnfManager, Manager
from fuel_upgrade.nodes.plan import Chain, Change, NodePlan
from fuel_upgrade.repo.package import RepoKind

_LEFT_ALONE = (Change.UNCHANGED, Change.FOREIGN)
_root_option = click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("/"),
    show_default=True,
    help="Where the node's file system is.",
)


@click.command()
@release_argument
@os_option
@repos_option
@full_view_option
@_root_option
@click.option("--all", "show_all", is_flag=True, help="Show also what stays as it is.")
@timeout_option
@json_option
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
    """Say what brings this node's packages to RELEASE. Changes nothing.

    reinstall: the version stays, but the release has other content under it, and the node's
    copy is not known to be the release's. foreign: what no repo of the chain has, or a version
    that came from elsewhere and is higher; left alone.
    """
    asked = find_repos(lambda: client, Asked(release, repos, full_view, os_key))
    chain = _read_chain(asked, os_key, timeout_s)
    found = read_plan(_manager(os_key, root), chain)
    if as_json:
        kept = [i.to_json() for i in found.items if show_all or i.change is not Change.UNCHANGED]
        print_json({"counts": found.counts(), "packages": kept})
        return
    _print_plan(found, show_all=show_all)


@click.command()
@release_argument
@os_option
@repos_option
@full_view_option
@_root_option
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
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
@json_option
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
    """Bring this node to RELEASE: write its sources, refresh, install what differs.

    All sources change or none does, and a second run changes nothing. With --full-view the node
    gets that one repo; give RELEASE or --repos as well for the node to come from their chain:
    its repos are switched off, and what the release removed or took down is known. --undo puts
    the old sources back; packages are not rolled back.
    """
    style = make_style(os_key, form, signed_by=signed_by, gpgkey=gpgkey)
    manager = _manager(os_key, root)
    if undo:
        is_alone = not (release or repos or full_view or dry_run)
        _undo(manager, is_alone=is_alone, as_json=as_json)
        return
    asked = find_repos(lambda: client, Asked(release, repos, full_view, os_key))
    chain = _read_chain(asked, os_key, timeout_s)
    files = render_sources(chain.contents[: len(asked.given)], chain.kind, style)
    wanted = Wanted(chain, files, sources_only=sources_only, remove=remove)
    work = node_apply.preview if dry_run else node_apply.apply
    _print_applied(work(manager, wanted), dry_run=dry_run, as_json=as_json)


def _undo(manager: Manager, *, is_alone: bool, as_json: bool) -> None:
    if not is_alone:
        raise ConfigError(
            "--undo takes no release, --repos, --full-view or --dry-run:"
            " it goes back to the last sources",
            remedy="give --undo with --os and --root only",
        )
    node_apply.undo(manager)
    if as_json:
        print_json({"undone": True})
    else:
        click.echo("the old sources are back; packages were not rolled back")


def _manager(os_key: str, root: Path) -> Manager:
    root = root.absolute()
    return AptManager.at(root) if os_key == "ubuntu" else DnfManager.at(root)


def _read_chain(asked: NodeRepos, os_key: str, timeout_s: float) -> Chain:
    """Read the repos of the node, and behind them those that a full view stands for."""
    sources = (*asked.given, *asked.replaced)
    known = [fetch_identity(source, timeout_s=timeout_s) for source in sources]
    contents = [fetch_content(source, timeout_s=timeout_s) for source in known]
    if asked.is_full_view:
        require_full(contents[0])
    return Chain(contents, RepoKind.APT if os_key == "ubuntu" else RepoKind.YUM)


def _print_applied(done: Applied, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        state = "dry-run" if dry_run else "changed" if done.is_needed else "unchanged"
        print_json({"state": state, **done.to_json()})
        return
    if not done.is_needed:
        click.echo("nothing to do: sources and packages are as the release makes them")
    for path in done.files:
        click.echo(f"{'would change' if dry_run else 'changed'} {path}")
    _print_plan(done.plan, show_all=False)
    if done.plan.of(Change.KEPT_BACK):
        click.echo("kept back: the release does not meet the dependencies of its own packages")
    removed = done.plan.of(Change.REMOVED)
    if removed and not done.wanted.remove:
        click.echo("removed from the release but kept here; --remove removes them")


def _print_plan(found: NodePlan, *, show_all: bool) -> None:
    rows = [
        (
            item.change.value,
            item.installed.key,
            item.installed.version,
            item.target.version if item.target else "-",
        )
        for item in found.items
        if show_all or item.change not in _LEFT_ALONE
    ]
    print_table(("change", "package", "installed", "release"), rows, empty="no package changes")
    click.echo(", ".join(f"{count} {name}" for name, count in found.counts().items() if count))
