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
_LEAST_BYTES = 1 << 20
_FEW_INODES = 10_000  # a release has some thousand packages, and as many files of puppet


def check_disks(config: Config) -> Iterator[Check]:
    """Look at each file system once: free space, inodes, and whether it can be written."""
    by_mount: dict[Path, list[str]] = {}
    for name, folder in written_folders(config.paths).items():
        by_mount.setdefault(file_system_at(folder).mount_point, []).append(f"paths.{name}")
    for mount, names in by_mount.items():
        yield _check(mount, ", ".join(names), config.disk_reserve_mb * _MIB)


def _check(mount: Path, names: str, reserve_bytes: int) -> Check:
    found = os.statvfs(mount)
    free_bytes = found.f_bavail * found.f_frsize
    where = f"{mount} ({names})"
    if found.f_flag & os.ST_RDONLY:
        remedy = f"remount it: mount -o remount,rw {mount}; see dmesg for why it is read-only"
        return failure(_NAME, f"{where} is mounted read-only", remedy)
    if free_bytes < reserve_bytes:
        what = (
            f"{where}: {say_size_down(free_bytes)} are free, less than the reserve of"
            f" {say_size(reserve_bytes)}: {say_size_up(reserve_bytes - free_bytes)} short"
        )
        remedy = f"make room on {mount}, or lower disk_reserve_mb in config.yaml"
        return failure(_NAME, what, remedy)
    if free_bytes < _LEAST_BYTES:
        what = f"{where}: {say_size_down(free_bytes)} are free, too little for the next write"
        return failure(_NAME, what, f"make room on {mount}")
    if found.f_files and not found.f_favail:
        return failure(_NAME, f"{where} has no free inode", f"remove files from {mount}")
    if found.f_files and found.f_favail < _FEW_INODES:
        what = f"{where} has {found.f_favail} free inodes, and a release may take more"
        return warning(_NAME, what, f"remove files from {mount}")
    return ok(_NAME, f"{where}: {say_size_down(free_bytes)} are free")
