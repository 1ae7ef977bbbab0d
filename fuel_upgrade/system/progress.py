"""How long work tells how far it is."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told what is being done, how far, and of how much."""

IN_BYTES = frozenset({"unpacking", "packing"})
"""What of it is counted in bytes; all else is counted in pieces or seconds."""


def no_progress(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""
