"""The commands that stop or settle an install: cancel, recover, repair."""

from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient, pass_client
from fuel_upgrade.cli.client.follow_job import event_lines, follow
from fuel_upgrade.cli.console import echo, print_json
from fuel_upgrade.cli.group import command
from fuel_upgrade.errors import NotFoundError


@command("fuel-upgrade cancel")
@click.argument("job", required=False)
@pass_client
def cancel(client: DaemonClient, *, job: str | None, as_json: bool) -> None:
    """Stop an install and roll it back.

    It stops at its next safe point. JOB is an id that status shows; the default is the running job.
    """
    running = job or client.get("/status")["running"]
    if running is None:
        raise NotFoundError("no job is running", remedy="see fuel-upgrade history")
    answer = client.post(f"/jobs/{running}/cancel", {})
    if as_json:
        print_json(answer)
    else:
        echo(f"job {running} stops; to follow it: fuel-upgrade watch {running}")


@command("fuel-upgrade recover", "fuel-upgrade recover --resume")
@click.option(
    "--rollback",
    "policy",
    flag_value="rollback",
    help="Roll back, whatever the settings are.",
)
@click.option("--resume", "policy", flag_value="resume", help="Continue the interrupted install.")
@pass_client
def recover(client: DaemonClient, *, policy: str | None, as_json: bool) -> None:
    """Roll back or resume an install that a crash interrupted.

    The daemon does this when it starts. The default is the setting recovery.policy.
    """
    with event_lines(as_json=as_json):
        job = client.post("/recoveries", {"policy": policy})["job"]
        result = follow(client, job, as_json=as_json, cancels=True)
    if as_json:
        return
    for record in result["installs"]:
        _say(record)
    if not result["installs"]:
        echo("nothing was unfinished")


@command("fuel-upgrade repair", "fuel-upgrade repair 22b5 --accept")
@click.argument("install_id", metavar="[ID]", required=False)
@click.option(
    "--accept",
    is_flag=True,
    help="Undo no more steps: accept the master as it is, and allow installs again.",
)
@pass_client
def repair(client: DaemonClient, *, install_id: str | None, accept: bool, as_json: bool) -> None:
    """Settle an install that is inconsistent.

    Its remaining steps are undone. Remove the cause of the failure first; fuel-upgrade show ID
    names it. A release that Nailgun registered after a rollback is deleted.
    """
    with event_lines(as_json=as_json):
        job = client.post("/repairs", {"install": install_id, "accept": accept})["job"]
        result = follow(client, job, as_json=as_json)
    if not as_json:
        _say(result)


def _say(record: dict[str, Any]) -> None:
    versions = f": Fuel {record['fuel_to']} -> {record['fuel_from']}" if record["fuel_to"] else ""
    echo(f"{record['state']}{versions}, id {record['id']}")
    if record["note"]:
        echo(record["note"])
