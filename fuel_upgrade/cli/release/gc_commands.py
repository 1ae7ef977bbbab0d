"""The commands that free disk space: gc, and squash, which makes a release independent."""

from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient, pass_client
from fuel_upgrade.cli.client.follow_job import event_lines, follow
from fuel_upgrade.cli.console import echo, print_json, print_table
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.operator_files import read_json, write_json
from fuel_upgrade.cli.option_values import PATH
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.system.new_output import require_new
from fuel_upgrade.system.size import say_size


@command(
    "fuel-upgrade gc", "fuel-upgrade gc --plan retire.json", "fuel-upgrade gc --apply retire.json"
)
@click.option(
    "--release",
    "versions",
    metavar="VERSION",
    multiple=True,
    help="Retire this release; may be repeated. The default is all that are free.",
)
@click.option("--plan", "out", type=PATH, help="Write the plan to this new file, for review.")
@click.option("--apply", "reviewed", type=PATH, help="Carry out the plan in this file.")
@click.option(
    "--release-backups", is_flag=True, help="Delete the backups that the next rollback would need."
)
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

    Without an option, show the releases that could be retired, those that are kept, and the
    reasons. --plan writes this plan to a file for review; --apply carries the file out as one
    transaction. rollback can undo it until its backups are deleted; only that frees disk space.
    """
    choices = [bool(versions or out), bool(reviewed), release_backups]
    if sum(choices) > 1:
        raise ConfigError(
            "--apply and --release-backups cannot be combined",
            remedy="name --plan and --release in one call, --apply in the next",
        )
    if release_backups:
        _release_backups(client, as_json=as_json)
    elif reviewed is not None:
        _apply(client, reviewed, as_json=as_json)
    else:
        _plan(client, versions, out, as_json=as_json)


@command("fuel-upgrade squash 2014.2-6.0 --dry-run", "fuel-upgrade squash 2014.2-6.0")
@click.argument("version")
@click.option("--dry-run", is_flag=True, help="Only show the steps.")
@pass_client
def squash(client: DaemonClient, *, version: str, dry_run: bool, as_json: bool) -> None:
    """Make a release independent of its bases.

    gc can retire them then. VERSION must be the newest release of its chain. Its diff repos
    become full repos in the same places, by hard links, and are its only repos in Nailgun.
    """
    if dry_run:
        plan = client.post("/squash-plans", {"release": version})
        if as_json:
            print_json(plan)
            return
        rows = [(s["number"], f"{s['title']}\nundo: {s['undo']}") for s in plan["steps"]]
        print_table(("step", "change"), rows, empty="nothing to do")
        return
    with event_lines(as_json=as_json):
        job = client.post("/squashes", {"release": version})["job"]
        result = follow(client, job, as_json=as_json)
    if not as_json:
        _say_done(f"squashed: release {version} needs no base any more", result)


def _plan(
    client: DaemonClient, versions: tuple[str, ...], out: Path | None, *, as_json: bool
) -> None:
    if out is not None:
        require_new(out)
    plan = client.post("/gc-plans", {"releases": list(versions)})
    if out is not None:
        write_json(out, plan)
    if as_json:
        print_json(plan)
        return
    _show(plan)
    if out is not None:
        echo(f"\nwritten to {out}; to carry it out: fuel-upgrade gc --apply {out}")


def _show(plan: dict[str, Any]) -> None:
    rows = [
        (action, release["id"], release["name"], release["version"], _why(release))
        for action, group in (("retire", plan["retire"]), ("keep", plan["keep"]))
        for release in group
    ]
    print_table(("", "id", "release", "version", "why"), rows, empty="no releases")
    if not plan["retire"]:
        echo("\nnothing can be retired")
        return
    echo("\nfolders:")
    for folder in plan["folders"]:
        echo(f"  {folder['path']}: {say_size(folder['bytes'])}, {folder['files']} files")
    for version, venvs in plan["venvs"].items():
        echo(f"venvs of {version}: {', '.join(venvs) or 'other releases keep all'}")
    echo(f"frees {say_size(plan['freed_bytes'])} when the backups are deleted")


def _why(release: dict[str, Any]) -> str:
    lacks = ", ".join(release["undo_lacks"])
    return (
        f"{release['why']} (undoing cannot bring back: {lacks})" if lacks else str(release["why"])
    )


def _apply(client: DaemonClient, reviewed: Path, *, as_json: bool) -> None:
    with event_lines(as_json=as_json):
        plan = read_json(reviewed, "a plan", remedy="name a file that fuel-upgrade gc --plan wrote")
        job = client.post("/gcs", {"plan": plan})["job"]
        result = follow(client, job, as_json=as_json)
    if not as_json:
        _say_done(f"done: {result['tarball']}", result)


def _say_done(action: str, result: dict[str, Any]) -> None:
    echo(f"{action}, id {result['id']}")
    echo(f"\nTo undo it: fuel-upgrade rollback {result['id']}")
    echo(
        "To free the disk space, after which it cannot be undone: fuel-upgrade gc --release-backups"
    )


def _release_backups(client: DaemonClient, *, as_json: bool) -> None:
    with event_lines(as_json=as_json):
        job = client.post("/backup-releases", {})["job"]
        result = follow(client, job, as_json=as_json)
    if not as_json:
        echo(f"deleted: the backups of {result['kind']} {result['id']}")
