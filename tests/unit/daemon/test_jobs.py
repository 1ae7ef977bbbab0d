import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fuel_upgrade.daemon.jobs import Event, Jobs, Work
from fuel_upgrade.errors import BundleError, NotFoundError, PreflightError

Watch = Callable[[Event], None]


def follow(jobs: Jobs, work: Callable[[Watch], Mapping[str, Any]]) -> list[Event]:
    job = jobs.start("j", work)
    events = list(job.follow())
    jobs.wait()
    return events


def test_events_come_in_order_and_end_with_the_result() -> None:
    def work(watch: Watch) -> Mapping[str, Any]:
        watch({"event": "step", "number": 1})
        return {"ok": True}

    events = follow(Jobs(), work)
    assert [e["event"] for e in events] == ["step", "result"]
    assert events[-1]["result"] == {"ok": True}


def test_an_error_is_the_last_event() -> None:
    def work(_watch: Watch) -> Mapping[str, Any]:
        raise BundleError("damaged", remedy="get another")

    (event,) = follow(Jobs(), work)
    assert (event["event"], event["exit_code"], event["what"]) == ("error", 3, "damaged")


def test_an_unexpected_error_ends_the_job_too() -> None:
    def work(_watch: Watch) -> Mapping[str, Any]:
        raise ZeroDivisionError

    (event,) = follow(Jobs(), work)
    assert (event["error"], event["exit_code"]) == ("UpgradeError", 1)


def test_one_that_comes_late_sees_everything() -> None:
    jobs = Jobs()
    follow(jobs, lambda _watch: {})
    assert [e["event"] for e in jobs.get("j").follow()] == ["result"]


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
    jobs, begun, release = Jobs(), threading.Event(), threading.Event()

    def work(_watch: Watch) -> Mapping[str, Any]:
        begun.set()
        release.wait(120)
        return {}

    jobs.start("first", work)
    assert begun.wait(120)
    return jobs, work, release


def test_a_job_that_waits_tells_for_which_and_then_runs() -> None:
    jobs, _, release = busy()
    second = jobs.start("second", lambda _watch: {"ok": True}, wait_s=30)
    events = second.follow()
    assert next(events) == {
        "event": "waiting", "on": "job first of this daemon", "waited_s": 0, "wait_s": 30
    }  # fmt: skip
    assert jobs.running == "first"
    release.set()
    assert list(events)[-1] == {"event": "result", "result": {"ok": True}}
    jobs.wait()


def test_a_job_that_waited_long_enough_is_refused() -> None:
    jobs, work, release = busy()
    last = list(jobs.start("second", work, wait_s=0.05).follow())[-1]
    assert (last["error"], last["what"]) == (
        "PreflightError", "another install is in progress: job first of this daemon"
    )  # fmt: skip
    release.set()
    jobs.wait()


def test_a_job_that_waits_is_stopped_with_the_daemon() -> None:
    jobs, work, release = busy()
    second = jobs.start("second", work, wait_s=30)
    jobs.interrupt()
    assert "told to stop" in list(second.follow())[-1]["what"]
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
            watch({"event": "step", "number": 2})
        finally:
            watch({"event": "undo step", "number": 1})
            seen.append("undone")
        return {}

    events = follow(jobs, work)
    assert seen == ["undone"]
    assert "told to stop" in events[-1]["what"]


def test_progress_is_thinned_but_its_end_is_told() -> None:
    def work(watch: Watch) -> Mapping[str, Any]:
        for done in range(1001):
            watch({"event": "progress", "what": "x", "done": done, "total": 1000})
        return {}

    events = follow(Jobs(), work)
    progress = [e for e in events if e["event"] == "progress"]
    assert len(progress) < 50
    assert progress[-1]["done"] == 1000
