"""Counts the requests that the steps of a plan send to Nailgun, forward and back. Pure."""

from collections import Counter
from collections.abc import Iterable

from fuel_upgrade.upgrade.plan.plan import PlannedStep
from fuel_upgrade.upgrade.steps.nailgun_call import RELEASES, Call

_TASKS = "/tasks/"


def count_calls(steps: Iterable[PlannedStep]) -> Counter[Call]:
    """Return the number of each request that an install and its undo send.

    Not counted are requests while Nailgun is busy, for the Keystone token and for the dialect of
    Nailgun, retries after a lost answer, and the search for a release after one.
    """
    counted: Counter[Call] = Counter()
    counted[Call("GET", RELEASES, "read what is registered, to plan")] += 1
    counted[Call("GET", _TASKS, "see whether Nailgun is at work, to plan, and to go live")] += 2
    for step in steps:
        counted.update(step.step.nailgun_calls())
    counted[Call("GET", "/clusters/", "see whether clusters use a release", undo=True)] += 1
    counted[Call("GET", _TASKS, "see whether Nailgun is at work", undo=True)] += 1
    return counted
