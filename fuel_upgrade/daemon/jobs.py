"""Jobs of the daemon: it runs one at a time and streams its events."""

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
    NotFoundError,
    OutsideError,
    PreflightError,
    UpgradeError,
    from_json,
)
from fuel_upgrade.system.times import iso_time
from fuel_upgrade.upgrade.event_json import StreamedEvent, event_fields
from fuel_upgrade.upgrade.events import (
    Event,
    JobFailed,
    JobSucceeded,
    StepProgressed,
    Waiting,
    Watch,
)
from fuel_upgrade.upgrade.records import ChangeRecord

JobKind = Literal["install", "rollback", "recover", "repair", "gc", "squash", "release-backups"]
Work = Callable[[Watch], Mapping[str, Any]]
"""Does the work of a job, passes its events to a watcher and returns its result."""

_PROGRESS_EVERY_S = 0.1
_KEPT_JOBS = 8
_TELL_EVERY_S = 1.0
_log = structlog.get_logger("fuel_upgrade.jobs")


@dataclass(frozen=True, slots=True)
class Clocks:
    """The time of day, and a monotonic clock for durations."""

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
    """A job: its events so far, its progress, and whether it has ended.

    Only the last of a run of transient events is kept, so memory grows with the number of steps,
    not with the duration.
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
        self._events: list[tuple[int, StreamedEvent]] = []  # each with its number, which increases
        self._added = 0
        self._changed = threading.Condition()
        self._last_progress_s = float("-inf")

    def add(self, event: Event) -> None:
        """Add an event and wake the threads that follow; drop progress above ten a second."""
        now_s = self._clocks.ticks_s()
        if isinstance(event, StepProgressed):
            is_soon = now_s - self._last_progress_s < _PROGRESS_EVERY_S
            if is_soon and event.done < event.total and event.what == self.progress.doing:
                return
            self._last_progress_s = now_s
        self.progress = self.progress.after(event, now_s)
        completion = self.progress.completion(now_s) if event.has_completion else None
        streamed = StreamedEvent(event, iso_time(self._clocks.now_s()), completion)
        with self._changed:
            self.going_back = self.going_back or event.goes_back
            if self._events and event.continues(self._events[-1][1].event):
                self._events.pop()
            self._added += 1
            self._events.append((self._added, streamed))
            self.ended = event.is_last
            self._changed.notify_all()

    def follow(self) -> Iterator[StreamedEvent]:
        """Yield all events from the first on, as they come, until the job ends."""
        sent = 0
        ended = False
        while not ended:
            with self._changed:
                while self._added == sent and not self.ended:
                    self._changed.wait()
                first = bisect_right(self._events, sent, key=lambda pair: pair[0])
                fresh, sent, ended = self._events[first:], self._added, self.ended
            yield from (streamed for _, streamed in fresh)

    def status(self, waiting: tuple[str, ...] = ()) -> JobStatus:
        """Return the state of the job now; ``waiting`` are the ids of the jobs behind it."""
        stopping = self.stop_reason is not None
        ticks_s = self._clocks.ticks_s()
        return JobStatus(
            self.id, self.kind, self._started_s, self.progress, ticks_s, stopping, waiting
        )


def last_event(record: ChangeRecord) -> StreamedEvent:
    """Return the last event of a job that ended before the daemon started, from its record."""
    failed = JobFailed(from_json(record.error)) if record.error is not None else None
    at = iso_time(record.ended_s or record.started_s)
    result = InstallForm.model_validate(record).to_json()
    return StreamedEvent(failed or _succeeded(result), at)


def _succeeded(result: Mapping[str, Any]) -> JobSucceeded:
    """Return the last event of a job that succeeded.

    The job changed the master unless its result says otherwise or has no install.
    """
    changed = result.get("changed", bool(result.get("installs", True)))
    return JobSucceeded(changed, dict(result))


def _busy(job: str) -> PreflightError:
    return PreflightError(
        f"another install is in progress: job {job} of this daemon",
        remedy="wait for it: fuel-upgrade status, or fuel-upgrade install --wait SECONDS",
        code="install-running",
    )


class Jobs:
    """Runs one job at a time in a thread of its own, and keeps the last few."""

    def __init__(
        self, clocks: Clocks | None = None, *, waiting_every_s: float = _TELL_EVERY_S
    ) -> None:
        self._clocks = clocks or Clocks()
        self._waiting_every_s = waiting_every_s
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._stop_reason: str | None = None
        self._turn = threading.Lock()  # held by the running job; other jobs may wait for it
        self._holder = ""  # the id of that job
        self._threads: list[threading.Thread] = []
        self._housekeeping = threading.Lock()  # held by the running job, too
        self._at_end: list[Callable[[], None]] = []

    @property
    def running(self) -> str | None:
        """The id of the running job, or None."""
        holder = self._jobs.get(self._holder)
        if holder is not None and not holder.ended:
            return holder.id
        return next((job.id for job in list(self._jobs.values()) if not job.ended), None)

    def status(self) -> JobStatus | None:
        """Return the state of the running job and the ids of waiting jobs, or None."""
        running = self._jobs.get(self.running or "")
        if running is None:
            return None
        others = (j.id for j in list(self._jobs.values()) if not j.ended and j is not running)
        return running.status(tuple(others))

    @property
    def progress_ratio(self) -> float | None:
        """The progress of the running job, from 0 to 1, or None."""
        running = self._jobs.get(self.running or "")
        return None if running is None else running.progress.percent / 100

    def knows(self, job_id: str) -> bool:
        """Return whether :meth:`get` returns this job."""
        return job_id in self._jobs

    def get(self, job_id: str) -> Job:
        """Return a job by its id.

        Raises:
            NotFoundError: no such job is kept.
        """
        try:
            return self._jobs[job_id]
        except KeyError as error:
            raise NotFoundError(
                f"{job_id}: no job of this id since the daemon started",
                remedy="see its result: fuel-upgrade history",
            ) from error

    def start(
        self, job_id: str, work: Work, *, wait_s: float = 0, kind: JobKind = "install"
    ) -> Job:
        """Start a job, which waits up to ``wait_s`` seconds for a running one.

        Raises:
            PreflightError: another job runs and ``wait_s`` is 0.
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
        """Ask every job to stop at its next safe point: the daemon stops."""
        self._stop_reason = "fuel-upgraded is stopping"
        for job in list(self._jobs.values()):
            job.stop_reason = self._stop_reason

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop at its next safe point and to undo its changes.

        Raises:
            NotFoundError: there is no such job.
            PreflightError: it has ended, or is already being undone.
        """
        job = self.get(job_id)
        if job.ended or job.going_back:
            now = "has ended" if job.ended else "is being undone, which cannot be cancelled"
            raise PreflightError(
                f"job {job_id} {now}", remedy="see its result: fuel-upgrade history"
            )
        job.stop_reason = "it was cancelled"

    def at_end(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` after each job."""
        self._at_end.append(callback)

    def between_jobs(self, work: Callable[[], None]) -> None:
        """Do ``work`` unless a job runs; a job that starts meanwhile waits for its end."""
        if self._housekeeping.acquire(blocking=False):
            try:
                work()
            finally:
                self._housekeeping.release()

    def wait(self) -> None:
        """Wait for all jobs to end."""
        for thread in list(self._threads):
            thread.join()

    def _await_turn(self, wait_s: float, watch: Watch) -> None:
        """Wait until no other job runs; emit an event at intervals.

        Raises:
            PreflightError: the other job did not end in time.
        """
        begun = time.monotonic()
        while not self._turn.acquire(blocking=False):
            waited_s = time.monotonic() - begun
            if waited_s >= wait_s:
                raise _busy(self._holder)
            watch(Waiting(f"job {self._holder} of this daemon", int(waited_s), wait_s))
            if self._turn.acquire(timeout=min(self._waiting_every_s, wait_s - waited_s)):
                return

    def _run(self, job: Job, work: Work, wait_s: float) -> None:
        def watch(event: Event) -> None:
            if event.is_logged:
                _log.info(event.kind, job=job.id, **event_fields(event))
            job.add(event)
            if job.stop_reason is not None and event.is_safe_point:
                raise OutsideError(job.stop_reason, remedy="install again when it suits")

        def take_turn() -> Mapping[str, Any]:
            self._await_turn(wait_s, watch)
            self._holder = job.id
            try:
                with self._housekeeping:
                    return work(watch)
            finally:
                self._turn.release()

        bind_contextvars(job=job.id)  # for all log lines of this thread
        try:
            result = take_turn()
        except UpgradeError as error:
            _log.error("job failed", job=job.id, **error.to_json())
            job.add(JobFailed(error.amended()))  # a copy without traceback, whose frames hold data
        except Exception as error:  # noqa: BLE001 - logged with traceback and sent to the client
            _log.exception("job broke", job=job.id)
            unknown = UpgradeError(
                f"unexpected: {error!r}", remedy="report this with the log's last lines"
            )
            job.add(JobFailed(unknown))
        else:
            job.add(_succeeded(result))
        for callback in self._at_end:
            callback()
