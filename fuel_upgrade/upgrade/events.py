"""What the engine tells of its work while it is under way."""

from collections.abc import Callable, Mapping
from typing import Any

Watch = Callable[[Mapping[str, Any]], None]
"""Told of everything that happens: maps with a key ``event``; see docs/api.rst."""


def nobody(_event: Mapping[str, Any]) -> None:
    """Be told, and do nothing."""


def step_event(event: str, number: int, title: str, **more: object) -> dict[str, Any]:
    """Return the event of a step that begins, or that is being undone."""
    return {"event": event, "number": number, "title": title, **more}
