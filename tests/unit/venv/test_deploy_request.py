"""A request to the deployer."""

import random
from pathlib import Path

import pytest

from fuel_upgrade.venv.host.deploy_error import DeployError
from fuel_upgrade.venv.host.request import DeployRequest

NOBODY_LISTENS = "http://127.0.0.1:1"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record waits; patched, because a real wait would be the time of the test."""
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    return waits


def first_wait(folder: Path, waits: list[float], jitter_s: float) -> float:
    waits.clear()
    request = DeployRequest(
        "deploy", "api", "1", directory=folder, url=NOBODY_LISTENS, platform="x", jitter_s=jitter_s
    )
    with pytest.raises(DeployError):
        request.carry_out()
    return waits[0]


def test_the_jitter_is_a_random_wait_of_at_most_so_many_seconds(
    tmp_path: Path, waits: list[float]
) -> None:
    random.seed(1)
    drawn = [first_wait(tmp_path, waits, 30) for _ in range(15)]

    assert 0 <= min(drawn) < 10
    assert 20 < max(drawn) <= 30


def test_the_jitter_is_that_of_the_seed(tmp_path: Path, waits: list[float]) -> None:
    drawn = []
    for _ in range(2):
        random.seed(7)
        drawn.append(first_wait(tmp_path, waits, 30))

    assert drawn[0] == drawn[1]


def test_without_jitter_there_is_no_wait(tmp_path: Path, waits: list[float]) -> None:
    assert first_wait(tmp_path, waits, 0) == 0
