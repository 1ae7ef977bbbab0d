"""Progress of long work: lines above a progress bar on a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from fuel_upgrade.cli.console import echo
from fuel_upgrade.outside_text import printable
from fuel_upgrade.system.age import say_age
from fuel_upgrade.system.progress import IN_BYTES, Progress, no_progress
from fuel_upgrade.system.size import say_size

_MARGIN = 4  # columns for the ^C that a terminal prints after the bar
_BAR_COLUMNS = (6, 30)
_LEAST_HEAD = 17  # [11/11] unpacking
_SILENCE_S = 5.0  # a speed is not shown after this time without an event
_LINE_AFTER_S = 2.0  # shorter work prints no line of its progress
_LINE_EVERY_PERCENT = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """The content of a bar; ``percent`` is None if the duration is unknown."""

    doing: str
    step: str = ""
    percent: float | None = None
    done: int | None = None
    total: int | None = None
    in_bytes: bool = True
    bytes_per_s: int | None = None
    remaining_s: int | None = None

    def numbers(self, *, say_remaining: Callable[[float], str] = say_age) -> tuple[str, ...]:
        """Return percentage, amount, speed and remaining time in words, as far as known."""
        parts = [] if self.percent is None else [f"{int(self.percent)} %"]
        if self.done is not None and self.total is not None:
            parts.append(_amount(self.done, self.total, in_bytes=self.in_bytes))
        if self.bytes_per_s is not None:
            parts.append(f"{say_size(self.bytes_per_s)}/s")
        if self.remaining_s is not None:
            parts.append(f"{say_remaining(self.remaining_s)} left")
        return tuple(parts)


def _amount(done: int, total: int, *, in_bytes: bool) -> str:
    """Format an amount and its total; a common unit is printed once."""
    if not in_bytes:
        return f"{done} of {total}"
    part, whole = say_size(done), say_size(total)
    if part.split()[1] == whole.split()[1]:
        part = part.split()[0]
    return f"{part} of {whole}"


def _clock(seconds: float) -> str:
    """Format a duration in few columns: ``1:02:03``."""
    minutes, second = divmod(max(int(seconds), 0), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def render_bar(
    shown: Shown, width: int, *, age_s: float = 0, silence_s: float = 0, signs: str = "━─"
) -> str:
    """Return the bar as one line of at most ``width`` characters: activity and progress.

    ``age_s`` is the time since the activity began, ``silence_s`` the time since the last event.
    ``signs`` are the characters of the done and of the open part.
    """
    if silence_s > _SILENCE_S:
        shown = replace(shown, bytes_per_s=None, remaining_s=None)
    numbers = list(shown.numbers(say_remaining=_clock)) or [_clock(age_s)]
    if silence_s > _SILENCE_S:
        numbers.append(f"nothing new for {_clock(silence_s)}")
    head = f"{shown.step} {printable(shown.doing)}".strip()
    least, most = _BAR_COLUMNS
    needed = min(len(head), _LEAST_HEAD) + 2 + least + 2
    while len(numbers) > 1 and needed + len("  ".join(numbers)) > width:
        del numbers[1]  # keep the percentage and the last number, the remaining time
    tail = "  ".join(numbers)
    free_columns = width - len(tail) - 2
    if shown.percent is None or width < needed + len(tail):
        return f"{_cut(head, free_columns)}  {tail}"[:width]
    columns = min(max(free_columns - len(head) - 2, least), most)
    filled = int(columns * shown.percent / 100)
    bar = signs[0] * filled + signs[1] * (columns - filled)
    return f"{_cut(head, free_columns - columns - 2)}  {bar}  {tail}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(width - 3, 0)]}..."


class Display:
    """Output of long work: lines, and the progress. This one prints nothing, for scripts."""

    def line(self, text: str) -> None:
        """Print a line; control characters in it are escaped here."""

    def show(self, shown: Shown, at_s: float) -> None:
        """Show the progress; ``at_s`` is its time, on any one clock."""


class Plain(Display):
    """Only lines, for pipes, files and dumb terminals; for long work one every 10 %."""

    def __init__(self) -> None:
        self._step = ""
        self._begun_s = 0.0
        self._next_percent = _LINE_EVERY_PERCENT

    def line(self, text: str) -> None:
        """Print the line."""
        echo(printable(text), err=True)

    def show(self, shown: Shown, at_s: float) -> None:
        """Print a line if the step takes long and has progressed by 10 %."""
        if shown.step != self._step:
            self._step, self._begun_s = shown.step, at_s
        if shown.percent is None or shown.done is None or at_s - self._begun_s < _LINE_AFTER_S:
            return
        if shown.percent >= self._next_percent:
            self._next_percent = (int(shown.percent) // _LINE_EVERY_PERCENT + 1) * (
                _LINE_EVERY_PERCENT
            )
            self.line(f"{shown.step} {shown.doing}: {', '.join(shown.numbers())}".strip())


@dataclass(slots=True)
class LiveBar:
    """The renderable of rich: the current bar."""

    clock: Callable[[], float]
    signs: str
    shown: Shown = field(default_factory=lambda: Shown("checking"))
    begun_s: float = 0.0
    news_s: float = 0.0

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        """Yield the line, cropped to the width of the terminal."""
        from rich.text import Text

        now_s = self.clock()
        text = render_bar(
            self.shown,
            options.max_width - _MARGIN,
            age_s=now_s - self.begun_s,
            silence_s=now_s - self.news_s if self.shown.bytes_per_s is not None else 0,
            signs=self.signs,
        )
        line = Text(text, no_wrap=True, overflow="crop")
        line.truncate(options.max_width - _MARGIN)
        yield line


class Terminal(Display):
    """A bar at the bottom of a terminal, below the printed lines."""

    def __init__(self, console: Any, bar: LiveBar) -> None:
        self._console = console
        self._bar = bar

    def line(self, text: str) -> None:
        """Print the whole line; the terminal wraps it."""
        self._console.print(
            printable(text), soft_wrap=True, markup=False, emoji=False, highlight=False
        )

    def show(self, shown: Shown, at_s: float) -> None:
        """Update the bar."""
        del at_s  # times of events; the bar measures its own
        if shown.doing != self._bar.shown.doing:
            self._bar.begun_s = self._bar.clock()
        self._bar.shown, self._bar.news_s = shown, self._bar.clock()


def has_bar() -> bool:
    """Return whether stderr is a terminal that can show a bar."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")


@contextmanager
def display(*, quiet: bool) -> Iterator[Display]:
    """Yield the display of long work on stderr: a bar, plain lines, or nothing."""
    if quiet:
        yield Display()
    elif has_bar():
        with _terminal() as terminal:
            yield terminal
    else:
        yield Plain()


@contextmanager
def _terminal() -> Iterator[Terminal]:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    signs = "━─" if "utf" in console.encoding.lower() else "#-"
    now_s = time.monotonic()
    bar = LiveBar(time.monotonic, signs, begun_s=now_s, news_s=now_s)
    with Live(bar, console=console, transient=True, redirect_stdout=False, redirect_stderr=False):
        yield Terminal(console, bar)


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress]:
    """Yield a function that shows progress on stderr, or nothing in scripts and pipes."""
    if quiet or not has_bar():
        yield no_progress
        return
    with _terminal() as terminal:

        def show(activity: str, done: int, total: int) -> None:
            percent = min(100 * done / total, 100) if total > 0 else None
            shown = Shown(activity, "", percent, done, total, in_bytes=activity in IN_BYTES)
            terminal.show(shown, 0.0)

        yield show
