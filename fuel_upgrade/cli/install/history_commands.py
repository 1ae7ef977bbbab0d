"""The commands that list the changes of a master: history, show."""

from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient, pass_client
from fuel_upgrade.cli.console import echo, print_json, print_pairs, print_table
from fuel_upgrade.cli.group import command
from fuel_upgrade.system.size import say_size
from fuel_upgrade.system.times import say_time


@command("fuel-upgrade history", "fuel-upgrade history --json")
@pass_client
def history(client: DaemonClient, *, as_json: bool) -> None:
    """List the installs of this master, oldest first.

    Other changes, such as gc and squash, are in the list too.
    """
    installs = client.get("/installs")
    if as_json:
        print_json({"installs": installs})
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
        for i in installs
    ]
    columns = ("id", "kind", "started", "Fuel", "state", "tarball or release")
    print_table(columns, rows, empty="no installs yet")


@command("fuel-upgrade show 22b5", "fuel-upgrade show 22b5589d --json")
@click.argument("install_id", metavar="ID")
@pass_client
def show(client: DaemonClient, *, install_id: str, as_json: bool) -> None:
    """Show one install: its steps, its error, its hooks.

    The start of an ID is enough.
    """
    install = client.get(f"/installs/{install_id}")
    if as_json:
        print_json(install)
        return
    print_pairs(_show_pairs(install))
    rows = [(s["number"], s["state"], _step_text(s)) for s in install["steps"]]
    echo()
    print_table(("step", "state", "change"), rows, empty="no step was begun")
    _print_hooks(install["hooks"])


def _show_pairs(install: dict[str, Any]) -> dict[str, object]:
    pairs: dict[str, object] = {
        install["kind"]: install["id"],
        "tarball" if install["kind"] == "install" else "change": install["tarball"],
        "Fuel": f"{install['fuel_from']} -> {install['fuel_to']}",
        "state": install["state"],
        "started": say_time(install["started_s"]),
        "ended": say_time(install["ended_s"]),
    }
    if install["backups_bytes"]:
        pairs["backups"] = say_size(install["backups_bytes"])
    if install["note"]:
        pairs["note"] = install["note"]
    if install["error"]:
        pairs |= {"error": install["error"]["what"], "remedy": install["error"]["remedy"]}
    return pairs


def _step_text(step: dict[str, Any]) -> str:
    return f"{step['title']}\nerror: {step['error']}" if step["error"] else str(step["title"])


def _print_hooks(runs: list[dict[str, Any]]) -> None:
    """Print the runs of hooks, each with the last line of its output."""
    if not runs:
        return
    echo()
    rows = [
        (
            f"{run['point']}/{run['name']}",
            say_time(run["started_s"]),
            "did not end" if run["exit_code"] is None else run["exit_code"],
            run["output"].strip().rpartition("\n")[2],
        )
        for run in runs
    ]
    print_table(("hook", "started", "exit", "last words"), rows, empty="")
