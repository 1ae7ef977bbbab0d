"""Which drills there are, and how each is judged."""

from dataclasses import replace

import pytest

from fuel_upgrade.drill.verdict_table import (
    Cell,
    Direction,
    Fault,
    Observed,
    Outcome,
    State,
    Verdict,
    cells,
    differences,
    judge,
    rows,
)
from fuel_upgrade.upgrade.records import InstallState
from fuel_upgrade.upgrade.transaction.failpoints import FailPoints

BEFORE = State({"link": "5.1", "row 1": "a"}, {"link": "5.1", "row": "a"})
AFTER = State({"link": "6.0", "row 1": "a", "row 2": "b"}, {"link": "6.0", "row": "ab"})
LATER = State({"link": "6.0", "row 1": "a", "row 9": "b"}, {"link": "6.0", "row": "ab"})
SEEN = Observed("killed", None, InstallState.ROLLED_BACK, BEFORE)


def judged(seen: Observed) -> tuple[Verdict, tuple[str, ...]]:
    return judge(seen, BEFORE, AFTER)


def test_every_fault_meets_every_step_in_both_directions() -> None:
    actual = cells(3)
    assert len(set(actual)) == len(actual)
    assert {(c.fault, c.step, c.direction) for c in actual} == {
        (fault, step, direction) for fault in Fault for step in (1, 2, 3) for direction in Direction
    }


def test_a_process_fails_before_the_change_and_after_it() -> None:
    actual = cells(1, faults=[Fault.KILL])
    assert [(c.direction.value, c.where) for c in actual] == [
        ("forward", "before"), ("forward", "after"), ("undoing", "before"), ("undoing", "after")
    ]  # fmt: skip


def test_faults_and_steps_can_be_chosen() -> None:
    actual = cells(9, faults=[Fault.LOST], only_steps=[4])
    assert actual == (
        Cell(Fault.LOST, 4, Direction.FORWARD, "during"),
        Cell(Fault.LOST, 4, Direction.UNDOING, "during"),
    )


@pytest.mark.parametrize(
    ("cell", "points"),
    [
        (Cell(Fault.KILL, 2, Direction.FORWARD, "after"), "2:after=kill"),
        (Cell(Fault.FULL, 2, Direction.UNDOING, "before"), "9:after=fail,2:undo-before=full"),
        (Cell(Fault.DOWN, 9, Direction.FORWARD, "during"), "9:before=arm,9:after=disarm"),
        (
            Cell(Fault.DOWN, 9, Direction.UNDOING, "during"),
            "9:after=fail,9:undo-before=arm,9:undo-after=disarm",
        ),
    ],
)
def test_an_undo_follows_a_failure_after_the_last_step(cell: Cell, points: str) -> None:
    assert cell.points(9) == points
    FailPoints(points, dict.fromkeys(["kill", "full", "fail", "arm", "disarm"]))  # is well-formed


def test_as_it_was_is_before() -> None:
    assert judged(SEEN) == (Verdict.BEFORE, ())


def test_installed_is_after_whatever_ids_and_times_it_has() -> None:
    seen = replace(SEEN, settled=InstallState.INSTALLED, state=LATER)
    assert judged(seen) == (Verdict.AFTER, ())


def test_inconsistent_needs_a_repair_to_the_previous_state() -> None:
    seen = replace(
        SEEN,
        settled=InstallState.INCONSISTENT,
        state=AFTER,
        repaired=InstallState.ROLLED_BACK,
        last=BEFORE,
    )
    assert judged(seen) == (Verdict.INCONSISTENT, ())
    assert judged(replace(seen, last=AFTER))[0] is Verdict.WRONG
    assert judged(replace(seen, repaired=InstallState.INCONSISTENT)) == (
        Verdict.WRONG,
        ("expected the repair to roll back, but it is inconsistent",),
    )


def test_a_half_is_wrong_and_named() -> None:
    half = State({"link": "6.0", "row 2": "b"}, {"link": "6.0", "row": "b"})
    assert judged(replace(SEEN, state=half)) == (
        Verdict.WRONG,
        ("row 1: gone", "row 2: was not there", "link: changed"),
    )
    seen = replace(SEEN, settled=InstallState.INSTALLED, state=half)
    assert judged(seen) == (Verdict.WRONG, ("row: changed",))


def test_an_id_that_changed_is_no_undo() -> None:
    seen = replace(SEEN, state=replace(BEFORE, exact={"link": "5.1", "row 2": "a"}))
    assert judged(seen)[0] is Verdict.WRONG


@pytest.mark.parametrize("state", [InstallState.RUNNING, InstallState.ROLLING_BACK])
def test_an_unfinished_install_after_recovery_is_wrong(state: InstallState) -> None:
    assert judged(replace(SEEN, settled=state)) == (
        Verdict.WRONG,
        (f"the install is {state.value} after recovery",),
    )


def test_a_problem_is_always_wrong() -> None:
    assert judged(replace(SEEN, problem="it came to no end")) == (
        Verdict.WRONG,
        ("it came to no end",),
    )


def test_equal_states_have_no_differences() -> None:
    assert differences(BEFORE.exact, dict(BEFORE.exact)) == ()


def outcome(step: int, where: str, verdict: Verdict) -> Outcome:
    return Outcome(Cell(Fault.KILL, step, Direction.FORWARD, where), verdict, "killed")


def test_a_row_has_one_word_a_fault_or_two_where_the_ends_differ() -> None:
    outcomes = [
        outcome(1, "before", Verdict.BEFORE),
        outcome(1, "after", Verdict.BEFORE),
        outcome(3, "before", Verdict.BEFORE),
        outcome(3, "after", Verdict.WRONG),
    ]
    columns, lines = rows(outcomes, ["unpack", "switch", "notify"], Direction.FORWARD)
    assert columns == ("step", "title", "kill")
    assert lines == [("1", "unpack", "before"), ("3", "notify", "before/WRONG")]
    assert rows(outcomes, ["unpack"], Direction.UNDOING) == (("step", "title"), [])
