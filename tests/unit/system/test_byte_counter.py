"""Work in bytes is reported in parts of its total, and slow work twice a second."""

import re
from pathlib import Path

import fuel_upgrade
from fuel_upgrade.system.progress import IN_BYTES, ByteCounter
from tests.clock import Clock


def test_a_part_of_the_total_is_reported_and_less_is_not() -> None:
    reported: list[int] = []
    counter = ByteCounter(lambda _, done, __: reported.append(done), "x", 2000, clock=Clock())
    for _ in range(40):
        counter.add(1)
    assert reported == [1, 11, 21, 31]


def test_work_without_data_is_reported_too_so_that_it_can_be_cancelled() -> None:
    clock, reported = Clock(), []
    counter = ByteCounter(lambda _, done, __: reported.append(done), "x", 1 << 40, clock=clock)
    counter.add(1)
    for _ in range(4):
        counter.add(0)
        clock.advance(0.3)
    assert reported == [1, 1]


PACKAGE = Path(fuel_upgrade.__file__).parent


def test_all_work_that_is_counted_in_bytes_is_shown_in_bytes() -> None:
    texts = (path.read_text() for path in PACKAGE.rglob("*.py"))
    counted = {name for text in texts for name in re.findall(r'ByteCounter\(\w+, "(.*?)"', text)}
    assert counted == IN_BYTES
