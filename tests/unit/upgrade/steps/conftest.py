from collections.abc import Iterator

import pytest

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.upgrade.steps.step import World


@pytest.fixture
def world() -> Iterator[World]:
    """Return a world for steps that only change files: nothing listens at its Nailgun."""
    with NailgunClient(NailgunSettings(url="http://127.0.0.1:9")) as control:
        yield World(control, no_progress)
