"""The progress of a job, from events at times that the tests choose."""

import pytest

from fuel_upgrade.daemon.job_progress import JobProgress
from fuel_upgrade.errors import StepError
from fuel_upgrade.upgrade.events import (
    Event,
    Installed,
    InstallFailed,
    InstallStarted,
    JobSucceeded,
    OrderChosen,
    OrderedTarball,
    RecoveryStarted,
    StepProgressed,
    StepStarted,
    StepUndoStarted,
    TarballStarted,
    Waiting,
)

MIB = 1 << 20


def begin(*sizes: int) -> Event:
    return InstallStarted("aaaa0001", len(sizes), sizes)


def step(number: int, of: int) -> Event:
    return StepStarted(number, f"title {number}", of)


def unpacked(done: int, total: int) -> Event:
    return StepProgressed("unpacking", done, total)


def undo(number: int, undone: int, to_undo: int) -> Event:
    return StepUndoStarted(number, f"title {number}", undone, to_undo)


def after(*events: Event, at: float = 0.0) -> JobProgress:
    progress = JobProgress()
    for event in events:
        progress = progress.after(event, at)
    return progress


def halfway() -> JobProgress:
    """Return a job that has unpacked 10 MiB a second for ten seconds: 100 of 200 MiB."""
    progress = after(begin(200 * MIB, 0, 0), step(1, 3))
    for second in range(11):
        progress = progress.after(unpacked(10 * second * MIB, 200 * MIB), float(second))
    return progress


def test_a_job_without_events_is_checking() -> None:
    progress = JobProgress()
    assert (progress.doing, progress.percent, progress.step) == ("checking", 0.0, None)


def test_the_speed_is_that_of_the_last_seconds_and_gives_the_remaining_time() -> None:
    progress = halfway()
    assert progress.bytes_per_s(10.0) == pytest.approx(10 * MIB)
    remaining = 100 * MIB + 2 * 4 * MIB  # with two steps that write nothing
    assert progress.remaining_s(10.0) == pytest.approx(remaining / (10 * MIB))
    for second in range(11, 31):  # ten times slower from here on
        progress = progress.after(
            unpacked(100 * MIB + (second - 10) * MIB, 200 * MIB), float(second)
        )
    assert progress.bytes_per_s(30.0) == pytest.approx(MIB, rel=0.1)


def test_the_speed_of_a_step_that_hangs_falls_to_zero() -> None:
    progress = halfway()
    assert progress.bytes_per_s(15.0) == pytest.approx(60 / 11 * MIB)
    assert (progress.bytes_per_s(200.0), progress.remaining_s(200.0)) == (0.0, None)


def test_there_is_no_speed_before_half_a_second() -> None:
    progress = after(begin(200 * MIB), step(1, 1), unpacked(0, 200 * MIB))
    progress = progress.after(unpacked(100 * MIB, 200 * MIB), 0.1)
    assert (progress.bytes_per_s(0.1), progress.remaining_s(0.1)) == (None, None)


def test_a_step_counts_by_the_bytes_that_it_writes() -> None:
    assert halfway().percent == pytest.approx(100 * 102 / 212, abs=0.1)
    progress = halfway().after(step(2, 3), 30.0)
    assert progress.percent == pytest.approx(100 * 204 / 212, abs=0.1)


def test_the_percentage_never_falls_and_is_100_only_at_the_end() -> None:
    progress = after(begin(8 * MIB, 0), step(1, 2), unpacked(8 * MIB, 8 * MIB), step(2, 2))
    assert progress.after(unpacked(0, 8 * MIB), 1.0).percent == progress.percent
    progress = progress.after(StepProgressed("packages", 5, 5), 1.0)
    assert progress.percent == 99.9
    assert progress.after(Installed("aaaa0001", "6.0"), 1.0).percent == 99.9
    assert progress.after(JobSucceeded(changed=True, result={}), 1.0).percent == 100.0


def test_waiting_for_the_disk_does_not_count_as_progress_in_bytes() -> None:
    event = StepProgressed("writing to the disk", 0, 2)
    progress = halfway().after(event, 11.0)
    assert progress.doing == "writing to the disk"
    assert progress.percent == halfway().percent
    assert (progress.done, progress.samples) == (None, ())


def test_an_undo_counts_its_own_steps() -> None:
    progress = halfway().after(InstallFailed("aaaa0001", StepError("no", remedy="none")), 12.0)
    assert (progress.going_back, progress.percent) == (True, 0.0)
    progress = progress.after(undo(2, 0, 2), 12.0).after(undo(1, 1, 2), 12.0)
    assert (progress.percent, progress.doing) == (50.0, "undoing: title 1")
    again = progress.after(undo(2, 0, 1), 13.0)  # the failed step is tried again
    assert again.percent == 50.0
    assert again.remaining_s(13.0) is None


def test_a_resumed_install_learns_the_size_of_its_tarball() -> None:
    progress = after(RecoveryStarted("aaaa0001", 1, 3), step(1, 11))
    progress = progress.after(unpacked(500 * MIB, 1000 * MIB), 1.0)
    assert progress.percent == pytest.approx(100 * 502 / 1044, abs=0.1)
    assert progress.install == "aaaa0001"


def test_several_tarballs_count_by_their_unpacked_sizes() -> None:
    ordered = (OrderedTarball("a", "6.0", 100 * MIB), OrderedTarball("b", "6.1", 300 * MIB))
    progress = after(
        OrderChosen(ordered, ()),
        TarballStarted(1, 2, "a", "6.0", 100 * MIB),
        begin(100 * MIB),
        step(1, 1),
        unpacked(100 * MIB, 100 * MIB),
    )
    assert progress.percent == pytest.approx(25.0)
    progress = progress.after(TarballStarted(2, 2, "b", "6.1", 300 * MIB), 2.0)
    assert (progress.percent, progress.doing) == (25.0, "checking")
    for event in (begin(300 * MIB), step(1, 1), unpacked(150 * MIB, 300 * MIB)):
        progress = progress.after(event, 3.0)
    assert progress.percent == pytest.approx(62.5, abs=0.5)


def test_a_waiting_job_names_the_job_that_it_waits_for() -> None:
    event = Waiting("job first of this daemon", 0, 30)
    assert JobProgress().after(event, 0.0).doing == "waiting for job first of this daemon"
