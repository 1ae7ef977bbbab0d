"""A change without a tarball: its API form, and the record that begins it."""

from pathlib import Path

from fuel_upgrade.daemon.response_models.gc_forms import ChangePlanForm
from fuel_upgrade.upgrade.change import Change
from fuel_upgrade.upgrade.plan.plan import PlannedStep, begin
from fuel_upgrade.upgrade.records import InstallState, RecordKind
from fuel_upgrade.upgrade.steps.retire import Retire

RETIRE = Retire(Path("/www/a"), Path("/staging/a"), top=Path("/www"))
STEP = PlannedStep(RETIRE, "move a away", "move it back", 7)
CHANGE = Change("ab12cd34", RecordKind.GC, "retire 2013-5.0", "6.0", (STEP,))


def test_a_change_keeps_the_fuel_version() -> None:
    record = CHANGE.record(1.5)
    assert (record.fuel_from, record.fuel_to, record.kind) == ("6.0", "6.0", "gc")
    assert (record.subject, record.seal, record.started_s) == ("retire 2013-5.0", "", 1.5)
    assert record.state is InstallState.RUNNING


def test_steps_are_numbered_from_one() -> None:
    assert ChangePlanForm.of_change(CHANGE).to_json() == {
        "kind": "gc",
        "what": "retire 2013-5.0",
        "steps": [{"number": 1, "kind": "retire", "title": "move a away", "undo": "move it back"}],
    }


def test_the_first_event_has_the_size_of_each_step() -> None:
    event = begin(CHANGE.install, CHANGE.steps)
    assert (event.install, event.steps, event.sizes) == ("ab12cd34", 1, (7,))
