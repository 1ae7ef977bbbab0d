"""Settings of the unit tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade.repo.apt import library_reader


@pytest.fixture(scope="module", autouse=True)
def proofs_start_no_process() -> Iterator[None]:
    """Hide python3-apt: each of many proofs would start the Python of the system.

    Patched, because a proof selects its library itself: nothing may select another one.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library_reader, "_BINDINGS", Path("/nonexistent"))
        yield
