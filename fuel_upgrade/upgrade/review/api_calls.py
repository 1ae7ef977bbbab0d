"""Which requests the steps of a plan send to Nailgun, forward and back. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from fuel_upgrade.upgrade.plan.plan import PlannedStep
from fuel_upgrade.upgrade.steps.nailgun_call import RELEASES, Call

_TASKS = "/tasks/"


def count_calls(steps: Iterable[PlannedStep]) -> Counter[Call]:
    """Return how often each request is sent by an install, and by undoing all of it.

    Not counted: what is asked while Nailgun is at work, the token of Keystone, what tells the
    dialect of Nailgun, repeats after a lost answer, and the search for a release whose
    registration got no answer.
    """
    found: Counter[Call] = Counter()
    found[Call("GET", RELEASES, "read what is registered, to plan")] += 1
    found[Call("GET", _TASKS, "see whether Nailgun is at work, to plan, and to go live")] += 2
    for step in steps:
        found.update(step.step.nailgun_calls())
    found[Call("GET", "/clusters/", "see whether clusters use a release", undo=True)] += 1
    found[Call("GET", _TASKS, "see whether Nailgun is at work", undo=True)] += 1
    return found


def calls_json(counted: Counter[Call]) -> list[dict[str, Any]]:
    """Return the form that the API gives: those of the install first, then those of an undo."""
    rows = sorted(counted.items(), key=lambda pair: pair[0].undo)
    return [
        {"method": c.method, "path": c.path, "count": n, "purpose": c.purpose, "undo": c.undo}
        for c, n in rows
    ]
