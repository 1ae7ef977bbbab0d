"""What the engine tells of its work while it is under way."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

Event = Mapping[str, Any]
Watch = Callable[[Event], None]
"""Told of everything that happens: maps with a key ``event``; see docs/api.rst."""


def nobody(_event: Event) -> None:
    """Be told, and do nothing."""


@dataclass(frozen=True, slots=True)
class Begin:
    """The checks have passed and the install is in the journal; ``sizes`` has each step's bytes."""

    install: str
    steps: int
    sizes: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the form that a watcher is given."""
        return {"event": "begin", **asdict(self)}


def step_event(event: str, number: int, title: str, **more: object) -> dict[str, Any]:
    """Return the event of a step that begins, or that is being undone."""
    return {"event": event, "number": number, "title": title, **more}
