"""The commands that look at what changed a master: history, show."""

from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient, pass_client
from fuel_upgrade.cli.console import json_option, print_json, print_pairs, print_table
from fuel_upgrade.cli.group import examples
from fuel_upgrade.system.size import say_size
from fuel_upgrade.system.times import say_time


@click.command(epilog=examples("fuel-upgrade history", "fuel-upgrade history --json"))
@json_option
@pass_client
def history(client: DaemonClient, *, as_json: bool) -> None:
    """List the installs of this master, oldest first.

    Other changes, such as gc and squash, are in the list too.
    """
    found = client.get("/installs")
    if as_json:
        print_json({"installs": found})
        return
    rows = [
        (
            i["id"],
            i["kind"],
            say_time(i["started_s"]),
            f"{i['fuel_from']} -> {i['fuel_to']}",
            i["state"],
            i["tarball"],
        )
        for i in found
    ]
    columns = ("id", "kind", "started", "Fuel", "state", "tarball or release")
    print_table(columns, rows, empty="no installs yet")


@click.command(epilog=examples("fuel-upgrade show 22b5", "fuel-upgrade show 22b5589d --json"))
@click.argument("install_id", metavar="ID")
@json_option
@pass_client
def show(client: DaemonClient, *, install_id: str, as_json: bool) -> None:
    """Show one install: its steps, its error, its hooks.

    The start of an ID is enough.
    """
    found = client.get(f"/installs/{install_id}")
    if as_json:
        print_json(found)
        return
    print_pairs(_show_pairs(found))
    rows = [(s["number"], s["state"], _step_text(s)) for s in found["steps"]]
    click.echo()
    print_table(("step", "state", "what"), rows, empty="no step was begun")
    _print_hooks(found["hooks"])


def _show_pairs(found: dict[str, Any]) -> dict[str, object]:
    pairs: dict[str, object] = {
        found["kind"]: found["id"],
        "tarball" if found["kind"] == "install" else "what": found["tarball"],
        "Fuel": f"{found['fuel_from']} -> {found['fuel_to']}",
        "state": found["state"],
        "started": say_time(found["started_s"]),
        "ended": say_time(found["ended_s"]),
    }
    if found["backups_bytes"]:
        pairs["backups"] = say_size(found["backups_bytes"])
    if found["note"]:
        pairs["note"] = found["note"]
    if found["error"]:
        pairs |= {"error": found["error"]["what"], "remedy": found["error"]["remedy"]}
    return pairs


def _step_text(step: dict[str, Any]) -> str:
    return f"{step['title']}\nerror: {step['error']}" if step["error"] else str(step["title"])


def _print_hooks(found: list[dict[str, Any]]) -> None:
    """Print the runs of hooks, each with the last line of its output."""
    if not found:
        return
    click.echo()
    rows = [
        (
            f"{run['point']}/{run['name']}",
            say_time(run["started_s"]),
            "did not end" if run["exit_code"] is None else run["exit_code"],
            run["output"].strip().rpartition("\n")[2],
        )
        for run in found
    ]
    print_table(("hook", "started", "exit", "last words"), rows, empty="")
