"""How far a job is, from events at times that the tests choose."""

from typing import Any

import pytest

from fuel_upgrade.daemon.job_progress import JobProgress
from fuel_upgrade.upgrade.events import Event

MIB = 1 << 20


def begin(*sizes: int) -> Event:
    return {"event": "begin", "install": "aaaa0001", "steps": len(sizes), "sizes": sizes}


def step(number: int, of: int) -> Event:
    return {"event": "step", "number": number, "of": of, "title": f"title {number}"}


def unpacked(done: int, total: int) -> Event:
    return {"event": "progress", "what": "unpacking", "done": done, "total": total}


def undo(number: int, undone: int, to_undo: int) -> Event:
    counts = {"undone": undone, "to_undo": to_undo}
    return {"event": "undo step", "number": number, "title": f"title {number}", **counts}


def after(*events: Event, at: float = 0.0) -> JobProgress:
    found = JobProgress()
    for event in events:
        found = found.after(event, at)
    return found


def halfway() -> JobProgress:
    """Return a job that has unpacked 10 MiB a second for ten seconds: 100 of 200 MiB."""
    found = after(begin(200 * MIB, 0, 0), step(1, 3))
    for second in range(11):
        found = found.after(unpacked(10 * second * MIB, 200 * MIB), float(second))
    return found


def test_a_job_without_events_is_checking() -> None:
    progress = JobProgress()
    assert (progress.doing, progress.percent, progress.step) == ("checking", 0.0, None)


def test_the_speed_is_that_of_the_last_seconds_and_the_rest_takes_as_long_as_it_says() -> None:
    found = halfway()
    assert found.bytes_per_s(10.0) == pytest.approx(10 * MIB)
    left = 100 * MIB + 2 * 4 * MIB  # and two steps that write nothing
    assert found.remaining_s(10.0) == pytest.approx(left / (10 * MIB))
    for second in range(11, 31):  # ten times slower from here on
        found = found.after(unpacked(100 * MIB + (second - 10) * MIB, 200 * MIB), float(second))
    assert found.bytes_per_s(30.0) == pytest.approx(MIB, rel=0.1)


def test_the_speed_of_what_hangs_falls_to_nothing() -> None:
    found = halfway()
    assert found.bytes_per_s(15.0) == pytest.approx(60 / 11 * MIB)
    assert (found.bytes_per_s(200.0), found.remaining_s(200.0)) == (0.0, None)


def test_no_speed_is_said_before_half_a_second() -> None:
    found = after(begin(200 * MIB), step(1, 1), unpacked(0, 200 * MIB))
    found = found.after(unpacked(100 * MIB, 200 * MIB), 0.1)
    assert (found.bytes_per_s(0.1), found.remaining_s(0.1)) == (None, None)


def test_the_bytes_that_a_step_writes_say_how_much_of_the_whole_it_is() -> None:
    assert halfway().percent == pytest.approx(100 * 102 / 212, abs=0.1)
    found = halfway().after(step(2, 3), 30.0)
    assert found.percent == pytest.approx(100 * 204 / 212, abs=0.1)


def test_the_percentage_never_falls_and_the_last_one_is_for_the_end() -> None:
    found = after(begin(8 * MIB, 0), step(1, 2), unpacked(8 * MIB, 8 * MIB), step(2, 2))
    assert found.after(unpacked(0, 8 * MIB), 1.0).percent == found.percent
    done = {"event": "progress", "what": "packages", "done": 5, "total": 5}
    found = found.after(done, 1.0)
    assert found.percent == 99.9
    assert found.after({"event": "installed", "install": "aaaa0001"}, 1.0).percent == 99.9
    assert found.after({"event": "result", "result": {}}, 1.0).percent == 100.0


def test_waiting_for_the_disk_is_no_progress_in_bytes() -> None:
    event = {"event": "progress", "what": "writing to the disk", "done": 0, "total": 2}
    found = halfway().after(event, 11.0)
    assert found.doing == "writing to the disk"
    assert found.percent == halfway().percent
    assert (found.done, found.samples) == (None, ())


def test_what_goes_back_counts_its_own_steps() -> None:
    found = halfway().after({"event": "failed", "install": "aaaa0001"}, 12.0)
    assert (found.going_back, found.percent) == (True, 0.0)
    found = found.after(undo(2, 0, 2), 12.0).after(undo(1, 1, 2), 12.0)
    assert (found.percent, found.doing) == (50.0, "undoing: title 1")
    again = found.after(undo(2, 0, 1), 13.0)  # what failed is tried once more
    assert again.percent == 50.0
    assert again.remaining_s(13.0) is None


def test_a_resumed_install_learns_the_size_of_its_tarball() -> None:
    found = after({"event": "recover", "install": "aaaa0001"}, step(1, 11))
    found = found.after(unpacked(500 * MIB, 1000 * MIB), 1.0)
    assert found.percent == pytest.approx(100 * 502 / 1044, abs=0.1)
    assert found.install == "aaaa0001"


def test_several_tarballs_count_by_what_they_unpack_to() -> None:
    sizes: list[Any] = [{"unpacked_bytes": 100 * MIB}, {"unpacked_bytes": 300 * MIB}]
    second = {"event": "tarball", "number": 2, "of": 2, "tarball": "b"}
    found = after(
        {"event": "order", "order": sizes, "skipped": []},
        {"event": "tarball", "number": 1, "of": 2, "tarball": "a"},
        begin(100 * MIB),
        step(1, 1),
        unpacked(100 * MIB, 100 * MIB),
    )
    assert found.percent == pytest.approx(25.0)
    found = found.after(second, 2.0)
    assert (found.percent, found.doing) == (25.0, "checking")
    for event in (begin(300 * MIB), step(1, 1), unpacked(150 * MIB, 300 * MIB)):
        found = found.after(event, 3.0)
    assert found.percent == pytest.approx(62.5, abs=0.5)


def test_what_is_waited_for_is_what_the_job_does() -> None:
    event = {"event": "waiting", "on": "job first of this daemon", "waited_s": 0, "wait_s": 30}
    assert JobProgress().after(event, 0.0).doing == "waiting for job first of this daemon"
