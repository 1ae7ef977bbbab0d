"""Finds the order in which several tarballs can be installed, from their content. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
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


def find_order(offers: Iterable[Offer], present: Present) -> Order:
    """Find the sequence to the highest Fuel version that can be reached, with the most installs.

    Each tarball must upgrade the version before it, and for each of its diffs one release, on the
    master or in an earlier tarball, must have all inherited packages. The order of ``offers`` does
    not matter.

    Raises:
        PreflightError: a tarball is of a higher version than every sequence reaches.
    """
    skipped: list[tuple[Offer, str]] = []
    ways: list[tuple[Offer, ...]] = [()]
    usable = _usable(sorted(offers, key=_rank), present, skipped)
    for offer in usable:
        fit = [way for way in ways if not _lack(offer, way, present)]
        if fit:
            ways.append((*max(fit, key=_worth), offer))
    best = max(ways, key=_worth)
    top = best[-1].fuel_version if best else present.fuel_version
    above = [o for o in usable if compare_fuel_versions(o.fuel_version, top) > 0]
    if above:
        raise _unreachable(above, usable, best, present)
    for offer in usable:
        if offer not in best:
            skipped.append((offer, _not_needed(offer, best)))
    return Order(best, tuple(sorted(skipped, key=lambda pair: _rank(pair[0]))))


@cmp_to_key
def _by_version(one: str, other: str) -> int:
    return compare_fuel_versions(one, other)


def _rank(offer: Offer) -> Any:
    return (_by_version(offer.fuel_version), offer.seal, offer.name)


def _worth(way: Sequence[Offer]) -> Any:
    """Rank a sequence by its last version, then by its length; the rest breaks ties."""
    end = (1, _by_version(way[-1].fuel_version)) if way else (0, _by_version(""))
    return (end, len(way), [_rank(offer) for offer in way])


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


def _lack(offer: Offer, way: Sequence[Offer], present: Present) -> str:
    """Return why ``offer`` cannot follow ``way``; empty if it can."""
    now = way[-1].fuel_version if way else present.fuel_version
    if compare_fuel_versions(offer.fuel_version, now) <= 0 or now not in offer.upgrade_from:
        return f"it upgrades {', '.join(sorted(offer.upgrade_from))}, not {now}"
    held = [present.releases, *(earlier.brings for earlier in way)]
    for want in offer.wants:
        key = (want.named, want.os_key)
        inside = {key: offer.brings[key]} if key in offer.brings else {}
        if not _is_held(want, [*held, inside]):
            return (
                f"it builds on {want.named} for {want.os_key}, and packages that it inherits are"
                f" neither on this master nor in these tarballs"
            )
    return ""


def _is_held(want: Inherited, held: Sequence[Mapping[ReleaseKey, frozenset[str]]]) -> bool:
    same = [(key, sums) for releases in held for key, sums in releases.items()
            if key[1] == want.os_key]  # fmt: skip
    if want.checksums is None:
        return any(key[0] == want.named for key, _ in same)
    return not want.checksums or any(want.checksums <= sums for _, sums in same)


def _unreachable(
    above: Sequence[Offer], usable: Sequence[Offer], best: Sequence[Offer], present: Present
) -> PreflightError:
    failures = tuple(_why_not(offer, usable, best, present) for offer in above)
    remedy = "add the missing tarballs, or leave out those that need them"
    return PreflightError("; ".join(failures), remedy=remedy, failures=failures)


def _why_not(offer: Offer, usable: Sequence[Offer], best: Sequence[Offer], present: Present) -> str:
    known = {present.fuel_version, *(o.fuel_version for o in usable)}
    if not offer.upgrade_from & known:
        needed = " or ".join(sorted(offer.upgrade_from, key=_by_version))
        return (
            f"{offer.name} (Fuel {offer.fuel_version}) needs Fuel {needed}, which none of these"
            f" brings; this master runs {present.fuel_version}"
        )
    ways = [best[:length] for length in range(len(best) + 1)]
    from_here = [w for w in ways if _end(w, present) in offer.upgrade_from]
    if not from_here:
        behind = ", ".join(sorted(offer.upgrade_from & known, key=_by_version))
        return (
            f"{offer.name} (Fuel {offer.fuel_version}) comes behind {behind}, out of reach itself"
        )
    return f"{offer.name} (Fuel {offer.fuel_version}): {_lack(offer, from_here[-1], present)}"


def _end(way: Sequence[Offer], present: Present) -> str:
    return way[-1].fuel_version if way else present.fuel_version


def _not_needed(offer: Offer, best: Sequence[Offer]) -> str:
    for other in best:
        if compare_fuel_versions(other.fuel_version, offer.fuel_version) == 0:
            return f"{other.name} brings Fuel {other.fuel_version}"
    return f"not on the way to Fuel {best[-1].fuel_version}" if best else "not on any way"
