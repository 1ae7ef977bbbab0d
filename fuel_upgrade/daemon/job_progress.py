"""The progress of a job, computed from its events and their times."""

from dataclasses import dataclass, replace

from fuel_upgrade.system.progress import IN_BYTES
from fuel_upgrade.upgrade.event_json import Completion
from fuel_upgrade.upgrade.events import (
    Event,
    InstallFailed,
    InstallStarted,
    JobSucceeded,
    OrderChosen,
    RecoveryStarted,
    RepairStarted,
    StepProgressed,
    StepStarted,
    StepUndoStarted,
    TarballStarted,
    UndoStarted,
    Waiting,
)

_WINDOW_S = 10.0  # the window over which the speed is computed
_LEAST_S = 0.5  # the shortest time that gives a speed
_STEP_BYTES = 4 << 20
"""The weight of a rename with its sync, or of a request to Nailgun, in written bytes."""
_NOT_YET = 99.9  # 100 is reported at the end only
_OF_STEP = frozenset({"packages"})  # work in items that counts as progress of its step


@dataclass(frozen=True, slots=True)
class CurrentStep:
    """The step that is being done or undone; ``of`` is the number of steps, if known."""

    number: int
    of: int | None
    title: str


@dataclass(frozen=True, slots=True)
class CurrentTarball:
    """The tarball that is being installed, one of ``of``."""

    number: int
    of: int
    tarball: str


@dataclass(frozen=True, slots=True)
class JobProgress:
    """The current activity of a job, and its completed part.

    ``percent`` covers all installs of the job, weighted by the bytes that each step writes; it
    never falls, but restarts at 0 when the job goes back. ``samples`` are pairs of a monotonic time
    and the bytes of the current step that were done at that time.
    """

    doing: str = "checking"
    install: str | None = None
    step: CurrentStep | None = None
    tarball: CurrentTarball | None = None
    done: int | None = None
    total: int | None = None
    percent: float = 0.0
    going_back: bool = False
    sizes: tuple[int, ...] = ()
    tarball_sizes: tuple[int, ...] = ()
    samples: tuple[tuple[float, int], ...] = ()

    def after(self, event: Event, now_s: float) -> "JobProgress":  # noqa: C901, PLR0911 - a case a type
        """Return the progress after an event that came at ``now_s``."""
        match event:
            case OrderChosen():
                return replace(self, tarball_sizes=tuple(t.unpacked_bytes for t in event.order))
            case TarballStarted():
                return _tarball(self, event)
            case InstallStarted():
                sizes = tuple(size + _STEP_BYTES for size in event.sizes)
                return replace(self, install=event.install, sizes=sizes)
            case RecoveryStarted():
                return replace(self, install=event.install, step=None, sizes=())
            case StepStarted():
                step = CurrentStep(event.number, event.of, event.title)
                return _moved(replace(self, step=step, doing=step.title, going_back=False), 0.0)
            case InstallFailed() | UndoStarted() | RepairStarted():
                return replace(_back(self), install=event.install)
            case StepUndoStarted():
                return _undo_step(_back(self), event)
            case StepProgressed():
                return _progress(self, event, now_s)
            case Waiting():
                doing = f"waiting for {event.on}"
                return replace(self, doing=doing, done=None, total=None, samples=())
            case JobSucceeded():
                return replace(self, doing="done", percent=100.0)
            case _:
                return self

    def bytes_per_s(self, now_s: float) -> float | None:
        """Return the current speed, or None if the step writes no bytes or just began.

        It falls to 0 when no events come any more.
        """
        recent = _recent(self.samples, now_s)
        if len(recent) == 0 or now_s - self.samples[0][0] < _LEAST_S:
            return None
        (began_s, began), (_, done) = recent[0], recent[-1]
        return (done - began) / max(now_s - began_s, _LEAST_S)

    def remaining_s(self, now_s: float) -> float | None:
        """Estimate the remaining time of the way forward, or return None."""
        speed = self.bytes_per_s(now_s)
        if not speed or self.going_back or self.done is None or self.total is None:
            return None
        remaining = self.total - self.done
        if self.step is not None and self.sizes:
            remaining += sum(self.sizes[self.step.number :])
        if self.tarball is not None:
            remaining += sum(self.tarball_sizes[self.tarball.number :])
        return remaining / speed

    def completion(self, now_s: float) -> Completion:
        """Return the completion that the stream adds to events."""
        speed, remaining_s = self.bytes_per_s(now_s), self.remaining_s(now_s)
        return Completion(
            self.percent,
            None if speed is None else round(speed),
            None if remaining_s is None else round(remaining_s),
        )


def _tarball(old: JobProgress, event: TarballStarted) -> JobProgress:
    tarball = CurrentTarball(event.number, event.of, event.tarball)
    fresh = replace(old, tarball=tarball, doing="checking", install=None, sizes=(), step=None)
    return _moved(fresh, 0.0)


def _back(old: JobProgress) -> JobProgress:
    """Return the progress of a job that goes back from this event on."""
    if old.going_back:
        return old
    return JobProgress("going back", old.install, tarball=old.tarball, going_back=True)


def _undo_step(old: JobProgress, event: StepUndoStarted) -> JobProgress:
    percent = _rounded(100 * event.undone / max(event.to_undo, 1))
    return replace(
        old,
        step=CurrentStep(event.number, None, event.title),
        doing=f"undoing: {event.title}",
        percent=max(old.percent, percent),
    )


def _progress(old: JobProgress, event: StepProgressed, now_s: float) -> JobProgress:
    what, done, total = event.what, event.done, event.total
    share = min(done / total, 1.0) if total > 0 else 0.0
    if what not in IN_BYTES:
        now = replace(old, doing=what, done=None, total=None, samples=())
        return _moved(now, share) if what in _OF_STEP else now
    began = old.samples if (old.doing, old.total) == (what, total) else ()
    now = _moved(replace(old, sizes=old.sizes or _learnt(old.step, total)), share)
    samples = (*_recent(began, now_s), (now_s, done))
    return replace(now, doing=what, done=done, total=total, samples=samples)


def _moved(old: JobProgress, share: float) -> JobProgress:
    """Return the progress with this share of the current step done, and no bytes."""
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
    """Return the share of all tarballs from the share of the current one."""
    if old.tarball is None:
        return part
    sizes = old.tarball_sizes if sum(old.tarball_sizes) else (1,) * old.tarball.of
    number = old.tarball.number
    return (sum(sizes[: number - 1]) + sizes[number - 1] * part) / sum(sizes)


def _learnt(step: CurrentStep | None, total: int) -> tuple[int, ...]:
    """Return the step sizes of a resumed install, which no event gives."""
    if step is None or step.of is None:
        return ()
    return tuple(_STEP_BYTES + (total if n == step.number else 0) for n in range(1, step.of + 1))


def _recent(samples: tuple[tuple[float, int], ...], now_s: float) -> tuple[tuple[float, int], ...]:
    """Return the samples in the window and the last one before it."""
    inside = tuple(sample for sample in samples if sample[0] >= now_s - _WINDOW_S)
    return (*samples[: len(samples) - len(inside)][-1:], *inside)


def _rounded(percent: float) -> float:
    return min(int(percent * 10) / 10, _NOT_YET)
