"""In which order several tarballs can be installed on a master, found by what is in them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.release.chain import compare_fuel_versions
from fuel_upgrade.release.model import ReleaseKey

INSTALLED_ALREADY = "installed already"
"""Why a tarball is skipped of which an earlier install stands."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a diff release inherits: checksums, all of which one base must have.

    ``checksums`` is None where they cannot be compared with those of other tarballs; then the
    name of the base must do.
    """

    named: str
    os_key: str
    checksums: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A tarball, as far as the order depends on it.

    ``brings`` maps each release to the checksums of all its packages, inherited ones too.
    """

    name: str
    fuel_version: str
    upgrade_from: frozenset[str]
    seal: str
    brings: Mapping[ReleaseKey, frozenset[str]]
    wants: tuple[Wanted, ...]
    unpacked_bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the form that the API gives."""
        return {
            "tarball": self.name,
            "fuel_version": self.fuel_version,
            "unpacked_bytes": self.unpacked_bytes,
        }


@dataclass(frozen=True, slots=True)
class Present:
    """What is on the master: its Fuel version, its releases' checksums, the seals that stand."""

    fuel_version: str
    releases: Mapping[ReleaseKey, frozenset[str]]
    seals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Order:
    """Which tarballs to install, first to last, and which not, each with the reason."""

    installs: tuple[Offer, ...]
    skipped: tuple[tuple[Offer, str], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the form that the API gives."""
        return {
            "order": [offer.to_json() for offer in self.installs],
            "skipped": [{**offer.to_json(), "why": why} for offer, why in self.skipped],
        }


def find_order(offers: Iterable[Offer], present: Present) -> Order:
    """Find the way up: to the highest Fuel version that can be reached, by the most steps.

    Each step must be from a version that its tarball upgrades, and each diff in it must find
    one release, on the master or brought before, that has all it inherits. The order in which
    ``offers`` come has no meaning.

    Raises:
        PreflightError: a tarball is above the end of every way; says what it lacks.
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
    """Rank a way: the highest end first, then the most steps; the last words are for the ties."""
    end = (1, _by_version(way[-1].fuel_version)) if way else (0, _by_version(""))
    return (end, len(way), [_rank(offer) for offer in way])


def _usable(
    offers: Sequence[Offer], present: Present, skipped: list[tuple[Offer, str]]
) -> list[Offer]:
    """Leave out what is on the master already, and copies."""
    found: dict[str, Offer] = {}
    for offer in offers:
        compared = compare_fuel_versions(offer.fuel_version, present.fuel_version)
        if compared <= 0:
            is_same = offer.seal in present.seals
            reason = f"this master runs Fuel {present.fuel_version}"
            skipped.append((offer, INSTALLED_ALREADY if is_same else reason))
        elif offer.seal in found:
            skipped.append((offer, f"the same as {found[offer.seal].name}"))
        else:
            found[offer.seal] = offer
    return list(found.values())


def _lack(offer: Offer, way: Sequence[Offer], present: Present) -> str:
    """Say what keeps ``offer`` from coming behind ``way``; nothing if it fits."""
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


def _is_held(want: Wanted, held: Sequence[Mapping[ReleaseKey, frozenset[str]]]) -> bool:
    same = [(key, sums) for releases in held for key, sums in releases.items()
            if key[1] == want.os_key]  # fmt: skip
    if want.checksums is None:
        return any(key[0] == want.named for key, _ in same)
    return not want.checksums or any(want.checksums <= sums for _, sums in same)


def _unreachable(
    above: Sequence[Offer], usable: Sequence[Offer], best: Sequence[Offer], present: Present
) -> PreflightError:
    failures = tuple(_why_not(offer, usable, best, present) for offer in above)
    remedy = "bring what is missing, or name the tarballs to install without those"
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
