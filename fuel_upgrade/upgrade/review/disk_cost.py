"""The disk space that an install needs on each file system, at its peak and afterwards."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.system.disk_space import FileSystem, file_system_at, own_bytes
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.plan.plan import Plan
from fuel_upgrade.upgrade.records import InstallState
from fuel_upgrade.upgrade.review.memory_cost import MemoryBound
from fuel_upgrade.upgrade.steps.switch import Switch
from fuel_upgrade.upgrade.transaction.journal import Journal
from fuel_upgrade.upgrade.transaction.retention import roots


@dataclass(frozen=True, slots=True)
class DiskCost:
    """The cost on one file system in bytes.

    ``needed_bytes`` is written before any backup is deleted: that is the peak. ``backup_bytes`` is
    the live content that will be kept as backup, ``released_bytes`` the size of the earlier
    backups, which are deleted after a success.
    """

    file_system: FileSystem
    needed_bytes: int
    reserve_bytes: int
    backup_bytes: int
    released_bytes: int

    @property
    def peak_free_bytes(self) -> int:
        """The free space at the peak; the install is refused if it is below the reserve."""
        return self.file_system.free_bytes - self.needed_bytes

    @property
    def after_free_bytes(self) -> int:
        """The free space after the deletion of the earlier backups."""
        return self.peak_free_bytes + self.released_bytes


@dataclass(frozen=True, slots=True)
class Costs:
    """The disk space and the memory that an install needs."""

    disks: tuple[DiskCost, ...]
    memory: MemoryBound


def read_disks(
    plan: Plan, master: Master, journal: Journal, *, reserve_bytes: int
) -> tuple[DiskCost, ...]:
    """Measure the live content and the backups; return the cost of the plan by file system."""
    live = (step.live for step in Switch.among(plan.steps))
    backups = _by_device(live)
    released = _by_device(kept_roots(journal))
    return tuple(
        DiskCost(
            file_system,
            needed,
            reserve_bytes,
            backups.get(file_system.device, 0),
            released.get(file_system.device, 0),
        )
        for file_system, needed in plan.bytes_by_file_system(master).items()
    )


def kept_roots(journal: Journal) -> tuple[Path, ...]:
    """Return the backup folders of all successful changes."""
    installed = (r for r in journal.installs() if r.state is InstallState.INSTALLED)
    return tuple(root for record in installed for root in roots(journal, record.id))


def _by_device(paths: Iterable[Path]) -> Mapping[int, int]:
    sizes: dict[int, int] = {}
    for path in paths:
        if path.exists() or path.is_symlink():
            device = file_system_at(path.parent).device
            sizes[device] = sizes.get(device, 0) + _bytes(path)
    return sizes


def _bytes(path: Path) -> int:
    # A file that a full view links to is not freed with the repo.
    return 0 if path.is_symlink() else own_bytes(path)
