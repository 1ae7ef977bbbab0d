"""The commands that change a master, and what follows one: install, rollback, watch."""

from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.client import DaemonClient, pass_client
from fuel_upgrade.cli.console import json_option, print_json, progress_bar
from fuel_upgrade.cli.group import examples
from fuel_upgrade.cli.plan import (
    read_plan,
    repair_option,
    request_of,
    show_order,
    show_plan,
    verify_option,
    view_option,
    writing_repair,
)
from fuel_upgrade.cli.release_list import print_releases
from fuel_upgrade.errors import NotFoundError, OutsideError, from_json
from fuel_upgrade.system.age import say_age
from fuel_upgrade.system.progress import Progress

_PATH = click.Path(path_type=Path)


@click.command(
    epilog=examples(
        "fuel-upgrade install /root/fuel-6.0-upgrade.tar.zst",
        "fuel-upgrade install --plan plan.json --wait-for-tasks 600",
        "fuel-upgrade install /root/tarballs --full-view --json",
    )
)
@click.argument("tarballs", metavar="[TARBALL]...", nargs=-1, type=_PATH)
@verify_option
@view_option
@repair_option
@click.option("--plan", "kept", type=_PATH, help="Refuse if anything is not as in this plan.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=0,
    metavar="SECONDS",
    help="Wait so long for another install to end.",
)
@click.option(
    "--wait-for-tasks",
    "wait_for_tasks_s",
    type=click.FloatRange(min=0),
    default=0,
    metavar="SECONDS",
    help="Wait so long for Nailgun to end what it does; else the install is refused.",
)
@click.option("--dry-run", is_flag=True, help="Only plan, as fuel-upgrade plan does.")
@json_option
@pass_client
def install(  # noqa: PLR0913 - an option each
    client: DaemonClient,
    *,
    tarballs: tuple[Path, ...],
    verify_base: bool,
    full_view: bool,
    repair: Path | None,
    kept: Path | None,
    wait_s: float,
    wait_for_tasks_s: float,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Install an upgrade tarball: all of it, or nothing.

    If any step fails, everything done is undone. Of several tarballs, or a folder of them, those
    that are not there yet are installed one after the other, in the order that their content
    gives; the first that fails ends it. With --plan, the tarball may be left out: it is the one
    that was planned. Ctrl-C stops the install and puts everything back; a second Ctrl-C leaves the
    daemon to it, and fuel-upgrade watch follows it again.
    """
    expected = read_plan(kept) if kept else None
    if not tarballs and expected is None:
        raise click.UsageError("Missing argument 'TARBALL...', or an option '--plan'.")
    if expected is not None and dry_run:
        raise click.UsageError("--plan is to install by: fuel-upgrade plan makes one to compare.")
    if expected is not None and not tarballs:
        tarballs = (Path(str(expected.get("tarball"))),)
    request = request_of(tarballs, verify_base=verify_base, full_view=full_view)
    with writing_repair(client, request, repair):
        if dry_run:
            show_plan(client.post("/plans", request), as_json=as_json)
            return
        waits = {"wait_s": wait_s, "wait_for_tasks_s": wait_for_tasks_s}
        job = client.post("/installs", {**request, "plan": expected, **waits})["job"]
        result = follow(client, job, quiet=as_json, cancels=True)
    if as_json:
        print_json(result)
        return
    for done in result.get("installs", [result]):
        click.echo(f"installed: Fuel {done['fuel_from']} -> {done['fuel_to']}, id {done['id']}")
    print_releases(client.get("/releases"))
    last = result.get("installs", [result])[-1:]
    for done in last:
        click.echo(f"\nTo undo it: fuel-upgrade rollback {done['id']}")


@click.command(epilog=examples("fuel-upgrade rollback", "fuel-upgrade rollback 22b5"))
@click.argument("install_id", metavar="[ID]", required=False)
@json_option
@pass_client
def rollback(client: DaemonClient, *, install_id: str | None, as_json: bool) -> None:
    """Undo the last successful install, gc or squash.

    ID makes sure that it is the one that is meant.
    """
    job = client.post("/rollbacks", {"install": install_id})["job"]
    result = follow(client, job, quiet=as_json)
    if as_json:
        print_json(result)
    else:
        change = f"Fuel {result['fuel_to']} -> {result['fuel_from']}"
        click.echo(f"undone: {say_change(result, change)}, id {result['id']}")


@click.command(epilog=examples("fuel-upgrade watch", "fuel-upgrade watch 22b5589d"))
@click.argument("job", required=False)
@json_option
@pass_client
def watch(client: DaemonClient, *, job: str | None, as_json: bool) -> None:
    """Follow an install or an undo that is under way.

    It is shown from its first step on. JOB is an id that status shows; without it, the one
    under way. Ctrl-C only stops watching.
    """
    found = job or client.get("/status")["running"]
    if found is None:
        raise NotFoundError("nothing is under way", remedy="see fuel-upgrade history")
    result = follow(client, found, quiet=as_json)
    if as_json:
        print_json(result)
    else:
        for done in result.get("installs", [result]):
            change = f"Fuel {done['fuel_from']} -> {done['fuel_to']}"
            click.echo(f"{done['state']}: {say_change(done, change)}")


def say_change(record: dict[str, Any], install: str) -> str:
    """Say what a record is about: of an install ``install``, else what was asked for."""
    return install if record["kind"] == "install" else str(record["tarball"])


def follow(client: DaemonClient, job: str, *, quiet: bool, cancels: bool = False) -> dict[str, Any]:
    """Show a job's events until it ends; return its result, or raise its error.

    With ``cancels`` the first Ctrl-C asks the daemon to stop and put everything back, and goes on
    showing that; any other Ctrl-C ends the showing alone.
    """
    showing = _Showing(client, job, quiet=quiet)
    try:
        if not cancels:
            return showing.until_end()
        try:
            return showing.until_end()
        except KeyboardInterrupt:
            # A second one may come at once: all of this is within the outer try for that.
            client.post(f"/jobs/{job}/cancel", {})
            click.echo("stopping and putting everything back; Ctrl-C again to leave", err=True)
            return showing.until_end()
    except KeyboardInterrupt:
        click.echo(f"the daemon goes on; look again: fuel-upgrade watch {job}", err=True)
        raise


class _Showing:
    """The showing of one job; started again, it leaves out what was shown before."""

    def __init__(self, client: DaemonClient, job: str, *, quiet: bool) -> None:
        self._client = client
        self._job = job
        self._quiet = quiet
        self._shown = 0

    def until_end(self) -> dict[str, Any]:
        with progress_bar(quiet=self._quiet) as progress:
            for number, event in enumerate(self._client.events(self._job)):
                if event["event"] == "result":
                    result: dict[str, Any] = event["result"]
                    return result
                if event["event"] == "error":
                    raise from_json(event)
                if not self._quiet and number >= self._shown:
                    _show_event(event, progress)
                self._shown = max(self._shown, number + 1)
        what = f"job {self._job} ended without a result"
        raise OutsideError(what, remedy="see fuel-upgrade history")


def _show_event(event: dict[str, Any], progress: Progress) -> None:
    kind = event["event"]
    if kind == "order":
        show_order(event, err=True)
    elif kind == "waiting":
        _show_waiting(event, progress)
    elif kind == "tarball":
        click.echo(f"== {event['number']} of {event['of']}: {event['tarball']}", err=True)
    elif kind == "base":
        click.echo(f"{event['version']}: on {event['found']}, not {event['named']}", err=True)
    elif kind == "progress":
        progress(event["what"], event["done"], event["total"])
    elif kind == "step":
        click.echo(f"[{event['number']}/{event['of']}] {event['title']}", err=True)
    elif kind == "undo step":
        click.echo(f"undo [{event['number']}] {event['title']}", err=True)
    elif kind == "failed":
        click.echo(f"failed: {event['what']}", err=True)
    elif kind.startswith("hook "):
        _show_hook(event)


def _show_hook(event: dict[str, Any]) -> None:
    kind = event["event"]
    if kind == "hook output":
        click.echo(f"  {event['hook']}: {event['line']}", err=True)
    elif kind == "hook ended" and event["exit_code"] != 0:
        click.echo(f"hook {event['hook']} ended with {event['exit_code']}", err=True)
    elif kind in ("hook refused", "hook broke"):
        click.echo(f"{kind}: {event['what']}", err=True)


def _show_waiting(event: dict[str, Any], progress: Progress) -> None:
    if event["waited_s"] == 0:
        click.echo(f"waiting up to {say_age(event['wait_s'])} for {event['on']}", err=True)
    progress("waiting", event["waited_s"], event["wait_s"])
