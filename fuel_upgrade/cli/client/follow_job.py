"""Following a job of the daemon: its events as lines above a bar, or as JSON for scripts."""

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from types import FrameType
from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient
from fuel_upgrade.cli.console import print_json_line
from fuel_upgrade.cli.group import interrupted
from fuel_upgrade.cli.progress_bar import Display, Shown, display
from fuel_upgrade.errors import OutsideError, PreflightError, UpgradeError, from_json
from fuel_upgrade.system.age import say_age
from fuel_upgrade.system.progress import IN_BYTES
from fuel_upgrade.system.times import iso_time


def follow(
    client: DaemonClient, job: str, *, as_json: bool, cancels: bool = False
) -> dict[str, Any]:
    """Show a job's events until it ends; return its result, or raise its error.

    With ``cancels`` the first Ctrl-C asks the daemon to stop and put everything back, and goes on
    showing that; any other Ctrl-C ends the showing alone. With ``as_json`` each event is a line on
    stdout, the result too; an error is for :func:`event_lines` to print.
    """
    following = _Following(client, job, as_json=as_json)
    try:
        with _interrupts() as interrupts, display(quiet=as_json) as shown:
            try:
                return following.until_end(shown, interrupts)
            except KeyboardInterrupt:
                if not cancels:
                    raise
            with interrupts.allowed():  # a second one may come at once
                following.cancel(shown)
            return following.until_end(shown, interrupts)
    except KeyboardInterrupt:
        again = "the daemon goes on; look again: fuel-upgrade status --follow"
        click.echo(again, err=True)
        raise


def attach(client: DaemonClient, job: str, *, as_json: bool) -> None:
    """Follow a job that was begun elsewhere, and say what became of it."""
    result = follow(client, job, as_json=as_json)
    if as_json:
        return
    for done in result.get("installs", [result]):
        change = f"Fuel {done['fuel_from']} -> {done['fuel_to']}"
        click.echo(f"{done['state']}: {say_change(done, change)}")


def say_change(record: dict[str, Any], install: str) -> str:
    """Say what a record is about: of an install ``install``, else what was asked for."""
    return install if record["kind"] == "install" else str(record["tarball"])


@contextmanager
def event_lines(*, as_json: bool) -> Iterator[None]:
    """With ``as_json``, print what a command fails with as the last event, and end it.

    So a script that reads lines gets one however far the command came.
    """
    try:
        yield
    except (UpgradeError, KeyboardInterrupt) as error:
        if not as_json:
            raise
        known = error if isinstance(error, UpgradeError) else interrupted()
        event = {"event": "error", "at": iso_time(time.time()), **known.to_json()}
        print_json_line(event)
        raise click.exceptions.Exit(known.exit_code) from error


class _Interrupts:
    """Lets Ctrl-C through only where the command waits, never amid a line that it prints."""

    def __init__(self) -> None:
        self._is_allowed = False
        self._has_come = False

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_allowed:
            raise KeyboardInterrupt
        self._has_come = True

    @contextmanager
    def allowed(self) -> Iterator[None]:
        self._is_allowed = True
        try:
            if self._has_come:
                self._has_come = False
                raise KeyboardInterrupt
            yield
        finally:
            self._is_allowed = False


@contextmanager
def _interrupts() -> Iterator[_Interrupts]:
    interrupts = _Interrupts()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is signal.SIG_IGN:
        yield interrupts
        return
    signal.signal(signal.SIGINT, interrupts.handle)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


