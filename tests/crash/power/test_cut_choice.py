"""The writes that survive a cut, computed for logs of a few requests."""

import pytest

from tests.crash.power.cuts import SECTOR_BYTES, Cut, Keep, choose, durable, surviving
from tests.crash.power.log import Entry

FLUSH, OTHER_FLUSH = Entry(0, is_flush=True), Entry(1, is_flush=True)
ONE, TWO, THREE = (Entry(0, is_flush=False, offset=n, length=4096, place=n) for n in range(3))
OTHER = Entry(1, is_flush=False, offset=9, length=512, place=9)


def test_what_was_flushed_is_durable_and_no_more() -> None:
    log = [ONE, FLUSH, TWO, FLUSH, THREE]
    assert durable(log, 1, 0, 1) == []
    assert durable(log, 1, 0, 2) == [ONE]
    assert durable(log, 1, 2, 5) == [TWO]


def test_a_flush_is_for_its_own_disk() -> None:
    log = [ONE, OTHER, OTHER_FLUSH]
    assert durable(log, 2, 0, 3) == [OTHER]
    assert surviving(log, 2, Cut(3, Keep.ALL, 0)) == [ONE]


@pytest.mark.parametrize(("keep", "left"), [(Keep.NOTHING, []), (Keep.ALL, [TWO, THREE])])
def test_of_what_was_not_flushed_nothing_or_all_is_left(keep: Keep, left: list[Entry]) -> None:
    assert surviving([ONE, FLUSH, TWO, THREE], 1, Cut(4, keep, 0)) == left


def test_some_writes_are_any_of_them_in_their_order() -> None:
    log = [ONE, TWO, THREE]
    seen = {tuple(surviving(log, 1, Cut(3, Keep.SOME, seed))) for seed in range(100)}
    assert len(seen) == 8
    assert all(list(some) == [e for e in log if e in some] for some in seen)


def test_a_torn_write_is_whole_sectors_of_it() -> None:
    log = [Entry(0, is_flush=False, offset=8192, length=1000, place=70)]
    seen = {tuple(surviving(log, 1, Cut(1, Keep.TORN, seed))) for seed in range(100)}
    first = Entry(0, is_flush=False, offset=8192, length=SECTOR_BYTES, place=70)
    last = Entry(0, is_flush=False, offset=8192 + 512, length=488, place=70 + 512)
    assert seen == {(), (first,), (last,), (first, last)}


def test_every_moment_of_an_answer_is_a_cut_that_keeps_nothing() -> None:
    log = [ONE, FLUSH, TWO, FLUSH, THREE, FLUSH] * 5
    cuts = choose(log, 1, [1, 13, 29], 6, seed=7)
    assert {Cut(mark, Keep.NOTHING, 0) for mark in (1, 13, 29)} < set(cuts)


def test_no_two_cuts_leave_the_same_disks() -> None:
    log = [ONE, FLUSH, FLUSH, TWO]
    cuts = choose(log, 1, [0, 4], 100, seed=7)
    left = [
        (tuple(durable(log, 1, 0, cut.position)), tuple(surviving(log, 1, cut))) for cut in cuts
    ]
    assert len(set(left)) == len(left)


def test_a_seed_draws_the_same_cuts_again() -> None:
    log = [ONE, FLUSH, TWO, OTHER, THREE, FLUSH] * 20
    assert choose(log, 2, [0, 60, 120], 20, seed=7) == choose(log, 2, [0, 60, 120], 20, seed=7)
    assert choose(log, 2, [0, 60, 120], 20, seed=7) != choose(log, 2, [0, 60, 120], 20, seed=8)
