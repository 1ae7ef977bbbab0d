"""``fuel-upgrade status``: the state of the daemon and of the master."""

import time
from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient, pass_client
from fuel_upgrade.cli.console import echo, print_json, print_json_line, print_pairs
from fuel_upgrade.cli.group import command
from fuel_upgrade.system.size import say_size


@command("fuel-upgrade status", "fuel-upgrade status --follow", "fuel-upgrade status --json")
@click.option("--follow", "follows", is_flag=True, help="Follow the running job.")
@pass_client
def status(client: DaemonClient, *, follows: bool, as_json: bool) -> None:
    """Show the state of the daemon and of this master.

    With --follow, print the events of the running job from its first step to its end; Ctrl-C only
    ends following. With --json too, each event is a line, the status the first.
    """
    if follows:
        _follow(client, as_json=as_json)
        return
    status_json = client.get("/status")
    if as_json:
        print_json(status_json)
    else:
        _show_status(status_json)


def _follow(client: DaemonClient, *, as_json: bool) -> None:
    from fuel_upgrade.cli.client.follow_job import attach, event_lines
    from fuel_upgrade.system.times import iso_time
    from fuel_upgrade.upgrade.event_json import status_to_json

    with event_lines(as_json=as_json):
        status_json = client.get("/status")
        if as_json:
            print_json_line(status_to_json(status_json, iso_time(time.time())))
        else:
            _show_status(status_json)
        if status_json["running"]:
            attach(client, status_json["running"], as_json=as_json)


def _show_status(status_json: dict[str, Any]) -> None:
    last = status_json["last_install"]
    print_pairs(
        {
            "Fuel version": status_json["fuel_version"],
            "control plane": status_json["control_plane"],
            **_running(status_json),
            "last install": f"{last['id']}, {last['state']}" if last else "none",
            "can be undone": _undoable(status_json),
            **_discarding(status_json),
        }
    )
    for record in status_json["unsettled"]:
        command = "recover" if record["state"] != "inconsistent" else f"repair {record['id']}"
        echo(f"{record['kind']} {record['id']} is {record['state']}: fuel-upgrade {command}")


def _running(status_json: dict[str, Any]) -> dict[str, object]:
    if status_json.get("job") is None and not status_json.get("locked_by"):
        return {"running": "nothing"}
    # Imported here because mostly no job runs, and scripts call this often.
    from fuel_upgrade.cli.client.job_text import running_pairs

    return running_pairs(status_json)


def _undoable(status_json: dict[str, Any]) -> str:
    if not status_json["undoable"]:
        return "nothing"
    return f"{status_json['undoable']}; its backups take {say_size(status_json['backups_bytes'])}"


def _discarding(status_json: dict[str, Any]) -> dict[str, object]:
    folders = status_json.get("discarding") or ()  # an older daemon has none
    return {"deleting": f"{', '.join(folders)}, in the background"} if folders else {}
