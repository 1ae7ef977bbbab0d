"""Settings of the unit tests."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade.repo.apt import library_reader


@pytest.fixture(scope="module", autouse=True)
def proofs_start_no_process() -> Iterator[None]:
    """Hide python3-apt, which each of many proofs would start, and copy no process of tests.

    A copy of this process is large, and coverage does not see it. Workers of pytest-xdist have
    several threads, so none of them is copied anyway. Patched, because a proof selects its library
    and its process itself: nothing may select others.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library_reader, "_BINDINGS", Path("/nonexistent"))
        patch.setattr(threading, "active_count", lambda: 2)
        yield
