"""The commands that change a master, or say how: plan, install, rollback, watch."""

from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.client import DaemonClient, pass_client
from fuel_upgrade.cli.console import (
    ProgressCall,
    json_option,
    print_json,
    print_table,
    progress_bar,
    size,
)
from fuel_upgrade.cli.inspect import print_releases
from fuel_upgrade.errors import NotFoundError, OutsideError, from_json

_TARBALL = click.argument("tarball", type=click.Path(path_type=Path))
_FULL_VIEW = click.option(
    "--full-view", is_flag=True, help="Also build the full view of each repo that is a diff."
)


@click.command()
@_TARBALL
@_FULL_VIEW
@json_option
@pass_client
def install(client: DaemonClient, *, tarball: Path, full_view: bool, as_json: bool) -> None:
    """Install an upgrade tarball on this master; all of it, or nothing.

    If any step fails, everything done is undone. Ctrl-C only stops watching: the daemon goes
    on, and fuel-upgrade watch follows it again.
    """
    request = {"tarball": str(tarball.absolute()), "full_view": full_view}
    job = client.post("/installs", request)["job"]
    result = _follow(client, job, quiet=as_json)
    if as_json:
        print_json(result)
        return
    click.echo(f"installed: Fuel {result['fuel_from']} -> {result['fuel_to']}, id {result['id']}")
    print_releases(client.get("/releases"))
    click.echo(f"\nTo undo it: fuel-upgrade rollback {result['id']}")


@click.command()
@click.argument("install_id", metavar="[ID]", required=False)
@json_option
@pass_client
def rollback(client: DaemonClient, *, install_id: str | None, as_json: bool) -> None:
    """Undo the last successful install; ID makes sure that it is the one meant."""
    job = client.post("/rollbacks", {"install": install_id})["job"]
    result = _follow(client, job, quiet=as_json)
    if as_json:
        print_json(result)
    else:
        click.echo(f"undone: Fuel {result['fuel_to']} -> {result['fuel_from']}, id {result['id']}")


@click.command()
@_TARBALL
@_FULL_VIEW
@json_option
@pass_client
def plan(client: DaemonClient, *, tarball: Path, full_view: bool, as_json: bool) -> None:
    """Say what installing a tarball would do, step by step; changes nothing."""
    request = {"tarball": str(tarball.absolute()), "full_view": full_view}
    found = client.post("/plans", request)
    if as_json:
        print_json(found)
        return
    click.echo(f"Fuel {found['fuel_from']} -> {found['fuel_to']}\n")
    rows = [(s["number"], s["title"], s["undo"]) for s in found["steps"]]
    print_table(("step", "what", "undo"), rows, empty="nothing to do")
    click.echo("\nrepos of each release, newest first:")
    for release in found["releases"]:
        click.echo(f"  {release['name']} ({release['version']})")
        for repo in release["repos"]:
            click.echo(f"    {repo['name']}: {repo['location']}")
        if release["full_view"]:
            click.echo(f"    or alone, the full view: {release['full_view']}")
    click.echo(f"\nreads {size(found['read_bytes'])}, writes {size(found['write_bytes'])}")
    for disk in found["disks"]:
        needed, free = size(disk["needed_bytes"]), size(disk["free_bytes"])
        click.echo(f"  {disk['mount_point']}: {needed} of {free} free")


@click.command()
@click.argument("job", required=False)
@json_option
@pass_client
def watch(client: DaemonClient, *, job: str | None, as_json: bool) -> None:
    """Follow an install or an undo that is under way, from its first step on.

    JOB is an id that status shows; without it, the one under way. Ctrl-C only stops watching.
    """
    found = job or client.get("/status")["running"]
    if found is None:
        raise NotFoundError("nothing is under way", remedy="see fuel-upgrade history")
    result = _follow(client, found, quiet=as_json)
    if as_json:
        print_json(result)
    else:
        click.echo(f"{result['state']}: Fuel {result['fuel_from']} -> {result['fuel_to']}")


def _follow(client: DaemonClient, job: str, *, quiet: bool) -> dict[str, Any]:
    """Show a job's events until it ends; return its result, or raise its error."""
    try:
        with progress_bar(quiet=quiet) as progress:
            for event in client.events(job):
                if event["event"] == "result":
                    result: dict[str, Any] = event["result"]
                    return result
                if event["event"] == "error":
                    raise from_json(event)
                if not quiet:
                    _show_event(event, progress)
    except KeyboardInterrupt:
        click.echo(f"the daemon goes on; look again with fuel-upgrade watch {job}", err=True)
        raise
    raise OutsideError(f"job {job} ended without a result", remedy="see fuel-upgrade history")


def _show_event(event: dict[str, Any], progress: ProgressCall) -> None:
    kind = event["event"]
    if kind == "progress":
        progress(event["what"], event["done"], event["total"])
    elif kind == "step":
        click.echo(f"[{event['number']}/{event['of']}] {event['title']}", err=True)
    elif kind == "undo step":
        click.echo(f"undo [{event['number']}] {event['title']}", err=True)
    elif kind == "failed":
        click.echo(f"failed: {event['what']}", err=True)
