"""Free space of each file system, and the disk usage of trees."""

import os
import stat
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from fuel_upgrade.config import Paths

_BLOCK_BYTES = 512  # of st_blocks, stat(2)


@dataclass(frozen=True, slots=True)
class FileSystem:
    """The device number, mount point and free space of a file system, and its limits in bytes.

    ``free_inodes`` is None where inodes are made as needed.
    """

    device: int
    mount_point: Path
    free_bytes: int
    free_inodes: int | None = None
    name_bytes: int = 255
    path_bytes: int = 4096


def written_folders(paths: Paths) -> dict[str, Path]:
    """Return the folders that installs and the daemon write to, by the name of the setting."""
    return {
        "repos": paths.repos,
        "puppet": paths.puppet,
        "fuel": paths.fuel,
        "venvs": paths.venvs,
        "state": paths.state,
        "log": paths.log.parent,
    }


def file_system_at(path: Path) -> FileSystem:
    """Measure the file system of ``path``, which need not exist yet."""
    existing = next(p for p in (path, *path.parents) if p.exists())
    device = existing.stat().st_dev
    mount_point = existing.resolve()
    while mount_point != mount_point.parent and mount_point.parent.stat().st_dev == device:
        mount_point = mount_point.parent
    inodes = os.statvfs(existing)
    return FileSystem(
        device,
        mount_point,
        psutil.disk_usage(str(existing)).free,
        inodes.f_favail if inodes.f_files else None,
        os.pathconf(existing, "PC_NAME_MAX"),
        os.pathconf(existing, "PC_PATH_MAX"),
    )


def mounts_below(folders: Iterable[Path]) -> tuple[Path, ...]:
    """Return the mount points inside these folders, as paths below the folder that was given."""
    mounted = [Path(entry.mountpoint) for entry in psutil.disk_partitions(all=True)]
    return tuple(
        folder / mount.relative_to(real)
        for folder in folders
        for real in [folder.resolve()]
        for mount in mounted
        if real in mount.parents
    )


def own_bytes(*roots: Path) -> int:
    """Return the bytes that a removal of all ``roots`` frees.

    A file with hard links outside ``roots`` frees nothing; any other file counts once.
    """
    total = 0
    links: Counter[tuple[int, int]] = Counter()
    for root in roots:
        below = () if root.is_symlink() else root.rglob("*")
        for info in (path.lstat() for path in (root, *below)):
            links[info.st_dev, info.st_ino] += 1
            if stat.S_ISDIR(info.st_mode) or links[info.st_dev, info.st_ino] == info.st_nlink:
                total += info.st_blocks * _BLOCK_BYTES
    return total
