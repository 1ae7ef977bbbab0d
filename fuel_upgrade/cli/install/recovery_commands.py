"""The commands for an install that did not end well: cancel, recover, repair."""

from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient, pass_client
from fuel_upgrade.cli.client.follow_job import event_lines, follow
from fuel_upgrade.cli.console import json_option, print_json
from fuel_upgrade.cli.group import examples
from fuel_upgrade.errors import NotFoundError


@click.command(epilog=examples("fuel-upgrade cancel"))
@click.argument("job", required=False)
@json_option
@pass_client
def cancel(client: DaemonClient, *, job: str | None, as_json: bool) -> None:
    """Stop an install, and put everything back.

    It stops at its next safe point. JOB is an id that status shows; without it, the one under way.
    """
    found = job or client.get("/status")["running"]
    if found is None:
        raise NotFoundError("nothing is under way", remedy="see fuel-upgrade history")
    answer = client.post(f"/jobs/{found}/cancel", {})
    if as_json:
        print_json(answer)
    else:
        click.echo(f"job {found} stops; see what becomes of it: fuel-upgrade watch {found}")


@click.command(epilog=examples("fuel-upgrade recover", "fuel-upgrade recover --resume"))
@click.option(
    "--rollback",
    "policy",
    flag_value="rollback",
    help="Put everything back, whatever the settings say.",
)
@click.option("--resume", "policy", flag_value="resume", help="Go on where it was cut off.")
@json_option
@pass_client
def recover(client: DaemonClient, *, policy: str | None, as_json: bool) -> None:
    """Roll back or resume what a crash left unfinished.

    The daemon does this when it starts. Without an option the settings decide (recovery.policy).
    """
    with event_lines(as_json=as_json):
        job = client.post("/recoveries", {"policy": policy})["job"]
        result = follow(client, job, as_json=as_json, cancels=True)
    if as_json:
        return
    for record in result["installs"]:
        _say(record)
    if not result["installs"]:
        click.echo("nothing was unfinished")


@click.command(epilog=examples("fuel-upgrade repair", "fuel-upgrade repair 22b5 --accept"))
@click.argument("install_id", metavar="[ID]", required=False)
@click.option(
    "--accept",
    is_flag=True,
    help="Undo nothing more: take the master as it is, and allow installs again.",
)
@json_option
@pass_client
def repair(client: DaemonClient, *, install_id: str | None, accept: bool, as_json: bool) -> None:
    """Settle an install that is inconsistent.

    What is not undone yet is undone. Remove first what was in the way; fuel-upgrade show ID
    names it.
    """
    with event_lines(as_json=as_json):
        job = client.post("/repairs", {"install": install_id, "accept": accept})["job"]
        result = follow(client, job, as_json=as_json)
    if not as_json:
        _say(result)


def _say(record: dict[str, Any]) -> None:
    versions = f": Fuel {record['fuel_to']} -> {record['fuel_from']}" if record["fuel_to"] else ""
    click.echo(f"{record['state']}{versions}, id {record['id']}")
    if record["note"]:
        click.echo(record["note"])
