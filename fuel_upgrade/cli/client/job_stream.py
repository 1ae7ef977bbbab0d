"""Prints the event stream of a job: lines above a progress bar, or JSON.

It is loaded when a job is followed: the help of a command needs none of it.
"""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from types import FrameType
from typing import Any

from fuel_upgrade.cli.client.daemon_client import DaemonClient
from fuel_upgrade.cli.client.daemon_errors import cut_off, garbled
from fuel_upgrade.cli.console import print_json_line
from fuel_upgrade.cli.progress_bar import Display, Shown
from fuel_upgrade.errors import PreflightError
from fuel_upgrade.system.age import say_age
from fuel_upgrade.system.progress import IN_BYTES
from fuel_upgrade.upgrade.event_json import Completion, StreamedEvent, parse_event
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
    LateChangeAwaited,
    OrderChosen,
    RepairStarted,
    StepProgressed,
    StepStarted,
    StepUndoStarted,
    TarballStarted,
    UndoStarted,
    Waiting,
)


class Interrupts:
    """Allows Ctrl-C only while the command waits, never while it prints a line."""

    def __init__(self) -> None:
        self._is_allowed = False
        self._has_come = False

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        """Handle SIGINT: raise now, or at the next wait."""
        if self._is_allowed:
            raise KeyboardInterrupt
        self._has_come = True

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Allow Ctrl-C inside; raise for one that came before."""
        self._is_allowed = True
        try:
            if self._has_come:
                self._has_come = False
                raise KeyboardInterrupt
            yield
        finally:
            self._is_allowed = False


@contextmanager
def interrupts_held() -> Iterator[Interrupts]:
    """Handle SIGINT inside, in the main thread, unless it is ignored."""
    interrupts = Interrupts()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is signal.SIG_IGN:
        yield interrupts
        return
    signal.signal(signal.SIGINT, interrupts.handle)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


class JobStream:
    """Follows one job; when it follows again, it skips the events that it printed before."""

    def __init__(self, client: DaemonClient, job: str, *, as_json: bool) -> None:
        self._client = client
        self._job = job
        self._as_json = as_json
        self._lines = 0  # transient events are not counted: the stream keeps the last only
        self._view = _View(Shown("checking"))

    def cancel(self, shown: Display) -> None:
        """Cancel the job, and print whether that is possible."""
        try:
            self._client.post(f"/jobs/{self._job}/cancel", {})
        except PreflightError as error:  # it already goes back, or has ended
            shown.line(error.what)
        else:
            shown.line("stopping and putting everything back; Ctrl-C again to leave")

    def until_end(self, shown: Display, interrupts: Interrupts) -> dict[str, Any]:
        """Print the events until the last; return the result of the job, or raise its error."""
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


def _lines(event: Event) -> Iterator[str]:  # noqa: C901 - a case a type
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
        case LateChangeAwaited(number, wait_s):
            yield f"undo [{number}] waits {wait_s} s: Nailgun may carry out an unanswered request"
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
