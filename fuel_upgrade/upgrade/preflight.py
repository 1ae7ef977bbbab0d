"""Every reason to refuse an install, found before anything is changed, and told at once."""

from collections.abc import Iterator

from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.errors import PreflightError
from fuel_upgrade.release.chain import compare_fuel_versions
from fuel_upgrade.upgrade.master import Master
from fuel_upgrade.upgrade.plan import Plan, find_base, find_equal

_MIB = 1 << 20


def check(head: BundleHead, plan: Plan, master: Master, *, reserve_mb: int) -> None:
    """Refuse an install that cannot or must not be done.

    Raises:
        PreflightError: with every failed check.
    """
    failures = [
        *_versions(head, master),
        *_bases(head, master),
        *_collisions(head, plan, master),
        *_room(plan, master, reserve_mb * _MIB),
        *_running_tasks(master),
    ]
    if failures:
        raise PreflightError(
            "; ".join(failures),
            remedy=f"correct what the checks name, then install {head.path} again",
            failures=tuple(failures),
        )


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
    inside = {(r.version, r.os_key) for r in head.releases}
    for release in head.releases:
        base = head.diff_releases.get(release.version)
        if base is None or (base, release.os_key) in inside:
            continue
        found = find_base(master.releases, base, release.os_key)
        if found is None:
            registered = sorted(r.version for r in master.releases if r.os_key == release.os_key)
            yield (
                f"release {release.name} ({release.version}) is a diff of {base}, which is not"
                f" registered for {release.operating_system}"
                f" (registered: {', '.join(registered) or 'none'})"
            )
            continue
        for repo in found.orchestrator.repos if found.orchestrator else ():
            if not master.repos_on_disk.get(repo.url, True):
                yield (
                    f"the base repo {repo.name} of {release.name} ({release.version}) is not on"
                    f" this master's disk, where {repo.url} is served from"
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


def _running_tasks(master: Master) -> Iterator[str]:
    for task in master.running_tasks:
        yield f"Nailgun runs task {task.id} ({task.name}) on cluster {task.cluster}"
