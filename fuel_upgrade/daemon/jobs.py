"""The one piece of work that the daemon does at a time, and the events that it gives off."""

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from structlog.contextvars import bind_contextvars

from fuel_upgrade.daemon.job_progress import JobProgress
from fuel_upgrade.daemon.response_models.install_forms import InstallForm
from fuel_upgrade.errors import (
    FORMAT,
    NotFoundError,
    OutsideError,
    PreflightError,
    UpgradeError,
    from_json,
)
from fuel_upgrade.system.times import iso_time
from fuel_upgrade.upgrade.events import Event, Watch
from fuel_upgrade.upgrade.install_lock import waiting
from fuel_upgrade.upgrade.records import InstallRecord

JobKind = Literal["install", "rollback", "recover", "repair", "gc", "squash", "release-backups"]
Work = Callable[[Watch], Mapping[str, Any]]
"""Does the work, tells a watcher of events, and returns the result."""

_FORWARD = ("step", "progress", "waiting")  # an interrupted job stops at the next of these
_BACK = ("failed", "undo", "undo step", "rolled back", "undone", "inconsistent")
_COUNTED = frozenset({"step", "undo step", "progress"})
_PROGRESS_EVERY_S = 0.1
_KEPT_JOBS = 8
_TELL_EVERY_S = 1.0
_log = structlog.get_logger("fuel_upgrade.jobs")


@dataclass(frozen=True, slots=True)
class Clocks:
    """Where times come from: the time of day, and one that is never set back, for durations."""

    now_s: Callable[[], float] = time.time
    ticks_s: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class JobStatus:
    """The state of a job at ``ticks_s`` of its clock; ``started_s`` in seconds since 1970."""

    id: str
    kind: JobKind
    started_s: float
    progress: JobProgress
    ticks_s: float
    stopping: bool
    waiting: tuple[str, ...]


class Job:
    """A piece of work: its events so far, how far it is, and whether it has ended.

    Of a run of events that tell of one thing's progress only the last is kept, so that a job of
    hours takes no more memory than its steps do.
    """

    def __init__(
        self, job_id: str, kind: JobKind = "install", clocks: Clocks | None = None
    ) -> None:
        self.id = job_id
        self.kind = kind
        self.ended = False
        self.going_back = False
        self.stop_reason: str | None = None
        self.progress = JobProgress()
        self._clocks = clocks or Clocks()
        self._started_s = self._clocks.now_s()
        self._events: list[tuple[int, Event]] = []  # each with its number, which only grows
        self._added = 0
        self._changed = threading.Condition()
        self._last_progress_s = float("-inf")

    def add(self, event: Event, *, last: bool = False) -> None:
        """Add an event and wake who waits for it; of progress, ten a second are enough."""
        now_s = self._clocks.ticks_s()
        if event["event"] == "progress":
            is_soon = now_s - self._last_progress_s < _PROGRESS_EVERY_S
            if is_soon and event["done"] < event["total"] and event["what"] == self.progress.doing:
                return
            self._last_progress_s = now_s
        self.progress = self.progress.after(event, now_s)
        numbers = self.progress.numbers(now_s) if event["event"] in _COUNTED else {}
        at = iso_time(self._clocks.now_s())
        whole = {"format": FORMAT, "event": event["event"], "at": at, **event, **numbers}
        with self._changed:
            if self._events and _goes_on(self._events[-1][1], event):
                self._events.pop()
            self._added += 1
            self._events.append((self._added, whole))
            self.ended = last
            self._changed.notify_all()

    def follow(self) -> Iterator[Event]:
        """Give all events from the first on, as they come, until the job ends."""
        sent = 0
        ended = False
        while not ended:
            with self._changed:
                while self._added == sent and not self.ended:
                    self._changed.wait()
                first = bisect_right(self._events, sent, key=lambda pair: pair[0])
                fresh, sent, ended = self._events[first:], self._added, self.ended
            yield from (event for _, event in fresh)

    def status(self, waiting: tuple[str, ...] = ()) -> JobStatus:
        """Return the state of the job now; ``waiting`` are the ids of the jobs behind it."""
        stopping = self.stop_reason is not None
        ticks_s = self._clocks.ticks_s()
        return JobStatus(
            self.id, self.kind, self._started_s, self.progress, ticks_s, stopping, waiting
        )


def last_event(record: InstallRecord) -> Event:
    """Return the last event of a job that ended before the daemon started, from its record."""
    at = iso_time(record.ended_s or record.started_s)
    if record.error is not None:
        return {"format": FORMAT, "event": "error", "at": at, **from_json(record.error).to_json()}
    return {"format": FORMAT, "at": at, **_result(InstallForm.from_value(record).to_json())}


