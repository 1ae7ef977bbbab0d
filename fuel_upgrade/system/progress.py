"""The callback by which long work reports its progress."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with the name of the work, the amount done and the total."""

IN_BYTES = frozenset({"unpacking", "packing"})
"""The work whose amounts are bytes; other amounts are items or seconds."""


def no_progress(_work: str, _done: int, _total: int) -> None:
    """Report nothing."""
