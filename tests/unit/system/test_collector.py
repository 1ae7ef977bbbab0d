"""The collector of reference cycles is paused, and afterwards as it was."""

import gc

import pytest

from fuel_upgrade.system.collector import paused_collector


def test_the_collector_runs_again_after_an_error() -> None:
    @paused_collector()
    def fail() -> None:
        raise ValueError(str(gc.isenabled()))

    with pytest.raises(ValueError, match="False"):
        fail()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with paused_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
