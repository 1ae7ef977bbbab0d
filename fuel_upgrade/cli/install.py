"""The commands that change a master, or say how: plan, install, rollback, watch."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from fuel_upgrade.bundle.request import render
from fuel_upgrade.cli.client import DaemonClient, pass_client
from fuel_upgrade.cli.console import (
    json_option,
    print_json,
    print_table,
    progress_bar,
)
from fuel_upgrade.cli.inspect import print_releases
from fuel_upgrade.errors import (
    ConfigError,
    NotFoundError,
    OutsideError,
    PreflightError,
    from_json,
)
from fuel_upgrade.system.progress import Progress
from fuel_upgrade.system.size import say_size

_PATH = click.Path(path_type=Path)
_TARBALLS = click.argument("tarballs", metavar="TARBALL...", nargs=-1, required=True, type=_PATH)
_verify_option = click.option(
    "--verify-base",
    is_flag=True,
    help="Compute the checksum of every package that is inherited from repos here.",
)
_view_option = click.option(
    "--full-view", is_flag=True, help="Also build the full view of each repo that is a diff."
)
_repair_option = click.option(
    "--repair-request",
    "repair",
    type=_PATH,
    help="Where packages of the base are missing here, write to this file which.",
)


@click.command()
@_TARBALLS
@_verify_option
@_view_option
@_repair_option
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
    dry_run: bool,
    as_json: bool,
) -> None:
    """Install an upgrade tarball on this master; all of it, or nothing.

    If any step fails, everything done is undone. Of several tarballs, or a folder of them, those
    that are not there yet are installed one after the other, in the order that their content
    gives; the first that fails ends it. Ctrl-C stops the install and puts everything back; a
    second Ctrl-C leaves the daemon to it, and fuel-upgrade watch follows it again.
    """
    request = _request(tarballs, verify_base=verify_base, full_view=full_view)
    with _writing_repair(client, request, repair):
        if dry_run:
            _show_plan(client.post("/plans", request), as_json=as_json)
            return
        job = client.post("/installs", request)["job"]
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


@click.command()
@click.argument("install_id", metavar="[ID]", required=False)
@json_option
@pass_client
def rollback(client: DaemonClient, *, install_id: str | None, as_json: bool) -> None:
    """Undo the last successful install, gc or squash; ID makes sure that it is the one meant."""
    job = client.post("/rollbacks", {"install": install_id})["job"]
    result = follow(client, job, quiet=as_json)
    if as_json:
        print_json(result)
    else:
        change = f"Fuel {result['fuel_to']} -> {result['fuel_from']}"
        click.echo(f"undone: {say_change(result, change)}, id {result['id']}")


@click.command()
@_TARBALLS
@_verify_option
@_view_option
@_repair_option
@json_option
@pass_client
def plan(  # noqa: PLR0913 - an option each
    client: DaemonClient,
    *,
    tarballs: tuple[Path, ...],
    verify_base: bool,
    full_view: bool,
    repair: Path | None,
    as_json: bool,
) -> None:
    """Say what installing a tarball would do, step by step; changes nothing.

    Of several tarballs, or a folder of them: in which order, and the steps of the first.
    """
    request = _request(tarballs, verify_base=verify_base, full_view=full_view)
    with _writing_repair(client, request, repair):
        _show_plan(client.post("/plans", request), as_json=as_json)


def _request(tarballs: tuple[Path, ...], *, verify_base: bool, full_view: bool) -> dict[str, Any]:
    paths = [str(path.absolute()) for path in tarballs]
    which = {"tarball": paths[0]} if len(paths) == 1 else {"tarballs": paths}
    return {**which, "verify_base": verify_base, "full_view": full_view}


@contextmanager
def _writing_repair(
    client: DaemonClient, request: dict[str, Any], out: Path | None
) -> Iterator[None]:
    """Write what the master lacks to ``out`` if the checks fail.

    Raises:
        ConfigError: ``out`` exists, or several tarballs are meant.
    """
    if out is not None and out.exists():
        raise ConfigError(f"{out}: exists already", remedy="name a new file, or remove this one")
    if out is not None and ("tarball" not in request or Path(request["tarball"]).is_dir()):
        raise ConfigError(
            "--repair-request is about one tarball", remedy="name the one that was refused"
        )
    try:
        yield
    except PreflightError:
        found = client.post("/repair-requests", request)["request"] if out is not None else None
        if out is not None and found is not None:
            _write_request(out, found)
        raise


def _write_request(out: Path, found: dict[str, Any]) -> None:
    try:
        out.write_text(render(found), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{out}: {error}", remedy="name a file that can be written") from error
    click.echo(f"what is missing was written to {out}: take it to the build side", err=True)


def _show_plan(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    if "order" not in found:
        _show_steps(found)
        return
    _show_order(found)
    if found["first"]:
        click.echo()
        _show_steps(found["first"])


def _show_steps(found: dict[str, Any]) -> None:
    click.echo(f"Fuel {found['fuel_from']} -> {found['fuel_to']}\n")
    rows = [(s["number"], s["title"], s["undo"]) for s in found["steps"]]
    print_table(("step", "what", "undo"), rows, empty="nothing to do")
    click.echo("\nrepos of each release, newest first:")
    for release in found["releases"]:
        click.echo(f"  {release['name']} ({release['version']}){_base_note(release)}")
        for repo in release["repos"]:
            click.echo(f"    {repo['name']}: {repo['location']}")
        if release["full_view"]:
            click.echo(f"    or alone, the full view: {release['full_view']}")
    click.echo(f"\nreads {say_size(found['read_bytes'])}, writes {say_size(found['write_bytes'])}")
    for disk in found["disks"]:
        needed, free = say_size(disk["needed_bytes"]), say_size(disk["free_bytes"])
        click.echo(f"  {disk['mount_point']}: {needed} of {free} free")


def _base_note(release: dict[str, Any]) -> str:
    base = release["base_found"]
    if base is None or base["found"] in (None, base["named"]):
        return ""
    count = base["inherited"]
    return f": {base['found']} has all {count} packages and is taken in place of {base['named']}"


def _show_order(found: dict[str, Any], *, err: bool = False) -> None:
    for number, tarball in enumerate(found["order"], 1):
        click.echo(f"{number}. {tarball['tarball']}: Fuel {tarball['fuel_version']}", err=err)
    if not found["order"]:
        click.echo("nothing to install", err=err)
    for tarball in found["skipped"]:
        click.echo(f"skipped {tarball['tarball']}: {tarball['why']}", err=err)


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
    shown = 0
    while True:
        try:
            with progress_bar(quiet=quiet) as progress:
                for number, event in enumerate(client.events(job)):
                    if event["event"] == "result":
                        result: dict[str, Any] = event["result"]
                        return result
                    if event["event"] == "error":
                        raise from_json(event)
                    if not quiet and number >= shown:
                        _show_event(event, progress)
                    shown = max(shown, number + 1)
                break
        except KeyboardInterrupt:
            if not cancels:
                click.echo(f"the daemon goes on; look again: fuel-upgrade watch {job}", err=True)
                raise
            cancels = False
            client.post(f"/jobs/{job}/cancel", {})
            click.echo("stopping and putting everything back; Ctrl-C again to leave", err=True)
    raise OutsideError(f"job {job} ended without a result", remedy="see fuel-upgrade history")


def _show_event(event: dict[str, Any], progress: Progress) -> None:
    kind = event["event"]
    if kind == "order":
        _show_order(event, err=True)
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
