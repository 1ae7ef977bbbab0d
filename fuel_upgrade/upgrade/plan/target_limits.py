"""Checks that the disks of the master can take a plan: names, inodes, mounts, one switch a path."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.system.disk_space import FileSystem
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.plan.plan import Plan
from fuel_upgrade.upgrade.steps.switch import Switch
from fuel_upgrade.upgrade.steps.unpack import Unpack

_MOVED_BYTES = 64  # an undo and a gc move a staged path to a longer one, and add a slash and a NUL
_SHOWN = 3
_SHOWN_CHARS = 120


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed check: the reason, and what to do before the next attempt."""

    what: str
    remedy: str


def target_failures(head: BundleHead, plan: Plan, master: Master) -> Iterator[Failure]:
    """Report what a step would find only when it writes."""
    yield from _twice(plan)
    yield from _mounts(plan, master)
    for unpack in Unpack.among(plan.steps):
        yield from _files(head, unpack, master)


def _twice(plan: Plan) -> Iterator[Failure]:
    """Report live paths that two steps switch: the second would take the first's as the old."""
    for live, count in Counter(step.live for step in Switch.among(plan.steps)).items():
        if count > 1:
            what = f"the tarball has {count} parts for {live}"
            yield Failure(what, f"get a tarball that has one part for {live}")


def _mounts(plan: Plan, master: Master) -> Iterator[Failure]:
    """Report mount points that a switch would have to move, or would move into its backup."""
    for live in (step.live for step in Switch.among(plan.steps)):
        for mount in master.mounts:
            if mount.is_relative_to(live):
                what = f"{live} cannot be switched: {mount} is a mount point"
                yield Failure(what, f"unmount {mount}, or move its files out of {live}")


def _files(head: BundleHead, unpack: Unpack, master: Master) -> Iterator[Failure]:
    """Report names and paths that a file system refuses, and a lack of inodes."""
    long: list[str] = []
    inodes: Counter[int] = Counter()
    folders: set[tuple[Path, str]] = set()
    disks = {
        staging: next(master.file_systems[p] for p in staging.parents if p in master.file_systems)
        for staging in unpack.stagings.values()
    }
    route = unpack.router()
    for member in head.sealed:
        place = route(member)
        if place is not None:
            staging, name = place
            disk = disks[staging]
            inodes[disk.device] += 1
            folders.add((staging, name.rpartition("/")[0]))
            if _is_too_long(os.fsencode(f"{staging}/{name}"), disk):
                long.append(member)
    if long:
        names = ", ".join(name[:_SHOWN_CHARS] for name in long[:_SHOWN])
        more = f" and {len(long) - _SHOWN} more" if len(long) > _SHOWN else ""
        what = f"names or paths are too long for the file system: {names}{more}"
        yield Failure(what, "get a tarball with shorter names")
    for staging, _ in folders:
        inodes[disks[staging].device] += 1
    yield from _inodes(inodes, master)


def _is_too_long(path: bytes, disk: FileSystem) -> bool:
    if len(path) <= disk.name_bytes:
        return False
    is_too_long = len(path) + _MOVED_BYTES > disk.path_bytes
    return is_too_long or max(map(len, path.split(b"/"))) > disk.name_bytes


def _inodes(needed: Counter[int], master: Master) -> Iterator[Failure]:
    for disk in {disk.device: disk for disk in master.file_systems.values()}.values():
        free = disk.free_inodes
        if free is not None and needed[disk.device] > free:
            what = f"{disk.mount_point}: {needed[disk.device]} inodes are needed, {free} are free"
            yield Failure(what, f"delete files on {disk.mount_point}, then install again")
