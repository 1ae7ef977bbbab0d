"""Follows a job of the daemon: prints its events as lines above a bar, or as JSON."""

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from types import FrameType
from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient
from fuel_upgrade.cli.client.daemon_errors import cut_off, garbled
from fuel_upgrade.cli.console import print_json_line
from fuel_upgrade.cli.group import interrupted
from fuel_upgrade.cli.progress_bar import Display, Shown, display
from fuel_upgrade.errors import PreflightError, UpgradeError
from fuel_upgrade.system.age import say_age
from fuel_upgrade.system.progress import IN_BYTES
from fuel_upgrade.system.times import iso_time
from fuel_upgrade.upgrade.event_json import Completion, StreamedEvent, parse_event, to_json
from fuel_upgrade.upgrade.events import (
    BaseReplaced,
    Event,
    HookEnded,
    HookFailed,
    HookPrinted,
    HookRefused,
    InstallFailed,
    JobFailed,
    JobSucceeded,
    OrderChosen,
    RepairStarted,
    StepProgressed,
    StepStarted,
    StepUndoStarted,
    TarballStarted,
    UndoStarted,
    Waiting,
)


def follow(
    client: DaemonClient, job: str, *, as_json: bool, cancels: bool = False
) -> dict[str, Any]:
    """Print a job's events until it ends; return its result, or raise its error.

    With ``cancels`` the first Ctrl-C asks the daemon to stop and roll back, and following goes on;
    any other Ctrl-C only ends following. With ``as_json`` each event, the result too, is a line on
    stdout; :func:`event_lines` prints errors.
    """
    following = _Following(client, job, as_json=as_json)
    try:
        with _interrupts() as interrupts, display(quiet=as_json) as shown:
            try:
                return following.until_end(shown, interrupts)
            except KeyboardInterrupt:
                if not cancels:
                    raise
            with interrupts.allowed():  # a second Ctrl-C may follow at once
                following.cancel(shown)
            return following.until_end(shown, interrupts)
    except KeyboardInterrupt:
        again = "the daemon continues; to follow again: fuel-upgrade status --follow"
        click.echo(again, err=True)
        raise


def attach(client: DaemonClient, job: str, *, as_json: bool) -> None:
    """Follow a job that another client started, and print its result."""
    result = follow(client, job, as_json=as_json)
    if as_json:
        return
    for done in result.get("installs", [result]):
        change = f"Fuel {done['fuel_from']} -> {done['fuel_to']}"
        click.echo(f"{done['state']}: {say_change(done, change)}")


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
        known = error if isinstance(error, UpgradeError) else interrupted()
        print_json_line(to_json(StreamedEvent(JobFailed(known), iso_time(time.time()))))
        raise click.exceptions.Exit(known.exit_code) from error


class _Interrupts:
    """Allows Ctrl-C only while the command waits, never while it prints a line."""

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
    """Follows one job; when it follows again, it skips the events that it printed before."""

    def __init__(self, client: DaemonClient, job: str, *, as_json: bool) -> None:
        self._client = client
        self._job = job
        self._as_json = as_json
        self._lines = 0  # transient events are not counted: the stream keeps the last only
        self._view = _View(Shown("checking"))

    def cancel(self, shown: Display) -> None:
        try:
            self._client.post(f"/jobs/{self._job}/cancel", {})
        except PreflightError as error:  # it already goes back, or has ended
            shown.line(error.what)
        else:
            shown.line("stopping and putting everything back; Ctrl-C again to leave")

    def until_end(self, shown: Display, interrupts: _Interrupts) -> dict[str, Any]:
        lines = self._client.events(self._job)
        number = 0
        while True:
            with interrupts.allowed():
                line = next(lines, None)
            if line is None:
                raise cut_off(self._job, "the stream of events ended early")
            streamed = self._parse(line)
            event = streamed.event
            if isinstance(event, JobFailed):
                raise event.error
            number += not event.is_transient
            if event.is_transient or number > self._lines:
                self._show(streamed, line, shown)
            self._lines = max(self._lines, number)
            if isinstance(event, JobSucceeded):
                return dict(event.result)

    def _parse(self, line: Any) -> StreamedEvent:
        try:
            return parse_event(line)
        except ValueError as error:
            raise garbled(f"events of job {self._job}", str(error)) from error

    def _show(self, streamed: StreamedEvent, line: Mapping[str, Any], shown: Display) -> None:
        if self._as_json:
            print_json_line(line)  # as it came, with keys and kinds of a newer daemon
            return
        self._view, lines = self._view.after(streamed)
        for text in lines:
            shown.line(text)
        shown.show(self._view.shown, _seconds(streamed))


def _seconds(streamed: StreamedEvent) -> float:
    return datetime.fromisoformat(streamed.at).timestamp() if streamed.at else 0.0


@dataclass(frozen=True, slots=True)
class _View:
    """The bar as it is, and the wait that the last line named."""

    shown: Shown
    waits_for: str = ""

    def after(self, streamed: StreamedEvent) -> "tuple[_View, tuple[str, ...]]":
        """Return the view after an event, and the lines that the event adds."""
        event = streamed.event
        if isinstance(event, Waiting):
            doing = f"waiting up to {say_age(event.wait_s)} for {event.on}"
            lines = () if event.on == self.waits_for else (doing,)
            return replace(self, shown=Shown(doing), waits_for=event.on), lines
        return replace(self, shown=_bar(self.shown, streamed)), tuple(_lines(event))


def _bar(before: Shown, streamed: StreamedEvent) -> Shown:
    """Return the bar after an event."""
    event, numbers = streamed.event, streamed.completion or Completion()
    match event:
        case StepStarted(number, title, of):
            return Shown(title, f"[{number}/{of}]", numbers.percent)
        case StepUndoStarted(number, title):
            return Shown(title, f"undo [{number}]", numbers.percent)
        case InstallFailed() | UndoStarted() | RepairStarted():
            return Shown("putting everything back")
        case TarballStarted():
            return Shown(f"checking {event.tarball}", "", before.percent)
        case StepProgressed(what, done, total):
            return Shown(
                what,
                before.step,
                done=done,
                total=total,
                in_bytes=what in IN_BYTES,
                **asdict(numbers),
            )
        case _:
            return before


def _lines(event: Event) -> Iterator[str]:
    """Yield the lines of an event that stay on the terminal."""
    match event:
        case OrderChosen():
            yield from order_lines(event)
        case TarballStarted(number, of, tarball):
            yield f"== {number} of {of}: {tarball}"
        case BaseReplaced():
            yield f"{event.version}: on {event.found}, not {event.named}"
        case StepStarted(number, title, of):
            yield f"[{number}/{of}] {title}"
        case StepUndoStarted(number, title):
            yield f"undo [{number}] {title}"
        case InstallFailed():
            yield f"failed: {event.error.what}"
        case HookPrinted(hook, line):
            yield f"  {hook}: {line}"
        case HookEnded() if event.exit_code != 0:
            yield f"hook {event.hook} ended with {event.exit_code}"
        case HookRefused() | HookFailed():
            yield f"{event.kind}: {event.what}"
        case _:
            return


def order_lines(chosen: OrderChosen) -> Iterator[str]:
    """Yield the order in which several tarballs are installed, and the tarballs that are not."""
    for number, ordered in enumerate(chosen.order, 1):
        yield f"{number}. {ordered.tarball}: Fuel {ordered.fuel_version}"
    if not chosen.order:
        yield "nothing to install"
    for skipped in chosen.skipped:
        yield f"skipped {skipped.tarball}: {skipped.why}"
