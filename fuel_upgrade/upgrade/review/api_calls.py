"""Which requests the steps of a plan send to Nailgun, forward and back. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fuel_upgrade.upgrade.plan.plan import PlannedStep

_RELEASES = "/releases/"
_NOTIFICATIONS = "/notifications/"
_TASKS = "/tasks/"


@dataclass(frozen=True, slots=True)
class Call:
    """A kind of request; the path is below ``/api/v1``. ``undo`` ones are sent by an undo alone."""

    method: str
    path: str
    purpose: str
    undo: bool = False


def count_calls(steps: Iterable[PlannedStep]) -> Counter[Call]:
    """Return how often each request is sent by an install, and by undoing all of it.

    Not counted: what is asked while Nailgun is at work, the token of Keystone, what tells the
    dialect of Nailgun, repeats after a lost answer, and the search for a release whose
    registration got no answer.
    """
    found: Counter[Call] = Counter()
    found[Call("GET", _RELEASES, "read what is registered, to plan")] += 1
    found[Call("GET", _TASKS, "see whether Nailgun is at work, to plan, and to go live")] += 2
    for step in steps:
        found.update(_calls(step))
    found[Call("GET", "/clusters/", "see whether clusters use a release", undo=True)] += 1
    found[Call("GET", _TASKS, "see whether Nailgun is at work", undo=True)] += 1
    return found


def _calls(step: PlannedStep) -> Iterator[Call]:
    if step.kind == "register":
        yield Call("GET", _RELEASES, "make sure that the name is not taken")
        if step.params["adopt"] is None:
            yield Call("POST", _RELEASES, "register a release")
            yield Call("GET", f"{_RELEASES}ID/", "read it back")
            yield Call("GET", f"{_RELEASES}ID/networks", "read it back")
            yield Call("DELETE", f"{_RELEASES}ID/", "delete the release", undo=True)
    elif step.kind == "notify":
        yield Call("GET", _NOTIFICATIONS, "note those of the same text")
        yield Call("POST", _NOTIFICATIONS, "notify of a release")
        yield Call("GET", _NOTIFICATIONS, "make sure that it is there once")
        yield Call("GET", _NOTIFICATIONS, "find the notification", undo=True)
        yield Call("DELETE", f"{_NOTIFICATIONS}ID/", "delete the notification", undo=True)
