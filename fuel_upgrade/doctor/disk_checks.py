"""Checks of the file systems that installs and the daemon write to."""

import os
from collections.abc import Iterator
from pathlib import Path

from fuel_upgrade.config import Config
from fuel_upgrade.doctor.check import Check, failure, ok, warning
from fuel_upgrade.system.disk_space import file_system_at, written_folders
from fuel_upgrade.system.size import say_size, say_size_down, say_size_up

_NAME = "disk"
_MIB = 1 << 20
_MIN_BYTES = 1 << 20
_FEW_INODES = 10_000  # a release has several thousand packages and as many puppet files


def check_disks(config: Config) -> Iterator[Check]:
    """Check each file system once: free space, free inodes, write access."""
    by_mount: dict[Path, list[str]] = {}
    for name, folder in written_folders(config.paths).items():
        by_mount.setdefault(file_system_at(folder).mount_point, []).append(f"paths.{name}")
    for mount, names in by_mount.items():
        yield _check(mount, ", ".join(names), config.disk_reserve_mb * _MIB)


def _check(mount: Path, names: str, reserve_bytes: int) -> Check:
    status = os.statvfs(mount)
    free_bytes = status.f_bavail * status.f_frsize
    where = f"{mount} ({names})"
    if status.f_flag & os.ST_RDONLY:
        remedy = f"remount it: mount -o remount,rw {mount}; see dmesg for why it is read-only"
        return failure(_NAME, f"{where} is mounted read-only", remedy)
    if free_bytes < reserve_bytes:
        what = (
            f"{where}: {say_size_down(free_bytes)} are free, less than the reserve of"
            f" {say_size(reserve_bytes)}: {say_size_up(reserve_bytes - free_bytes)} short"
        )
        remedy = f"free space on {mount}, or lower disk_reserve_mb in config.yaml"
        return failure(_NAME, what, remedy)
    if free_bytes < _MIN_BYTES:
        what = f"{where}: {say_size_down(free_bytes)} are free, too little for the next write"
        return failure(_NAME, what, f"free space on {mount}")
    if status.f_files and not status.f_favail:
        return failure(_NAME, f"{where} has no free inode", f"remove files from {mount}")
    if status.f_files and status.f_favail < _FEW_INODES:
        what = f"{where} has {status.f_favail} free inodes, and a release may need more"
        return warning(_NAME, what, f"remove files from {mount}")
    return ok(_NAME, f"{where}: {say_size_down(free_bytes)} are free")