class _Following:
    """The following of one job; begun again, it leaves out what was shown before."""

    def __init__(self, client: DaemonClient, job: str, *, as_json: bool) -> None:
        self._client = client
        self._job = job
        self._as_json = as_json
        self._lines = 0  # of progress only the last is kept: it does not count
        self._told = _Told(Shown("checking"))

    def cancel(self, shown: Display) -> None:
        try:
            self._client.post(f"/jobs/{self._job}/cancel", {})
        except PreflightError as error:  # it goes back already, or has ended
            shown.line(error.what)
        else:
            shown.line("stopping and putting everything back; Ctrl-C again to leave")

    def until_end(self, shown: Display, interrupts: _Interrupts) -> dict[str, Any]:
        events = self._client.events(self._job)
        number = 0
        while True:
            with interrupts.allowed():
                event = next(events, None)
            if event is None:
                what = f"job {self._job} ended without a result"
                raise OutsideError(what, remedy="see fuel-upgrade history")
            if event["event"] == "error":
                raise from_json(event)
            is_line = event["event"] not in ("progress", "waiting")
            number += is_line
            if not is_line or number > self._lines:
                self._show(event, shown)
            self._lines = max(self._lines, number)
            if event["event"] == "result":
                result: dict[str, Any] = event["result"]
                return result

    def _show(self, event: Mapping[str, Any], shown: Display) -> None:
        if self._as_json:
            print_json_line(event)
            return
        self._told, lines = self._told.after(event)
        for line in lines:
            shown.line(line)
        shown.show(self._told.shown, _seconds(event))


def _seconds(event: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(event["at"]).timestamp() if "at" in event else 0.0


@dataclass(frozen=True, slots=True)
class _Told:
    """What was told of a job so far, as far as the next line depends on it."""

    shown: Shown
    waits_for: str = ""

    def after(self, event: Mapping[str, Any]) -> "tuple[_Told, tuple[str, ...]]":
        """Return what is told after an event, and its lines."""
        kind = event["event"]
        if kind == "waiting":
            return self._waiting(event)
        return replace(self, shown=_shown(self.shown, event)), tuple(_lines(event))

    def _waiting(self, event: Mapping[str, Any]) -> "tuple[_Told, tuple[str, ...]]":
        on, age = event["on"], say_age(event["wait_s"])
        now = replace(self, shown=Shown(f"waiting up to {age} for {on}"), waits_for=on)
        return now, () if on == self.waits_for else (f"waiting up to {age} for {on}",)


def _shown(before: Shown, event: Mapping[str, Any]) -> Shown:
    """Return what the bar shows after an event."""
    kind, percent = event["event"], event.get("percent")
    if kind == "step":
        return Shown(event["title"], f"[{event['number']}/{event['of']}]", percent)
    if kind == "undo step":
        return Shown(event["title"], f"undo [{event['number']}]", percent)
    if kind in ("failed", "undo", "repair"):
        return Shown("putting everything back")
    if kind == "tarball":
        return Shown(f"checking {event['tarball']}", "", before.percent)
    if kind != "progress":
        return before
    in_bytes = event["what"] in IN_BYTES
    return Shown(
        event["what"],
        before.step,
        percent,
        event["done"],
        event["total"],
        in_bytes=in_bytes,
        bytes_per_s=event.get("bytes_per_s"),
        remaining_s=event.get("remaining_s"),
    )


def _lines(event: Mapping[str, Any]) -> Iterator[str]:
    """Give the lines of an event that stay."""
    match event["event"]:
        case "order":
            yield from order_lines(event)
        case "tarball":
            yield f"== {event['number']} of {event['of']}: {event['tarball']}"
        case "base":
            yield f"{event['version']}: on {event['found']}, not {event['named']}"
        case "step":
            yield f"[{event['number']}/{event['of']}] {event['title']}"
        case "undo step":
            yield f"undo [{event['number']}] {event['title']}"
        case "failed":
            yield f"failed: {event['what']}"
        case "hook output":
            yield f"  {event['hook']}: {event['line']}"
        case "hook ended" if event["exit_code"] != 0:
            yield f"hook {event['hook']} ended with {event['exit_code']}"
        case "hook refused" | "hook broke":
            yield f"{event['event']}: {event['what']}"
        case _:
            return


def order_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Say in which order several tarballs are installed, and which are not."""
    for number, tarball in enumerate(found["order"], 1):
        yield f"{number}. {tarball['tarball']}: Fuel {tarball['fuel_version']}"
    if not found["order"]:
        yield "nothing to install"
    for tarball in found["skipped"]:
        yield f"skipped {tarball['tarball']}: {tarball['why']}"
