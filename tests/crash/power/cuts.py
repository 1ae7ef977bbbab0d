"""Chooses power cuts in a log, and the writes that each leaves on the disks (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain, cycle, islice, pairwise
from random import Random

from tests.crash.power.log import Entry

SECTOR_BYTES = 512
"""The unit that a disk writes whole or not at all."""
_ATTEMPTS = 50  # for each cut that is wanted: equal ones are drawn again


class Keep(Enum):
    """The share of the writes after the last flush that a disk still wrote."""

    NOTHING = "nothing"
    SOME = "some writes"
    TORN = "some sectors of some writes"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Cut:
    """The power fails after ``position`` requests; ``seed`` draws the kept writes."""

    position: int
    keep: Keep
    seed: int


def durable_end(log: Sequence[Entry], disk: int, position: int) -> int:
    """Return after how many requests everything on this disk is durable, at ``position``."""
    flushes = (n for n in range(position, 0, -1) if _flushes(log[n - 1], disk))
    return next(flushes, 0)


def durable(log: Sequence[Entry], disks: int, start: int, end: int) -> list[Entry]:
    """Return the writes that are durable at ``end`` and that were not so at ``start``."""
    kept: list[Entry] = []
    for disk in range(disks):
        first, last = (durable_end(log, disk, position) for position in (start, end))
        kept.extend(e for e in log[first:last] if e.disk == disk and not e.is_flush)
    return kept


def surviving(log: Sequence[Entry], disks: int, cut: Cut) -> list[Entry]:
    """Return the not yet durable writes that survive a cut, in their order."""
    chance = Random(cut.seed)
    pending: list[Entry] = []
    for disk in range(disks):
        begin = durable_end(log, disk, cut.position)
        pending.extend(e for e in log[begin : cut.position] if e.disk == disk and not e.is_flush)
    if cut.keep is Keep.NOTHING:
        return []
    if cut.keep is Keep.ALL:
        return pending
    some = [entry for entry in pending if chance.random() < 0.5]
    if cut.keep is Keep.SOME:
        return some
    return [piece for entry in some for piece in _torn(entry, chance)]


def choose(
    log: Sequence[Entry], disks: int, marks: Sequence[int], count: int, seed: int
) -> list[Cut]:
    """Draw cuts from the first to the last of the positions ``marks``, no two with equal disks.

    Up to half of them are at the marks themselves and keep nothing: an answer was given, and must
    stand. Then there are as many between any two marks, as far as that many differ. Half of those
    fall just before a flush is served: none of its writes need be there.
    """
    chance = Random(seed)
    spans = [span for span in pairwise(marks) if span[0] < span[1]]
    kinds = cycle((keep, span) for keep in Keep for span in spans)  # few cuts reach all spans too
    drawn = (
        Cut(_position(log, span, chance), keep, chance.getrandbits(32)) for keep, span in kinds
    )
    message = [Cut(mark, Keep.NOTHING, 0) for mark in chance.sample(marks, len(marks))]
    actual: dict[object, Cut] = {}
    for cut in chain(message[: count // 2], islice(drawn, count * _ATTEMPTS)):
        if len(actual) == count:
            break
        written = len(durable(log, disks, 0, cut.position))
        actual.setdefault((written, tuple(surviving(log, disks, cut))), cut)
    return sorted(actual.values(), key=lambda cut: cut.position)


def _position(log: Sequence[Entry], span: tuple[int, int], chance: Random) -> int:
    flushes = [n for n in range(*span) if log[n].is_flush]
    if flushes and chance.random() < 0.5:
        return chance.choice(flushes)
    return chance.randint(*span)


def _flushes(entry: Entry, disk: int) -> bool:
    return entry.is_flush and entry.disk == disk


def _torn(entry: Entry, chance: Random) -> Iterator[Entry]:
    for start in range(0, entry.length, SECTOR_BYTES):
        if chance.random() < 0.5:
            length = min(SECTOR_BYTES, entry.length - start)
            yield replace(
                entry, offset=entry.offset + start, length=length, place=entry.place + start
            )
