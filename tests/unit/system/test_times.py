"""Times, for people and for programs, always with a zone."""

import time
from collections.abc import Iterator

import pytest

from fuel_upgrade.system.times import iso_time, say_time

AT_S = 1795811643.1234


@pytest.fixture
def in_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "2026-11-27 20:34:03 UTC"),
        ("GMT0", "2026-11-27 20:34:03 UTC"),
        ("CET-1", "2026-11-27 21:34:03 +01:00"),
        ("NST3:30", "2026-11-27 17:04:03 -03:30"),
    ],
)
def test_people_read_local_time_with_its_offset(
    in_zone: pytest.MonkeyPatch, zone: str, text: str
) -> None:
    in_zone.setenv("TZ", zone)
    time.tzset()
    assert say_time(AT_S) == text
    assert iso_time(AT_S) == "2026-11-27T20:34:03.123+00:00"


def test_no_time_yet_is_a_dash_and_null() -> None:
    assert (say_time(None), iso_time(None)) == ("-", None)
