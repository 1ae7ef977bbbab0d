"""The commands that change a master or follow a change: install, rollback, watch."""

from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient, pass_client
from fuel_upgrade.cli.client.follow_job import attach, event_lines, follow, say_change
from fuel_upgrade.cli.console import echo
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.install.plan_command import (
    read_plan,
    repair_option,
    request_of,
    show_plan,
    verify_option,
    view_option,
    writing_repair,
)
from fuel_upgrade.cli.option_values import PATH
from fuel_upgrade.cli.release.release_table import print_releases
from fuel_upgrade.errors import NotFoundError


@command(
    "fuel-upgrade install /root/fuel-6.0-upgrade.tar.zst",
    "fuel-upgrade install --plan plan.json --wait-for-tasks 600",
    "fuel-upgrade install /root/tarballs --full-view --json",
)
@click.argument("tarballs", metavar="[TARBALL]...", nargs=-1, type=PATH)
@verify_option
@view_option
@repair_option
@click.option("--plan", "kept", type=PATH, help="Refuse if anything is not as in this plan.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=0,
    metavar="SECONDS",
    help="Wait so long for another install to end.",
)
@click.option(
    "--wait-for-tasks",
    "wait_for_tasks_s",
    type=click.FloatRange(min=0),
    default=0,
    metavar="SECONDS",
    help="Wait so long for running tasks of Nailgun; without it such an install is refused.",
)
@click.option(
    "--fail-if-installed",
    is_flag=True,
    help="Refuse (exit code 4) a tarball that is already installed.",
)
@click.option(
    "--idempotency-key",
    "key",
    metavar="KEY",
    help="Repeated with the same KEY, follow the first install: start no second one.",
)
@click.option("--dry-run", is_flag=True, help="Only plan, as fuel-upgrade plan does.")
@pass_client
def install(  # noqa: PLR0913 - an option each
    client: DaemonClient,
    *,
    tarballs: tuple[Path, ...],
    verify_base: bool,
    full_view: bool,
    repair: Path | None,
    kept: Path | None,
    wait_s: float,
    wait_for_tasks_s: float,
    fail_if_installed: bool,
    key: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Install an upgrade tarball: all of it, or nothing.

    If a step fails, all steps are undone. Several tarballs, or a folder of them, are installed one
    after the other, in the order that their content gives; the first failure ends this. A tarball
    that is already installed is skipped, which is no error. With --plan, TARBALL may be omitted:
    the plan names it. Ctrl-C stops the install and rolls it back; a second Ctrl-C exits, the daemon
    continues, and fuel-upgrade status --follow attaches again. With --json each event is a line,
    the result the last.
    """
    expected = read_plan(kept) if kept else None
    if not tarballs and expected is None:
        raise click.UsageError("Missing argument 'TARBALL...', or an option '--plan'.")
    if expected is not None and dry_run:
        raise click.UsageError(
            "--plan needs an install: fuel-upgrade plan writes a plan to compare."
        )
    if expected is not None and not tarballs:
        tarballs = (Path(str(expected.get("tarball"))),)
    request = request_of(tarballs, verify_base=verify_base, full_view=full_view)
    if dry_run:
        with writing_repair(client, request, repair):
            show_plan(client.post("/plans", request), as_json=as_json)
        return
    more = {
        "plan": expected,
        "wait_s": wait_s,
        "wait_for_tasks_s": wait_for_tasks_s,
        "fail_if_installed": fail_if_installed,
    }
    headers = {} if key is None else {"Idempotency-Key": key}
    with event_lines(as_json=as_json), writing_repair(client, request, repair):
        job = client.post("/installs", {**request, **more}, headers=headers)["job"]
        result = follow(client, job, as_json=as_json, cancels=True)
    if not as_json:
        _show_result(client, result)


def _show_result(client: DaemonClient, result: dict[str, Any]) -> None:
    if "installs" not in result and not result["changed"]:
        echo(f"installed already: Fuel {result['fuel_to']}, id {result['id']}")
        return
    for done in result.get("installs", [result]):
        echo(f"installed: Fuel {done['fuel_from']} -> {done['fuel_to']}, id {done['id']}")
    print_releases(client.get("/releases"))
    for done in result.get("installs", [result])[-1:]:
        echo(f"\nTo undo it: fuel-upgrade rollback {done['id']}")


@command("fuel-upgrade rollback", "fuel-upgrade rollback 22b5")
@click.argument("install_id", metavar="[ID]", required=False)
@pass_client
def rollback(client: DaemonClient, *, install_id: str | None, as_json: bool) -> None:
    """Undo the last successful install, gc or squash.

    With ID, refuse to undo any other.
    """
    with event_lines(as_json=as_json):
        job = client.post("/rollbacks", {"install": install_id})["job"]
        result = follow(client, job, as_json=as_json)
    if not as_json:
        change = f"Fuel {result['fuel_to']} -> {result['fuel_from']}"
        echo(f"undone: {say_change(result, change)}, id {result['id']}")


@command("fuel-upgrade watch", "fuel-upgrade watch 22b5589d")
@click.argument("job", required=False)
@pass_client
def watch(client: DaemonClient, *, job: str | None, as_json: bool) -> None:
    """Follow a running install or undo.

    Its events are printed from the first step on. JOB is an id that status shows; the default is
    the running job. Ctrl-C only ends watching. With --json each event is a line, the result the
    last.
    """
    with event_lines(as_json=as_json):
        running = job or client.get("/status")["running"]
        if running is None:
            raise NotFoundError("no job is running", remedy="see fuel-upgrade history")
        attach(client, running, as_json=as_json)
