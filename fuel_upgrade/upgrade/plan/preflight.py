"""Checks an install before anything is changed, and reports all failures at once."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum

from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.errors import PreflightError, UpgradeError
from fuel_upgrade.release.chain import compare_fuel_versions
from fuel_upgrade.release.model import Release
from fuel_upgrade.system.size import say_size, say_size_down, say_size_up
from fuel_upgrade.upgrade.hooks import BEFORE_INSTALL, BEFORE_REGISTER, Hooks
from fuel_upgrade.upgrade.nailgun_idle import busy_failures
from fuel_upgrade.upgrade.plan.base_match import BaseMatch
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.plan.plan import Plan
from fuel_upgrade.upgrade.plan.planner import find_equal
from fuel_upgrade.upgrade.plan.target_limits import Failure, target_failures

_MIB = 1 << 20
_DRIFTED = "make a new plan with fuel-upgrade plan --out FILE, review it, and install with it"
_SHOWN = 20  # packages by name; a repair request lists all


@contextmanager
def nothing_changes() -> Iterator[None]:
    """Add the state ``nothing was changed`` to each error inside the block."""
    try:
        yield
    except UpgradeError as error:
        if error.state:
            raise
        raise error.amended(state="nothing was changed") from error


def check(
    head: BundleHead,
    plan: Plan,
    master: Master,
    *,
    reserve_mb: int,
    drift: tuple[str, ...] = (),
) -> None:
    """Refuse an install that cannot or must not be done.

    ``drift`` lists the changes since the reviewed plan was made. Running tasks of Nailgun are
    reported with other failures, but are none by themselves: the caller can wait for them.

    Raises:
        PreflightError: with every failed check.
    """
    failed = [
        *_versions(head, master),
        *_bases(head, master),
        *_venvs(head, master),
        *_collisions(head, plan, master),
        *_disk_space(plan, master, reserve_mb * _MIB),
        *target_failures(head, plan, master),
        *_hooks(master),
    ]
    if not (failed or drift):
        return
    failures = (
        *(f"not as planned: {difference}" for difference in drift),
        *(failure.what for failure in failed),
        *busy_failures(master.running_tasks),
    )
    raise PreflightError(
        "; ".join(failures),
        remedy=_DRIFTED if drift else _remedy(head, failed, master),
        failures=failures,
    )


def _remedy(head: BundleHead, failed: Sequence[Failure], master: Master) -> str:
    """Return the remedy of the failures if it is the same for all, else a general one."""
    remedies = {failure.remedy for failure in failed}
    if len(remedies) == 1 and not master.running_tasks:
        return remedies.pop()
    return f"remove the causes of the failed checks, then install {head.path} again"


def _versions(head: BundleHead, master: Master) -> Iterator[Failure]:
    now, new = master.fuel_version, head.fuel_version
    allowed = head.description.upgrade_from
    if compare_fuel_versions(new, now) == 0:
        yield Failure(
            f"this master already runs Fuel {new}",
            "nothing has to be installed; fuel-upgrade status shows the version",
        )
    elif compare_fuel_versions(new, now) < 0:
        yield Failure(
            f"the tarball is of Fuel {new}, older than the {now} of this master",
            f"install a tarball of a Fuel above {now}",
        )
    elif now not in allowed:
        versions = ", ".join(allowed) or "nothing"
        yield Failure(
            f"Fuel {now} cannot be upgraded to {new} with this tarball, only {versions} can",
            f"install Fuel {' or '.join(allowed)} first: of a folder with all tarballs,"
            " fuel-upgrade install finds the order",
        )


_Pair = tuple[Release, BaseMatch]


class _Cause(IntEnum):
    """Why a base cannot be built on."""

    INSIDE = 0
    UNREGISTERED = 1
    BROKEN = 2
    LACKING = 3


def _bases(head: BundleHead, master: Master) -> Iterator[Failure]:
    """Yield one failure for each base and cause, however many releases build on the base.

    Where the tarball does not upgrade the Fuel of this master, an unregistered base is not
    reported: a Fuel version in between brings it.
    """
    groups: dict[tuple[str, _Cause], list[_Pair]] = {}
    for release in head.releases:
        match = master.bases.get((release.version, release.os_key))
        if match is not None and not match.accepted:
            key = match.need.named, _cause(release, match, master)
            groups.setdefault(key, []).append((release, match))
    refused = master.fuel_version not in head.description.upgrade_from
    for (named, cause), pairs in groups.items():
        if not (refused and cause is _Cause.UNREGISTERED):
            what = _base_fault(named, cause, pairs, master)
            matches = [match for _, match in pairs]
            # a base without repos lacks every package: their names add nothing
            is_gone = all(m.missing == m.need.inherited for m in matches) and cause is _Cause.BROKEN
            lacking = "" if is_gone else _lacking(matches)
            yield Failure(f"{what}{lacking}", _repair(head, pairs))


def _cause(release: Release, match: BaseMatch, master: Master) -> _Cause:
    if match.inside:
        return _Cause.INSIDE
    if match.need.named not in _registered(master, (release.os_key,)):
        return _Cause.UNREGISTERED
    return _Cause.BROKEN if match.faults else _Cause.LACKING


def _registered(master: Master, systems: Collection[str]) -> list[str]:
    return sorted({r.version for r in master.releases if r.os_key in systems})


def _repair(head: BundleHead, pairs: Iterable[_Pair]) -> str:
    again = f"remove the causes of the failed checks, then install {head.path} again"
    if any(match.missing for _, match in pairs):
        return f"{again}; or have it repaired: see fuel-upgrade install --repair-request"
    return again


def _base_fault(named: str, cause: _Cause, pairs: Sequence[_Pair], master: Master) -> str:
    if cause is _Cause.BROKEN:
        return "; ".join(
            f"the base repo {repo.name} of {release.name} ({release.version}) {wrong}"
            for release, match in pairs
            for repo, wrong in match.faults
        )
    names = " and ".join(f"{release.name} ({release.version})" for release, _ in pairs)
    what = f"release {names} is a diff of {named}"
    if len(pairs) > 1:
        what = f"releases {names} are diffs of {named}"
    if cause is _Cause.INSIDE:
        return f"{what}, which is in this tarball, but lacks packages"
    if cause is _Cause.LACKING:
        return f"{what}, which lacks packages on this master"
    systems = " and ".join(dict.fromkeys(release.operating_system for release, _ in pairs))
    registered = _registered(master, {release.os_key for release, _ in pairs})
    return (
        f"{what}, which is not registered for {systems}"
        f" (registered: {', '.join(registered) or 'none'})"
    )


def _lacking(matches: Sequence[BaseMatch]) -> str:
    """Return how many packages are missing, with the names of the first few."""
    missing = [package for match in matches for package in match.missing]
    if not missing:
        return ""
    inherited = sum(len(match.need.inherited) for match in matches)
    names = ", ".join(map(str, missing[:_SHOWN]))
    more = len(missing) - _SHOWN
    return (
        f"; no release here holds {len(missing)} of the {inherited} packages that"
        f" {'it inherits' if len(matches) == 1 else 'they inherit'}: {names}"
        f"{f' and {more} more' if more > 0 else ''}"
    )


def _venvs(head: BundleHead, master: Master) -> Iterator[Failure]:
    for part in head.venvs:
        if missing := master.missing_venvs.get(part.version):
            names = ", ".join(missing[:_SHOWN])
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            yield Failure(
                f"the venvs of {part.version} (tag {part.tag}) build on venvs that this master"
                f" lacks: {names}{more}",
                "install the release that brings them first, or have the tarball built without"
                " base_repo and base_tag of its venvs",
            )


def _collisions(head: BundleHead, plan: Plan, master: Master) -> Iterator[Failure]:
    for release in head.releases:
        data = plan.orchestrators[release.version, release.os_key]
        for other in master.releases:
            same = (other.name, other.version) == (release.name, release.version)
            if same and other.id in master.leftovers:
                change = master.leftovers[other.id]
                yield Failure(
                    f"release {other.name} ({other.version}), id {other.id}, is a leftover of"
                    f" {change}: Nailgun registered it after the undo, and its repos do not exist",
                    f"run fuel-upgrade repair {change}, which deletes it, then install {head.path}"
                    " again",
                )
            elif same and find_equal((other,), release, data, plan.master_ip) is None:
                yield Failure(
                    f"another release is registered as {release.name} ({release.version}), id"
                    f" {other.id}, with other repos or another operating system",
                    f"look at it with fuel-upgrade releases show {other.id}, delete it if nothing"
                    f" needs it, then install {head.path} again",
                )


def _disk_space(plan: Plan, master: Master, reserve_bytes: int) -> Iterator[Failure]:
    """Count per file system: the new files need space beside the old ones."""
    for disk, needed in plan.bytes_by_file_system(master).items():
        short = needed + reserve_bytes - disk.free_bytes
        if short > 0:
            yield Failure(
                f"{disk.mount_point}: {say_size_up(needed + reserve_bytes)} are needed"
                f" ({say_size_up(needed)} and a reserve of {say_size(reserve_bytes)}),"
                f" {say_size_down(disk.free_bytes)} are free: {say_size_up(short)} short",
                f"free space on {disk.mount_point}, or lower disk_reserve_mb in config.yaml,"
                " then install again",
            )


def _hooks(master: Master) -> Iterator[Failure]:
    """Report hooks that must not run, at the points where a hook can refuse the install."""
    for point in (BEFORE_INSTALL, BEFORE_REGISTER):
        for fault in master.hooks.get(point, Hooks()).refused:
            yield Failure(
                f"hook refused: {fault}",
                "make hooks and their folders root's and writable by root only, or remove them",
            )
