"""The commands that look at a master: status, history, show."""

from typing import Any

import click

from fuel_upgrade.cli.client import DaemonClient, pass_client
from fuel_upgrade.cli.console import (
    json_option,
    print_json,
    print_json_line,
    print_pairs,
    print_table,
)
from fuel_upgrade.cli.follow import attach, event_lines
from fuel_upgrade.cli.group import examples
from fuel_upgrade.cli.progress import Shown, printable
from fuel_upgrade.system.size import say_size
from fuel_upgrade.system.times import say_time


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
    with event_lines(as_json=as_json and follows):
        found = client.get("/status")
        if as_json and follows:
            print_json_line({"event": "status", **found})
        elif as_json:
            print_json(found)
        else:
            _show_status(found)
        if follows and found["running"]:
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
    """Say in pairs what is under way, here or in another process."""
    job = found["job"]
    if job is None:
        holder = found["locked_by"]
        return {"running": f"nothing here, but {printable(holder)}" if holder else "nothing"}
    says: dict[str, object] = {"running": f"{job['kind']}, job {job['id']}"}
    if tarball := job["tarball"]:
        says["tarball"] = f"{tarball['number']} of {tarball['of']}: {printable(tarball['tarball'])}"
    says["now"] = _doing(job)
    numbers = Shown(
        job["doing"],
        percent=job["percent"],
        done=job["bytes_done"],
        total=job["bytes_total"],
        bytes_per_s=job["bytes_per_s"],
        remaining_s=job["remaining_s"],
    ).numbers()
    says["progress"] = ", ".join(numbers)
    says["started"] = job["started_at"]
    if job["waiting"]:
        says["waiting for it"] = ", ".join(job["waiting"])
    return {**says, "to follow it": "fuel-upgrade status --follow"}


def _doing(job: dict[str, Any]) -> str:
    step, doing = job["step"], printable(job["doing"])
    if step is None:
        return doing
    title = printable(step["title"])
    if job["going_back"]:
        return f"undoing step {step['number']}, {title}"
    of = f" of {step['of']}" if step["of"] else ""
    what = "" if doing == title else f": {doing}"
    return f"step {step['number']}{of}, {title}{what}" + (", then stop" if job["stopping"] else "")


def _undoable(found: dict[str, Any]) -> str:
    if not found["undoable"]:
        return "nothing"
    return f"{found['undoable']}; its backups take {say_size(found['backups_bytes'])}"


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
    print_pairs(
        {
            found["kind"]: found["id"],
            "tarball" if found["kind"] == "install" else "what": found["tarball"],
            "Fuel": f"{found['fuel_from']} -> {found['fuel_to']}",
            "state": found["state"],
            "started": say_time(found["started_s"]),
            "ended": say_time(found["ended_s"]),
        }
    )
    if found["backups_bytes"]:
        click.echo(f"backups: {say_size(found['backups_bytes'])}")
    if found["note"]:
        click.echo(f"note:    {found['note']}")
    if found["error"]:
        click.echo(f"error:   {found['error']['what']}\nremedy:  {found['error']['remedy']}")
    rows = [(s["number"], s["title"], s["state"], s["error"] or "") for s in found["steps"]]
    click.echo()
    print_table(("step", "what", "state", "error"), rows, empty="no step was begun")
    _print_hooks(found["hooks"])


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
