"""The commands that make room on a master: gc, and squash, which lets a release need no base."""

import json
from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient, pass_client
from fuel_upgrade.cli.client.follow_job import event_lines, follow
from fuel_upgrade.cli.console import json_option, print_json, print_table
from fuel_upgrade.cli.group import examples
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.system.size import say_size

_PATH = click.Path(path_type=Path)


@click.command(
    epilog=examples(
        "fuel-upgrade gc",
        "fuel-upgrade gc --plan retire.json",
        "fuel-upgrade gc --apply retire.json",
    )
)
@click.option(
    "--release",
    "versions",
    metavar="VERSION",
    multiple=True,
    help="Retire this release; may be repeated. The default is all that are free.",
)
@click.option("--plan", "out", type=_PATH, help="Write the plan to this new file, for review.")
@click.option("--apply", "reviewed", type=_PATH, help="Carry out the plan in this file.")
@click.option("--release-backups", is_flag=True, help="Give up what the last undo would need.")
@json_option
@pass_client
def gc(  # noqa: PLR0913 - an option each
    client: DaemonClient,
    *,
    versions: tuple[str, ...],
    out: Path | None,
    reviewed: Path | None,
    release_backups: bool,
    as_json: bool,
) -> None:
    """Retire releases that nothing depends on.

    It is done by a reviewed plan. Without an option it only shows what could be retired, what
    is kept, and why. --plan writes that to a file, --apply carries the file out as one
    transaction, which rollback can undo until its backups are given up. Room is free then, not
    before.
    """
    asked = [bool(versions or out), bool(reviewed), release_backups]
    if sum(asked) > 1:
        raise ConfigError(
            "--apply and --release-backups stand alone",
            remedy="name --plan and --release in one call, --apply in the next",
        )
    if release_backups:
        _release_backups(client, as_json=as_json)
    elif reviewed is not None:
        _apply(client, reviewed, as_json=as_json)
    else:
        _plan(client, versions, out, as_json=as_json)


@click.command(
    epilog=examples("fuel-upgrade squash 2014.2-6.0 --dry-run", "fuel-upgrade squash 2014.2-6.0")
)
@click.argument("version")
@click.option("--dry-run", is_flag=True, help="Only show the steps.")
@json_option
@pass_client
def squash(client: DaemonClient, *, version: str, dry_run: bool, as_json: bool) -> None:
    """Make a release independent of its bases.

    gc can retire them then. VERSION must be the newest release of its chain. Its diff repos
    become full ones in their places, by hard links, and Nailgun is told that it has no other
    repos.
    """
    if dry_run:
        found = client.post("/squash-plans", {"release": version})
        if as_json:
            print_json(found)
            return
        rows = [(s["number"], f"{s['title']}\nundo: {s['undo']}") for s in found["steps"]]
        print_table(("step", "what"), rows, empty="nothing to do")
        return
    with event_lines(as_json=as_json):
        job = client.post("/squashes", {"release": version})["job"]
        result = follow(client, job, as_json=as_json)
    if not as_json:
        _say_done(f"squashed: release {version} needs no base any more", result)


def _plan(
    client: DaemonClient, versions: tuple[str, ...], out: Path | None, *, as_json: bool
) -> None:
    if out is not None and out.exists():
        raise ConfigError(f"{out}: exists already", remedy="name a new file, or remove this one")
    found = client.post("/gc-plans", {"releases": list(versions)})
    if out is not None:
        _write(out, found)
    if as_json:
        print_json(found)
        return
    _show(found)
    if out is not None:
        click.echo(f"\nwritten to {out}; to carry it out: fuel-upgrade gc --apply {out}")


def _write(out: Path, found: dict[str, Any]) -> None:
    from fuel_upgrade.system.files import write_file

    try:
        write_file(out, (json.dumps(found, indent=2) + "\n").encode())
    except OSError as error:
        raise ConfigError(f"{out}: {error}", remedy="name a file that can be written") from error


def _show(found: dict[str, Any]) -> None:
    rows = [
        (what, one["id"], one["name"], one["version"], _why(one))
        for what, group in (("retire", found["retire"]), ("keep", found["keep"]))
        for one in group
    ]
    print_table(("", "id", "release", "version", "why"), rows, empty="no releases")
    if not found["retire"]:
        click.echo("\nnothing can be retired")
        return
    click.echo("\nfolders:")
    for folder in found["folders"]:
        click.echo(f"  {folder['path']}: {say_size(folder['bytes'])}, {folder['files']} files")
    click.echo(f"frees {say_size(found['freed_bytes'])} when the backups are given up")


def _why(one: dict[str, Any]) -> str:
    lacks = ", ".join(one["undo_lacks"])
    return f"{one['why']} (undoing cannot bring back: {lacks})" if lacks else str(one["why"])


def _apply(client: DaemonClient, reviewed: Path, *, as_json: bool) -> None:
    with event_lines(as_json=as_json):
        job = client.post("/gcs", {"plan": _read(reviewed)})["job"]
        result = follow(client, job, as_json=as_json)
    if not as_json:
        _say_done(f"done: {result['tarball']}", result)


def _read(reviewed: Path) -> Any:
    try:
        return json.loads(reviewed.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{reviewed}: {error}", remedy="name a file that fuel-upgrade gc --plan wrote"
        ) from error


def _say_done(what: str, result: dict[str, Any]) -> None:
    click.echo(f"{what}, id {result['id']}")
    click.echo(f"\nTo undo it: fuel-upgrade rollback {result['id']}")
    click.echo("To free the room, and not be able to any more: fuel-upgrade gc --release-backups")


def _release_backups(client: DaemonClient, *, as_json: bool) -> None:
    with event_lines(as_json=as_json):
        job = client.post("/backup-releases", {})["job"]
        result = follow(client, job, as_json=as_json)
    if not as_json:
        click.echo(f"given up: the backups of {result['kind']} {result['id']}")
