"""The reversible changes that make up an install, a gc and a squash."""

from collections.abc import Iterable, Mapping
from typing import Any

from fuel_upgrade.upgrade.records import StepRecord
from fuel_upgrade.upgrade.steps.full_view import BuildView
from fuel_upgrade.upgrade.steps.publish_venvs import PublishVenvs
from fuel_upgrade.upgrade.steps.put_tasks import PutTasks
from fuel_upgrade.upgrade.steps.register import Notify, Register
from fuel_upgrade.upgrade.steps.retire import Retire
from fuel_upgrade.upgrade.steps.run_hook import RunHook
from fuel_upgrade.upgrade.steps.stage import Stage
from fuel_upgrade.upgrade.steps.step import HasStep, Step
from fuel_upgrade.upgrade.steps.switch import Switch
from fuel_upgrade.upgrade.steps.unpack import Unpack
from fuel_upgrade.upgrade.steps.unregister import Reregister, Unregister

_TYPES: Mapping[str, type[Step[Any]]] = {
    step_type.kind: step_type
    for step_type in (
        Unpack,
        Switch,
        BuildView,
        PublishVenvs,
        Register,
        PutTasks,
        Notify,
        Stage,
        Retire,
        Unregister,
        Reregister,
        RunHook,
    )
}


def type_of(entry: HasStep) -> type[Step[Any]]:
    """Return the class of a step; the base for an unknown kind, as after a downgrade."""
    return _TYPES.get(entry.kind, Step)


def read_step(entry: HasStep) -> Step[Any]:
    """Return the step of a plan or of the journal with its parameters.

    Raises:
        ValueError: the kind is unknown, or the parameters are malformed.
    """
    if entry.kind not in _TYPES:
        raise ValueError(f"unknown kind of step: {entry.kind}")
    return type_of(entry).from_json(entry.params)


def created_releases(records: Iterable[StepRecord]) -> frozenset[int]:
    """Return the ids of the releases that the steps of a change registered."""
    ids = (step.created_release(facts) for step, facts in Register.begun(records))
    return frozenset(number for number in ids if number is not None)
