"""Every reason to refuse an install, found before anything is changed, and told at once."""

from collections.abc import Iterator

from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.errors import PreflightError
from fuel_upgrade.release.chain import compare_fuel_versions
from fuel_upgrade.release.model import Release
from fuel_upgrade.upgrade.base import BaseMatch
from fuel_upgrade.upgrade.busy import busy_failures
from fuel_upgrade.upgrade.hooks import BEFORE_INSTALL, BEFORE_REGISTER, Hooks
from fuel_upgrade.upgrade.make import find_equal
from fuel_upgrade.upgrade.master import Master
from fuel_upgrade.upgrade.plan import Plan

_MIB = 1 << 20
_DRIFTED = "plan it anew with fuel-upgrade plan --out FILE, look at that, and install with it"
_SHOWN = 20  # packages by name; a repair request has them all


def check(
    head: BundleHead,
    plan: Plan,
    master: Master,
    *,
    reserve_mb: int,
    drift: tuple[str, ...] = (),
) -> None:
    """Refuse an install that cannot or must not be done.

    ``drift`` is what became different since the plan to keep to was made. That Nailgun is
    at work is told with what fails, and does not fail by itself: it may be waited for.

    Raises:
        PreflightError: with every failed check.
    """
    failures = [
        *(f"not as planned: {difference}" for difference in drift),
        *_versions(head, master),
        *_bases(head, master),
        *_collisions(head, plan, master),
        *_room(plan, master, reserve_mb * _MIB),
        *_hooks(master),
    ]
    if failures:
        failures += busy_failures(master.running_tasks)
        raise PreflightError(
            "; ".join(failures),
            remedy=_DRIFTED if drift else _remedy(head, master),
            failures=tuple(failures),
        )


def _remedy(head: BundleHead, master: Master) -> str:
    again = f"correct what the checks name, then install {head.path} again"
    if any(match.missing for match in master.bases.values()):
        return f"{again}; or have it repaired: see fuel-upgrade install --repair-request"
    return again


def _versions(head: BundleHead, master: Master) -> Iterator[str]:
    now, new = master.fuel_version, head.fuel_version
    allowed = head.description.upgrade_from
    if compare_fuel_versions(new, now) == 0:
        yield f"Fuel {new} is what this master already runs"
    elif compare_fuel_versions(new, now) < 0:
        yield f"the tarball is of Fuel {new}, older than the {now} of this master"
    elif now not in allowed:
        yield (
            f"Fuel {now} cannot be upgraded to {new} with this tarball, only"
            f" {', '.join(allowed) or 'nothing'} can"
        )


def _bases(head: BundleHead, master: Master) -> Iterator[str]:
    for release in head.releases:
        match = master.bases.get((release.version, release.os_key))
        if match is not None and not match.accepted:
            yield f"{_base_fault(release, match, master)}{_lacking(match)}"


def _base_fault(release: Release, match: BaseMatch, master: Master) -> str:
    named, what = match.need.named, f"release {release.name} ({release.version})"
    if match.inside:
        return f"{what} is a diff of {named}, which this tarball brings, but not whole"
    registered = sorted({r.version for r in master.releases if r.os_key == release.os_key})
    if named not in registered:
        return (
            f"{what} is a diff of {named}, which is not registered for"
            f" {release.operating_system} (registered: {', '.join(registered) or 'none'})"
        )
    if match.faults:
        return "; ".join(
            f"the base repo {repo.name} of {release.name} ({release.version}) {wrong}"
            for repo, wrong in match.faults
        )
    return f"{what} is a diff of {named}, which does not hold on this master what it held"


def _lacking(match: BaseMatch) -> str:
    """Say what is missing, the first few by name."""
    if not match.missing:
        return ""
    names = ", ".join(map(str, match.missing[:_SHOWN]))
    more = len(match.missing) - _SHOWN
    return (
        f"; no release here holds {len(match.missing)} of the {len(match.need.inherited)}"
        f" packages that it inherits: {names}{f' and {more} more' if more > 0 else ''}"
    )


def _collisions(head: BundleHead, plan: Plan, master: Master) -> Iterator[str]:
    for release in head.releases:
        data = plan.orchestrators[release.version, release.os_key]
        for other in master.releases:
            same = (other.name, other.version) == (release.name, release.version)
            if same and find_equal((other,), release, data, plan.master_ip) is None:
                yield (
                    f"another release is registered as {release.name} ({release.version}), id"
                    f" {other.id}, with other repos or another operating system"
                )


def _room(plan: Plan, master: Master, reserve_bytes: int) -> Iterator[str]:
    """Count per file system: old and new lie side by side until the old is released."""
    for room, needed in plan.bytes_per_room(master).items():
        if needed + reserve_bytes > room.free_bytes:
            yield (
                f"{room.mount_point}: {needed // _MIB} MiB and a reserve of"
                f" {reserve_bytes // _MIB} MiB are needed, {room.free_bytes // _MIB} MiB are free"
            )


def _hooks(master: Master) -> Iterator[str]:
    """Where a hook could refuse the install, one that must not be run is a refusal."""
    for point in (BEFORE_INSTALL, BEFORE_REGISTER):
        for fault in master.hooks.get(point, Hooks()).refused:
            yield f"hook refused: {fault}"
