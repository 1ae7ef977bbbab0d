"""Finds the order in which several tarballs can be installed, from their content. Pure."""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import chain, groupby
from typing import Any

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.release.chain import compare_fuel_versions
from fuel_upgrade.release.model import ReleaseKey
from fuel_upgrade.upgrade.event_json import event_fields
from fuel_upgrade.upgrade.events import OrderChosen, OrderedTarball, SkippedTarball

INSTALLED_ALREADY = "installed already"
"""The reason to skip a tarball whose earlier install is intact."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """The packages that a diff release inherits: one base must have all ``checksums``.

    ``checksums`` is None if they cannot be compared with those of other tarballs; the base is
    identified by its name then.
    """

    named: str
    os_key: str
    checksums: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Offer:
    """The part of a tarball that the order depends on.

    ``brings`` maps each release to the checksums of all its packages, including inherited ones.
    """

    name: str
    fuel_version: str
    upgrade_from: frozenset[str]
    seal: str
    brings: Mapping[ReleaseKey, frozenset[str]]
    wants: tuple[Inherited, ...]
    unpacked_bytes: int = 0

    def skipped(self, why: str) -> SkippedTarball:
        """Return the tarball as one that is not installed, for the reason ``why``."""
        return SkippedTarball(self.name, self.fuel_version, self.unpacked_bytes, why)


@dataclass(frozen=True, slots=True)
class Present:
    """The master: its Fuel version, checksums by release, and the seals of intact installs."""

    fuel_version: str
    releases: Mapping[ReleaseKey, frozenset[str]]
    seals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Order:
    """The tarballs to install, in order, and those to skip, each with the reason."""

    installs: tuple[Offer, ...]
    skipped: tuple[tuple[Offer, str], ...]

    def to_event(self) -> OrderChosen:
        """Return the event with which the install of several tarballs begins."""
        order = (OrderedTarball(o.name, o.fuel_version, o.unpacked_bytes) for o in self.installs)
        return OrderChosen(tuple(order), tuple(offer.skipped(why) for offer, why in self.skipped))

    def to_json(self) -> dict[str, Any]:
        """Return the form that the API gives."""
        return event_fields(self.to_event())


@dataclass(frozen=True, slots=True)
class _Way:
    """A sequence of tarballs to the Fuel version ``end``: ``last`` after those of ``before``."""

    end: str
    last: Offer | None = None
    before: "_Way | None" = None
    length: int = 0
    rank: int = 0

    def back(self) -> "Iterator[_Way]":
        """Yield this sequence, then each shorter one of its beginning, down to the empty one."""
        way: _Way | None = self
        while way:
            yield way
            way = way.before

    def offers(self) -> tuple[Offer, ...]:
        """Return the tarballs, first to last."""
        return tuple(way.last for way in reversed([*self.back()]) if way.last)


def find_order(offers: Iterable[Offer], present: Present) -> Order:
    """Find the sequence to the highest Fuel version that can be reached, with the most installs.

    Each tarball must upgrade the version before it, and for each of its diffs one release, on the
    master or in an earlier tarball, must have all inherited packages. The order of ``offers`` does
    not matter.

    Raises:
        PreflightError: a tarball is of a higher version than every sequence reaches.
    """
    skipped: list[tuple[Offer, str]] = []
    usable = _usable(sorted(offers, key=_rank), present, skipped)
    best = _best_way(usable, present)
    above = [o for o in usable if compare_fuel_versions(o.fuel_version, best.end) > 0]
    if above:
        raise _unreachable(above, usable, best, present)
    chosen = best.offers()
    skipped += _not_needed(usable, chosen)
    return Order(chosen, tuple(sorted(skipped, key=lambda pair: _rank(pair[0]))))


def _best_way(usable: Sequence[Offer], present: Present) -> _Way:
    """Extend, for each tarball by rank, the best sequence that it can follow; return the best."""
    best = _Way(present.fuel_version)
    ways = defaultdict(list, {best.end: [best]})  # by their ends, each list in rising order
    for rank, offer in enumerate(usable, 1):
        before = _last_before(offer, ways, present)
        if before:
            way = _Way(offer.fuel_version, offer, before, before.length + 1, rank)
            insort(ways[way.end], way, key=_worth)
            best = max(best, way, key=_worth)
    return best


def _last_before(offer: Offer, ways: Mapping[str, Sequence[_Way]], present: Present) -> _Way | None:
    """Return the best sequence that ``offer`` can follow."""
    ends = [
        end
        for end in offer.upgrade_from
        if end in ways and compare_fuel_versions(offer.fuel_version, end) > 0
    ]
    ends.sort(key=lambda end: (_by_version(end), end), reverse=True)
    fit = (way for end in ends for way in reversed(ways[end]) if not _lack(offer, way, present))
    return next(fit, None)


@cmp_to_key
def _by_version(one: str, other: str) -> int:
    return compare_fuel_versions(one, other)


def _rank(offer: Offer) -> Any:
    return (_by_version(offer.fuel_version), offer.seal, offer.name)


def _worth(way: _Way) -> Any:
    """Rank a sequence by its last version, then by its length; the rest breaks ties."""
    return (_by_version(way.end), way.length, way.rank)


def _usable(
    offers: Sequence[Offer], present: Present, skipped: list[tuple[Offer, str]]
) -> list[Offer]:
    """Leave out tarballs that are installed already, and copies."""
    by_seal: dict[str, Offer] = {}
    for offer in offers:
        compared = compare_fuel_versions(offer.fuel_version, present.fuel_version)
        if compared <= 0:
            is_same = offer.seal in present.seals
            reason = f"this master runs Fuel {present.fuel_version}"
            skipped.append((offer, INSTALLED_ALREADY if is_same else reason))
        elif offer.seal in by_seal:
            skipped.append((offer, f"the same as {by_seal[offer.seal].name}"))
        else:
            by_seal[offer.seal] = offer
    return list(by_seal.values())


def _lack(offer: Offer, way: _Way, present: Present) -> str:
    """Return the base that ``offer`` needs after ``way`` and is missing; empty if none is."""
    for want in offer.wants:
        if not _is_held(want, offer, way, present):
            return (
                f"it builds on {want.named} for {want.os_key}, and packages that it inherits are"
                f" neither on this master nor in these tarballs"
            )
    return ""


def _is_held(want: Inherited, offer: Offer, way: _Way, present: Present) -> bool:
    """Look for the named base before all other releases: most often it is that one."""
    key = (want.named, want.os_key)
    inside = {key: offer.brings[key]} if key in offer.brings else {}

    def held() -> Iterator[Mapping[ReleaseKey, frozenset[str]]]:
        yield inside
        yield present.releases
        for earlier in way.back():
            yield earlier.last.brings if earlier.last else {}

    if want.checksums is None:
        return any(key in releases for releases in held())
    named = (releases[key] for releases in held() if key in releases)
    others = (
        sums
        for releases in held()
        for (_, os_key), sums in releases.items()
        if os_key == want.os_key
    )
    return not want.checksums or any(want.checksums <= sums for sums in chain(named, others))


def _unreachable(
    above: Sequence[Offer], usable: Sequence[Offer], best: _Way, present: Present
) -> PreflightError:
    known = {present.fuel_version, *(o.fuel_version for o in usable)}
    reached = {way.end: way for way in best.back()}
    failures = tuple(_why_not(offer, known, reached, present) for offer in above)
    remedy = "add the missing tarballs, or leave out those that need them"
    return PreflightError("; ".join(failures), remedy=remedy, failures=failures)


def _why_not(offer: Offer, known: Set[str], reached: Mapping[str, _Way], present: Present) -> str:
    if not offer.upgrade_from & known:
        needed = " or ".join(sorted(offer.upgrade_from, key=_by_version))
        return (
            f"{offer.name} (Fuel {offer.fuel_version}) needs Fuel {needed}, which none of these"
            f" brings; this master runs {present.fuel_version}"
        )
    from_here = [reached[end] for end in offer.upgrade_from if end in reached]
    if not from_here:
        behind = ", ".join(sorted(offer.upgrade_from & known, key=_by_version))
        return (
            f"{offer.name} (Fuel {offer.fuel_version}) comes behind {behind}, out of reach itself"
        )
    lack = _lack(offer, max(from_here, key=_worth), present)
    return f"{offer.name} (Fuel {offer.fuel_version}): {lack}"


def _not_needed(usable: Iterable[Offer], chosen: Sequence[Offer]) -> Iterator[tuple[Offer, str]]:
    """Yield the other tarballs, each with the reason to skip it."""
    seals = {offer.seal for offer in chosen}
    end = f"not on the way to Fuel {chosen[-1].fuel_version}" if chosen else "not on any way"
    for _, group in groupby(usable, key=lambda offer: _by_version(offer.fuel_version)):
        same = tuple(group)
        of_order = next((offer for offer in same if offer.seal in seals), None)
        reason = f"{of_order.name} brings Fuel {of_order.fuel_version}" if of_order else end
        yield from ((offer, reason) for offer in same if offer is not of_order)
