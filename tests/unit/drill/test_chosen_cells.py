"""The cells of a request."""

import pytest

from fuel_upgrade.drill.drill_run import DrillRequest, _chosen
from fuel_upgrade.drill.verdict_table import Fault, cells
from fuel_upgrade.errors import ConfigError


def test_without_faults_nothing_is_drilled() -> None:
    assert _chosen(DrillRequest(None, with_faults=False), 15) == ()


def test_a_step_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="step 16: the install has the steps 1 to 15"):
        _chosen(DrillRequest(None, with_faults=True, steps=[16, 3]), 15)


def test_named_faults_and_steps_are_drilled() -> None:
    expected = DrillRequest(None, with_faults=True, faults=[Fault.KILL], steps=[3])
    assert _chosen(expected, 15) == cells(15, faults=[Fault.KILL], only_steps=[3])