def _result(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the last event of a job that succeeded.

    It changed something, unless its result says otherwise or has no install.
    """
    changed = result.get("changed", bool(result.get("installs", True)))
    return {"event": "result", "changed": changed, "result": dict(result)}


def _goes_on(before: Event, event: Event) -> bool:
    """Say whether an event tells the same as the one before it, only later."""
    kind = event["event"]
    if kind != before["event"]:
        return False
    if kind == "waiting":  # the first says what is waited for, and stays
        return bool(before["on"] == event["on"] and before["waited_s"])
    return bool(kind == "progress" and before["what"] == event["what"])


def _busy(job: str) -> PreflightError:
    return PreflightError(
        f"another install is in progress: job {job} of this daemon",
        remedy="wait for it: fuel-upgrade status, or fuel-upgrade install --wait SECONDS",
        code="install-running",
    )


class Jobs:
    """Runs one job at a time in a thread of its own, and remembers the last few."""

    def __init__(self, clocks: Clocks | None = None) -> None:
        self._clocks = clocks or Clocks()
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._stop_reason: str | None = None
        self._turn = threading.Lock()  # held by the job under way; others may wait for it
        self._holder = ""  # the id of the job that has it
        self._threads: list[threading.Thread] = []

    @property
    def running(self) -> str | None:
        """The id of the job under way, or None."""
        holder = self._jobs.get(self._holder)
        if holder is not None and not holder.ended:
            return holder.id
        return next((job.id for job in list(self._jobs.values()) if not job.ended), None)

    def status(self) -> JobStatus | None:
        """Return what the job under way does, and which jobs wait for it; None without one."""
        running = self._jobs.get(self.running or "")
        if running is None:
            return None
        others = (j.id for j in list(self._jobs.values()) if not j.ended and j is not running)
        return running.status(tuple(others))

    @property
    def progress_ratio(self) -> float | None:
        """How far the job under way is, from 0 to 1; None where there is none."""
        running = self._jobs.get(self.running or "")
        return None if running is None else running.progress.percent / 100

    def knows(self, job_id: str) -> bool:
        """Return whether this is one of the jobs that :meth:`get` returns."""
        return job_id in self._jobs

    def get(self, job_id: str) -> Job:
        """Return a job by its id.

        Raises:
            NotFoundError: it is not one of those remembered.
        """
        try:
            return self._jobs[job_id]
        except KeyError as error:
            raise NotFoundError(
                f"{job_id}: no job of this id since the daemon started",
                remedy="see fuel-upgrade history for what became of it",
            ) from error

    def start(
        self, job_id: str, work: Work, *, wait_s: float = 0, kind: JobKind = "install"
    ) -> Job:
        """Start a job; it waits up to ``wait_s`` seconds for one that is under way.

        Raises:
            PreflightError: one is under way, and is not to be waited for.
        """
        with self._lock:
            running = self.running
            if running is not None and wait_s <= 0:
                raise _busy(running)
            job = self._jobs[job_id] = Job(job_id, kind, self._clocks)
            job.stop_reason = self._stop_reason
            ended = [old for old in self._jobs.values() if old.ended]
            for old in ended[: max(len(self._jobs) - _KEPT_JOBS, 0)]:
                del self._jobs[old.id]
            thread = threading.Thread(target=self._run, args=(job, work, wait_s), name=job_id)
            self._threads = [t for t in self._threads if t.is_alive()] + [thread]
            thread.start()
        return job

    def interrupt(self) -> None:
        """Ask every job to stop at its next safe point, for the daemon ends; see :meth:`cancel`."""
        self._stop_reason = "fuel-upgraded was told to stop"
        for job in list(self._jobs.values()):
            job.stop_reason = self._stop_reason

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop at its next safe point; what it did is undone.

        Raises:
            NotFoundError: there is no such job.
            PreflightError: it has ended, or is being undone already.
        """
        job = self.get(job_id)
        if job.ended or job.going_back:
            now = "has ended" if job.ended else "is being undone, which is not stopped"
            raise PreflightError(
                f"job {job_id} {now}", remedy="see fuel-upgrade history for what became of it"
            )
        job.stop_reason = "it was cancelled"

    def wait(self) -> None:
        """Wait for the job under way to end, and for those that wait for it."""
        for thread in list(self._threads):
            thread.join()

    def _await_turn(self, wait_s: float, watch: Watch) -> None:
        """Take the turn; tell once a second that another has it still.

        Raises:
            PreflightError: it did not end in time.
        """
        begun = time.monotonic()
        while not self._turn.acquire(blocking=False):
            waited_s = time.monotonic() - begun
            if waited_s >= wait_s:
                raise _busy(self._holder)
            watch(waiting(f"job {self._holder} of this daemon", waited_s, wait_s))
            if self._turn.acquire(timeout=min(_TELL_EVERY_S, wait_s - waited_s)):
                return

    def _run(self, job: Job, work: Work, wait_s: float) -> None:
        def watch(event: Event) -> None:
            if event["event"] != "progress" and event.get("waited_s", 0) == 0:
                # structlog calls the message itself "event"
                _log.info(
                    event["event"], job=job.id, **{k: v for k, v in event.items() if k != "event"}
                )
            job.add(event)
            job.going_back = job.going_back or event["event"] in _BACK
            if job.stop_reason is not None and event["event"] in _FORWARD:
                raise OutsideError(job.stop_reason, remedy="install again when it suits")

        def take_turn() -> Mapping[str, Any]:
            self._await_turn(wait_s, watch)
            self._holder = job.id
            try:
                return work(watch)
            finally:
                self._turn.release()

        bind_contextvars(job=job.id)  # of this thread: all that it logs has it
        try:
            result = take_turn()
        except UpgradeError as error:
            _log.error("job failed", job=job.id, **error.to_json())
            job.add({"event": "error", **error.to_json()}, last=True)
        except Exception as error:  # noqa: BLE001 - logged whole, and told to who asked
            _log.exception("job broke", job=job.id)
            unknown = UpgradeError(
                f"unexpected: {error!r}", remedy="report this with the log's last lines"
            )
            job.add({"event": "error", **unknown.to_json()}, last=True)
        else:
            job.add(_result(result), last=True)
