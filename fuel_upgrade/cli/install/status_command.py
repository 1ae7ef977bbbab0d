"""``fuel-upgrade status``: what the daemon does now, and what the master runs."""

import time
from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient, pass_client
from fuel_upgrade.cli.console import json_option, print_json, print_json_line, print_pairs
from fuel_upgrade.cli.group import examples
from fuel_upgrade.system.size import say_size


@click.command(
    epilog=examples(
        "fuel-upgrade status", "fuel-upgrade status --follow", "fuel-upgrade status --json"
    )
)
@click.option("--follow", "follows", is_flag=True, help="Go on showing what is under way.")
@json_option
@pass_client
def status(client: DaemonClient, *, follows: bool, as_json: bool) -> None:
    """Show what the daemon does and what this master runs.

    With --follow, what is under way is shown from its first step on, and as it goes on; Ctrl-C
    only stops showing it. With --json as well every event is a line, the status the first.
    """
    if follows:
        _follow(client, as_json=as_json)
        return
    found = client.get("/status")
    if as_json:
        print_json(found)
    else:
        _show_status(found)


def _follow(client: DaemonClient, *, as_json: bool) -> None:
    from fuel_upgrade.cli.client.follow_job import attach, event_lines
    from fuel_upgrade.system.times import iso_time
    from fuel_upgrade.upgrade.event_json import status_to_json

    with event_lines(as_json=as_json):
        found = client.get("/status")
        if as_json:
            print_json_line(status_to_json(found, iso_time(time.time())))
        else:
            _show_status(found)
        if found["running"]:
            attach(client, found["running"], as_json=as_json)


def _show_status(found: dict[str, Any]) -> None:
    last = found["last_install"]
    print_pairs(
        {
            "Fuel version": found["fuel_version"],
            "control plane": found["control_plane"],
            **_running(found),
            "last install": f"{last['id']}, {last['state']}" if last else "none",
            "can be undone": _undoable(found),
        }
    )
    for record in found["unsettled"]:
        what = "recover" if record["state"] != "inconsistent" else f"repair {record['id']}"
        click.echo(f"{record['kind']} {record['id']} is {record['state']}: fuel-upgrade {what}")


def _running(found: dict[str, Any]) -> dict[str, object]:
    if found.get("job") is None and not found.get("locked_by"):
        return {"running": "nothing"}
    # Only here: scripts ask often, and mostly nothing is under way.
    from fuel_upgrade.cli.client.job_text import running_pairs

    return running_pairs(found)


def _undoable(found: dict[str, Any]) -> str:
    if not found["undoable"]:
        return "nothing"
    return f"{found['undoable']}; its backups take {say_size(found['backups_bytes'])}"
