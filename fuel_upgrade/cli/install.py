"""The commands of a master: install, plan, rollback, status, history, show, releases."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.client import DaemonClient
from fuel_upgrade.cli.console import (
    ProgressCall,
    json_option,
    print_json,
    print_pairs,
    print_table,
    progress_bar,
    size,
)
from fuel_upgrade.errors import OutsideError, from_json

_TARBALL = click.argument("tarball", type=click.Path(path_type=Path))
_CLIENT = click.make_pass_decorator(DaemonClient)


@click.command()
@_TARBALL
@json_option
@_CLIENT
def install(client: DaemonClient, *, tarball: Path, as_json: bool) -> None:
    """Install an upgrade tarball on this master; all of it, or nothing.

    If any step fails, everything done is undone. Ctrl-C only stops watching: the daemon goes
    on, and fuel-upgrade status shows how far it is.
    """
    job = client.post("/installs", {"tarball": str(tarball.absolute())})["job"]
    result = _follow(client, job, quiet=as_json)
    if as_json:
        print_json(result)
        return
    click.echo(f"installed: Fuel {result['fuel_from']} -> {result['fuel_to']}, id {result['id']}")
    _print_releases(client.get("/releases"))
    click.echo(f"\nTo undo it: fuel-upgrade rollback {result['id']}")


@click.command()
@click.argument("install_id", metavar="[ID]", required=False)
@json_option
@_CLIENT
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
@json_option
@_CLIENT
def plan(client: DaemonClient, *, tarball: Path, as_json: bool) -> None:
    """Say what installing a tarball would do, step by step; changes nothing."""
    found = client.post("/plans", {"tarball": str(tarball.absolute())})
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
    click.echo(f"\nreads {size(found['read_bytes'])}, writes {size(found['write_bytes'])}")
    for disk in found["disks"]:
        needed, free = size(disk["needed_bytes"]), size(disk["free_bytes"])
        click.echo(f"  {disk['mount_point']}: {needed} of {free} free")


@click.command()
@json_option
@_CLIENT
def status(client: DaemonClient, *, as_json: bool) -> None:
    """Say what the daemon does and what this master runs."""
    found = client.get("/status")
    if as_json:
        print_json(found)
        return
    last = found["last_install"]
    print_pairs(
        {
            "Fuel version": found["fuel_version"],
            "control plane": found["control_plane"],
            "running": found["running"] or "nothing",
            "last install": f"{last['id']}, {last['state']}" if last else "none",
            "can be undone": found["undoable"] or "nothing",
        }
    )


@click.command()
@json_option
@_CLIENT
def history(client: DaemonClient, *, as_json: bool) -> None:
    """List the installs of this master, oldest first."""
    found = client.get("/installs")
    if as_json:
        print_json(found)
        return
    rows = [
        (
            i["id"],
            _time(i["started_s"]),
            f"{i['fuel_from']} -> {i['fuel_to']}",
            i["state"],
            i["tarball"],
        )
        for i in found
    ]
    print_table(("id", "started", "Fuel", "state", "tarball"), rows, empty="no installs yet")


@click.command()
@click.argument("install_id", metavar="ID")
@json_option
@_CLIENT
def show(client: DaemonClient, *, install_id: str, as_json: bool) -> None:
    """Show one install: its steps, and why it failed. The start of an ID is enough."""
    found = client.get(f"/installs/{install_id}")
    if as_json:
        print_json(found)
        return
    print_pairs(
        {
            "install": found["id"],
            "tarball": found["tarball"],
            "Fuel": f"{found['fuel_from']} -> {found['fuel_to']}",
            "state": found["state"],
            "started": _time(found["started_s"]),
            "ended": _time(found["ended_s"]),
        }
    )
    if found["error"]:
        click.echo(f"error:   {found['error']['what']}\nremedy:  {found['error']['remedy']}")
    rows = [(s["number"], s["title"], s["state"], s["error"] or "") for s in found["steps"]]
    click.echo()
    print_table(("step", "what", "state", "error"), rows, empty="no step was begun")


@click.command()
@json_option
@_CLIENT
def releases(client: DaemonClient, *, as_json: bool) -> None:
    """List the releases that are registered, each with its repos."""
    found = client.get("/releases")
    if as_json:
        print_json(found)
    else:
        _print_releases(found)


def _print_releases(found: list[dict[str, Any]]) -> None:
    rows: list[tuple[object, ...]] = []
    for release in found:
        repos = [f"{repo['name']}: {repo['location']}" for repo in release["repos"]] or ["none"]
        rows.append(
            (release["id"], release["name"], release["version"], release["state"], repos[0])
        )
        rows.extend(("", "", "", "", repo) for repo in repos[1:])
    print_table(("id", "release", "version", "state", "repos"), rows, empty="no releases")


def _follow(client: DaemonClient, job: str, *, quiet: bool) -> dict[str, Any]:
    """Show a job's events until it ends; return its result, or raise its error."""
    with progress_bar(quiet=quiet) as progress:
        for event in client.events(job):
            if event["event"] == "result":
                result: dict[str, Any] = event["result"]
                return result
            if event["event"] == "error":
                raise from_json(event)
            if not quiet:
                _show_event(event, progress)
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


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
