"""How far a job is: a value, computed from its events and from when each of them came."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fuel_upgrade.system.progress import IN_BYTES
from fuel_upgrade.upgrade.events import Event

_WINDOW_S = 10.0  # the speed is that of so many seconds
_LEAST_S = 0.5  # of a shorter time nothing can be said
_STEP_BYTES = 4 << 20
"""What a rename with its sync, or a request to Nailgun, counts for: a disk writes so much then."""
_NOT_YET = 99.9  # the last per cent is for the end
_OF_STEP = frozenset({"packages"})  # what else tells how far a step is


@dataclass(frozen=True, slots=True)
class StepInHand:
    """The step that is being done or undone; ``of`` is how many the install has, if known."""

    number: int
    of: int | None
    title: str


@dataclass(frozen=True, slots=True)
class TarballInHand:
    """One of several tarballs, each with the bytes that it unpacks to."""

    number: int
    of: int
    tarball: str


@dataclass(frozen=True, slots=True)
class JobProgress:
    """What a job does now, and how far it is.

    ``percent`` is of all its installs, by the bytes that each step writes; it never falls, but
    begins again at 0 when the job goes back. ``samples`` are the bytes of the step in hand, each
    with the time at which they were done; times are those of any clock that only goes forward.
    """

    doing: str = "checking"
    install: str | None = None
    step: StepInHand | None = None
    tarball: TarballInHand | None = None
    done: int | None = None
    total: int | None = None
    percent: float = 0.0
    going_back: bool = False
    sizes: tuple[int, ...] = ()
    tarball_sizes: tuple[int, ...] = ()
    samples: tuple[tuple[float, int], ...] = ()

    def after(self, event: Event, now_s: float) -> "JobProgress":
        """Return the progress after an event that came at ``now_s``."""
        change = _CHANGES.get(event["event"])
        return self if change is None else change(self, event, now_s)

    def bytes_per_s(self, now_s: float) -> float | None:
        """Return the speed of the last seconds; None where the step writes no bytes, or just began.

        It falls to 0 when nothing comes any more.
        """
        recent = _recent(self.samples, now_s)
        if len(recent) == 0 or now_s - self.samples[0][0] < _LEAST_S:
            return None
        (began_s, began), (_, done) = recent[0], recent[-1]
        return (done - began) / max(now_s - began_s, _LEAST_S)

    def remaining_s(self, now_s: float) -> float | None:
        """Return about how long the way forward takes still; None where nothing tells."""
        speed = self.bytes_per_s(now_s)
        if not speed or self.going_back or self.done is None or self.total is None:
            return None
        left = self.total - self.done
        if self.step is not None and self.sizes:
            left += sum(self.sizes[self.step.number :])
        if self.tarball is not None:
            left += sum(self.tarball_sizes[self.tarball.number :])
        return left / speed

    def numbers(self, now_s: float) -> dict[str, Any]:
        """Return the numbers that events of steps and of their progress have."""
        speed, left_s = self.bytes_per_s(now_s), self.remaining_s(now_s)
        return {
            "percent": self.percent,
            "bytes_per_s": None if speed is None else round(speed),
            "remaining_s": None if left_s is None else round(left_s),
        }


def _order(old: JobProgress, event: Event, _now_s: float) -> JobProgress:
    sizes = tuple(int(offer["unpacked_bytes"]) for offer in event["order"])
    return replace(old, tarball_sizes=sizes)


def _tarball(old: JobProgress, event: Event, _now_s: float) -> JobProgress:
    named = TarballInHand(event["number"], event["of"], event["tarball"])
    fresh = replace(old, tarball=named, doing="checking", install=None, sizes=(), step=None)
    return _moved(fresh, 0.0)


def _begin(old: JobProgress, event: Event, _now_s: float) -> JobProgress:
    sizes = tuple(size + _STEP_BYTES for size in event["sizes"])
    return replace(old, install=event["install"], sizes=sizes)


def _recover(old: JobProgress, event: Event, _now_s: float) -> JobProgress:
    return replace(old, install=event["install"], step=None, sizes=())


def _step(old: JobProgress, event: Event, _now_s: float) -> JobProgress:
    step = StepInHand(event["number"], event["of"], event["title"])
    return _moved(replace(old, step=step, doing=step.title, going_back=False), 0.0)


def _back(old: JobProgress, event: Event, _now_s: float) -> JobProgress:
    install = event.get("install") or old.install
    if old.going_back:
        return replace(old, install=install)
    return JobProgress("going back", install, tarball=old.tarball, going_back=True)


def _undo_step(old: JobProgress, event: Event, now_s: float) -> JobProgress:
    now = old if old.going_back else _back(old, event, now_s)
    title = str(event["title"])
    percent = _rounded(100 * event["undone"] / max(event["to_undo"], 1))
    return replace(
        now,
        step=StepInHand(event["number"], None, title),
        doing=f"undoing: {title}",
        percent=max(now.percent, percent),
    )


def _progress(old: JobProgress, event: Event, now_s: float) -> JobProgress:
    what, done, total = str(event["what"]), int(event["done"]), int(event["total"])
    share = min(done / total, 1.0) if total > 0 else 0.0
    if what not in IN_BYTES:
        now = replace(old, doing=what, done=None, total=None, samples=())
        return _moved(now, share) if what in _OF_STEP else now
    began = old.samples if (old.doing, old.total) == (what, total) else ()
    now = _moved(replace(old, sizes=old.sizes or _learnt(old.step, total)), share)
    samples = (*_recent(began, now_s), (now_s, done))
    return replace(now, doing=what, done=done, total=total, samples=samples)


def _waiting(old: JobProgress, event: Event, _now_s: float) -> JobProgress:
    return replace(old, doing=f"waiting for {event['on']}", done=None, total=None, samples=())


def _result(old: JobProgress, _event: Event, _now_s: float) -> JobProgress:
    return replace(old, doing="done", percent=100.0)


_CHANGES: Mapping[str, Callable[[JobProgress, Event, float], JobProgress]] = {
    "order": _order,
    "tarball": _tarball,
    "begin": _begin,
    "recover": _recover,
    "step": _step,
    "failed": _back,
    "undo": _back,
    "repair": _back,
    "undo step": _undo_step,
    "progress": _progress,
    "waiting": _waiting,
    "result": _result,
}


def _moved(old: JobProgress, share: float) -> JobProgress:
    """Return the progress with so much of the step in hand done, and no bytes of it yet."""
    step, sizes = old.step, old.sizes
    part = 0.0
    if step is not None:
        sizes = sizes or (_STEP_BYTES,) * (step.of or 0)
        if step.number <= len(sizes):
            before, own = sum(sizes[: step.number - 1]), sizes[step.number - 1]
            part = (before + own * share) / sum(sizes)
    percent = max(old.percent, _rounded(100 * _of_all(old, part)))
    return replace(old, done=None, total=None, percent=percent, samples=())


def _of_all(old: JobProgress, part: float) -> float:
    """Return the share of all tarballs, from the share of the one in hand."""
    if old.tarball is None:
        return part
    sizes = old.tarball_sizes if sum(old.tarball_sizes) else (1,) * old.tarball.of
    number = old.tarball.number
    return (sum(sizes[: number - 1]) + sizes[number - 1] * part) / sum(sizes)


def _learnt(step: StepInHand | None, total: int) -> tuple[int, ...]:
    """Return the sizes of the steps of an install that is resumed: no event had them."""
    if step is None or step.of is None:
        return ()
    return tuple(_STEP_BYTES + (total if n == step.number else 0) for n in range(1, step.of + 1))


def _recent(samples: tuple[tuple[float, int], ...], now_s: float) -> tuple[tuple[float, int], ...]:
    """Return the samples of the window, and the last before it: the window begins between them."""
    inside = tuple(sample for sample in samples if sample[0] >= now_s - _WINDOW_S)
    return (*samples[: len(samples) - len(inside)][-1:], *inside)


def _rounded(percent: float) -> float:
    return min(int(percent * 10) / 10, _NOT_YET)
