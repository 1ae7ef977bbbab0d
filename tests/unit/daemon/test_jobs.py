import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fuel_upgrade.daemon.jobs import Clocks, Jobs, Work
from fuel_upgrade.errors import BundleError, NotFoundError, PreflightError
from fuel_upgrade.upgrade.event_json import to_json
from fuel_upgrade.upgrade.events import (
    Event,
    InstallStarted,
    JobFailed,
    JobSucceeded,
    RepairStarted,
    StepProgressed,
    StepStarted,
    StepUndoStarted,
    Waiting,
    Watch,
)


def follow(jobs: Jobs, work: Callable[[Watch], Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Run a job to its end; return the JSON form of its events."""
    job = jobs.start("j", work)
    events = [to_json(streamed) for streamed in job.follow()]
    jobs.wait()
    return events


def test_events_come_in_order_and_end_with_the_result() -> None:
    def work(watch: Watch) -> Mapping[str, Any]:
        watch(StepStarted(1, "title", 9))
        return {"ok": True}

    events = follow(Jobs(), work)
    assert [e["event"] for e in events] == ["step", "result"]
    assert events[-1]["result"] == {"ok": True}


def test_an_error_is_the_last_event() -> None:
    def work(_watch: Watch) -> Mapping[str, Any]:
        raise BundleError("damaged", remedy="get another")

    (event,) = follow(Jobs(), work)
    assert (event["event"], event["exit_code"], event["what"]) == ("error", 3, "damaged")


def test_a_kept_error_keeps_no_frames_with_the_data_that_was_read() -> None:
    def work(_watch: Watch) -> Mapping[str, Any]:
        raise BundleError("damaged", remedy="get another") from ValueError("cause")

    jobs = Jobs()
    follow(jobs, work)
    (streamed,) = jobs.get("j").follow()
    assert isinstance(streamed.event, JobFailed)
    error = streamed.event.error
    assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)


def test_an_unexpected_error_ends_the_job_too() -> None:
    def work(_watch: Watch) -> Mapping[str, Any]:
        raise ZeroDivisionError

    (event,) = follow(Jobs(), work)
    assert (event["error"], event["exit_code"]) == ("unexpected", 1)


def test_a_late_follower_gets_all_events() -> None:
    jobs = Jobs()
    follow(jobs, lambda _watch: {})
    assert [streamed.event.kind for streamed in jobs.get("j").follow()] == ["result"]


def test_one_job_at_a_time() -> None:
    jobs, release = Jobs(), threading.Event()

    def work(_watch: Watch) -> Mapping[str, Any]:
        release.wait(120)
        return {}

    jobs.start("first", work)
    try:
        assert jobs.running == "first"
        with pytest.raises(PreflightError, match="job first"):
            jobs.start("second", work)
    finally:
        release.set()
        jobs.wait()
    assert jobs.running is None


def busy() -> tuple[Jobs, Work, threading.Event]:
    """Return jobs of which the first is at work until the event is set."""
    jobs, begun, release = Jobs(waiting_every_s=0.01), threading.Event(), threading.Event()

    def work(_watch: Watch) -> Mapping[str, Any]:
        begun.set()
        release.wait(120)
        return {}

    jobs.start("first", work)
    assert begun.wait(120)
    return jobs, work, release


def test_a_waiting_job_names_the_other_job_and_then_runs() -> None:
    jobs, _, release = busy()
    second = jobs.start("second", lambda _watch: {"ok": True}, wait_s=30)
    events = second.follow()
    assert next(events).event == Waiting("job first of this daemon", 0, 30)
    assert jobs.running == "first"
    release.set()
    assert list(events)[-1].event == JobSucceeded(changed=True, result={"ok": True})
    jobs.wait()


def test_a_job_that_waited_long_enough_is_refused() -> None:
    jobs, work, release = busy()
    last = to_json(list(jobs.start("second", work, wait_s=0.05).follow())[-1])
    assert (last["error"], last["what"]) == (
        "install-running", "another install is in progress: job first of this daemon"
    )  # fmt: skip
    release.set()
    jobs.wait()


def test_a_job_that_waits_is_stopped_with_the_daemon() -> None:
    jobs, work, release = busy()
    second = jobs.start("second", work, wait_s=30)
    jobs.interrupt()
    assert "is stopping" in to_json(list(second.follow())[-1])["what"]
    release.set()
    jobs.wait()


def test_an_unknown_job_is_named() -> None:
    with pytest.raises(NotFoundError, match="nope"):
        Jobs().get("nope")


def test_an_interrupted_job_stops_at_the_next_step_but_not_while_undoing() -> None:
    jobs = Jobs()
    seen = []

    def work(watch: Watch) -> Mapping[str, Any]:
        jobs.interrupt()
        try:
            watch(StepStarted(2, "title", 9))
        finally:
            watch(StepUndoStarted(1, "title", 0, 1))
            seen.append("undone")
        return {}

    events = follow(jobs, work)
    assert seen == ["undone"]
    assert "is stopping" in events[-1]["what"]


@pytest.mark.parametrize("event", [RepairStarted("a"), StepUndoStarted(1, "title", 0, 1)])
def test_a_job_that_goes_back_cannot_be_cancelled(event: Event) -> None:
    jobs, refusals = Jobs(), list[PreflightError]()

    def work(watch: Watch) -> Mapping[str, Any]:
        watch(event)
        with pytest.raises(PreflightError, match="is being undone") as caught:
            jobs.cancel("j")
        refusals.append(caught.value)
        return {}

    follow(jobs, work)
    assert len(refusals) == 1


class Time:
    """Two clocks with one time, which a test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def clocks(self) -> Clocks:
        return Clocks(now_s=lambda: self.now_s, ticks_s=lambda: self.now_s)


def progress(done: int, total: int = 1000) -> Event:
    return StepProgressed("unpacking", done, total)


def test_the_stream_has_ten_progress_events_a_second_and_always_the_last() -> None:
    time, done_values = Time(), list[int | None]()
    jobs = Jobs(time.clocks())

    def work(watch: Watch) -> Mapping[str, Any]:
        job = jobs.get("j")
        for done in range(1001):
            time.now_s = done / 1000
            watch(progress(done))
            done_values.append(job.progress.done)
        return {}

    events = follow(jobs, work)
    assert 10 <= len(set(done_values)) <= 12
    assert [e["done"] for e in events if e["event"] == "progress"][-1] == 1000


def test_a_late_follower_gets_only_the_last_progress_of_each_step() -> None:
    time = Time()
    jobs = Jobs(time.clocks())

    def work(watch: Watch) -> Mapping[str, Any]:
        for number in (1, 2):
            watch(StepStarted(number, "title", 2))
            for second in range(100):
                time.now_s += 1
                watch(progress(second))
        return {}

    follow(jobs, work)
    kinds = [streamed.event.kind for streamed in jobs.get("j").follow()]
    assert kinds == ["step", "progress", "step", "progress", "result"]


def test_every_event_has_its_format_and_time() -> None:
    time = Time()
    (event,) = follow(Jobs(time.clocks()), lambda _watch: {})
    assert list(event)[:3] == ["format", "event", "at"]
    assert (event["format"], event["at"]) == (1, "1970-01-01T00:00:00.000+00:00")


@pytest.mark.parametrize(
    ("result", "changed"),
    [
        ({"id": "a"}, True),
        ({"id": "a", "changed": False}, False),
        ({"installs": []}, False),
        ({"installs": [{"id": "a"}]}, True),
    ],
)
def test_the_result_says_whether_anything_changed(result: dict[str, Any], changed: bool) -> None:  # noqa: FBT001
    (event,) = follow(Jobs(), lambda _watch: result)
    assert event["changed"] is changed


def test_events_of_steps_have_the_completion_of_the_job() -> None:
    def work(watch: Watch) -> Mapping[str, Any]:
        watch(InstallStarted("a", 2, (0, 0)))
        watch(StepStarted(2, "title", 2))
        return {}

    events = follow(Jobs(), work)
    (step,) = (e for e in events if e["event"] == "step")
    assert (step["percent"], step["bytes_per_s"], step["remaining_s"]) == (50.0, None, None)


def test_the_status_has_the_running_job_and_the_waiting_jobs() -> None:
    jobs, work, release = busy()
    waiting = jobs.start("second", work, wait_s=30)
    next(waiting.follow())
    status = jobs.status()
    assert status is not None
    assert (status.id, status.kind, status.waiting) == ("first", "install", ("second",))
    assert (status.progress.going_back, status.stopping) == (False, False)
    jobs.cancel("second")
    release.set()
    jobs.wait()
    assert jobs.status() is None
