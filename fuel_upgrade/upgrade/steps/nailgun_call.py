"""A request to Nailgun as a value, by which the cost of a plan is counted."""

from dataclasses import dataclass

RELEASES = "/releases/"
TASKS = "/releases/ID/deployment_tasks"
NOTIFICATIONS = "/notifications/"


@dataclass(frozen=True, slots=True)
class Call:
    """A kind of request. The path is below ``/api/v1``. Only an undo sends those with ``undo``."""

    method: str
    path: str
    purpose: str
    undo: bool = False
