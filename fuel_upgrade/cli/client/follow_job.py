"""Follows a job of the daemon: prints its events as lines above a bar, or as JSON."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient
from fuel_upgrade.cli.console import echo, print_json_line
from fuel_upgrade.cli.group import interrupted
from fuel_upgrade.cli.progress_bar import display
from fuel_upgrade.errors import UpgradeError
from fuel_upgrade.system.times import iso_time


def follow(
    client: DaemonClient, job: str, *, as_json: bool, cancels: bool = False
) -> dict[str, Any]:
    """Print a job's events until it ends; return its result, or raise its error.

    With ``cancels`` the first Ctrl-C asks the daemon to stop and roll back, and following goes on;
    any other Ctrl-C only ends following. With ``as_json`` each event, the result too, is a line on
    stdout; :func:`event_lines` prints errors.
    """
    from fuel_upgrade.cli.client.job_stream import JobStream, interrupts_held

    stream = JobStream(client, job, as_json=as_json)
    try:
        with interrupts_held() as interrupts, display(quiet=as_json) as shown:
            try:
                return stream.until_end(shown, interrupts)
            except KeyboardInterrupt:
                if not cancels:
                    raise
            with interrupts.allowed():  # a second Ctrl-C may follow at once
                stream.cancel(shown)
            return stream.until_end(shown, interrupts)
    except KeyboardInterrupt:
        again = "the daemon continues; to follow again: fuel-upgrade status --follow"
        echo(again, err=True)
        raise


def attach(client: DaemonClient, job: str, *, as_json: bool) -> None:
    """Follow a job that another client started, and print its result."""
    result = follow(client, job, as_json=as_json)
    if as_json:
        return
    for done in result.get("installs", [result]):
        change = f"Fuel {done['fuel_from']} -> {done['fuel_to']}"
        echo(f"{done['state']}: {say_change(done, change)}")


def say_change(record: dict[str, Any], install: str) -> str:
    """Describe a record: ``install`` for an install, or else the requested change."""
    return install if record["kind"] == "install" else str(record["tarball"])


@contextmanager
def event_lines(*, as_json: bool) -> Iterator[None]:
    """With ``as_json``, print the error of a command as the last event, and exit.

    So a script gets a last line even if no job was started.
    """
    try:
        yield
    except (UpgradeError, KeyboardInterrupt) as error:
        if not as_json:
            raise
        from fuel_upgrade.upgrade.event_json import StreamedEvent, to_json
        from fuel_upgrade.upgrade.events import JobFailed

        known = error if isinstance(error, UpgradeError) else interrupted()
        print_json_line(to_json(StreamedEvent(JobFailed(known), iso_time(time.time()))))
        raise click.exceptions.Exit(known.exit_code) from error
