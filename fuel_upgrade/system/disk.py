"""How much room there is, counted per file system."""

import stat
from dataclasses import dataclass
from pathlib import Path

import psutil

_BLOCK_BYTES = 512  # of st_blocks, stat(2)


@dataclass(frozen=True, slots=True)
class Room:
    """The file system that a path lies on: its device number, mount point and free bytes."""

    device: int
    mount_point: Path
    free_bytes: int


def room_at(path: Path) -> Room:
    """Measure the file system that ``path`` lies on, or will when it is made."""
    existing = next(p for p in (path, *path.parents) if p.exists())
    device = existing.stat().st_dev
    mount_point = existing.resolve()
    while mount_point != mount_point.parent and mount_point.parent.stat().st_dev == device:
        mount_point = mount_point.parent
    return Room(device, mount_point, psutil.disk_usage(str(existing)).free)


def own_bytes(root: Path) -> int:
    """Return what removing ``root`` would free, in bytes: files that are linked nowhere else."""
    infos = (path.lstat() for path in (root, *root.rglob("*")))
    return sum(
        i.st_blocks * _BLOCK_BYTES for i in infos if stat.S_ISDIR(i.st_mode) or i.st_nlink == 1
    )
