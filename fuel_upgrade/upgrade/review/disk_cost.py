"""What an install costs on each file system, at its worst moment and afterwards."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.system.disk_space import Room, own_bytes, room_at
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.plan.plan import Plan
from fuel_upgrade.upgrade.records import InstallState
from fuel_upgrade.upgrade.review.memory_cost import MemoryBound
from fuel_upgrade.upgrade.transaction.journal import Journal


@dataclass(frozen=True, slots=True)
class DiskCost:
    """One file system, in bytes.

    ``needed_bytes`` come on top of what is there, before anything is given up: that is the worst
    moment. ``backup_bytes`` is what is live now and will be kept as backup; ``released_bytes``
    what earlier installs keep, and is given up when this one has succeeded.
    """

    room: Room
    needed_bytes: int
    reserve_bytes: int
    backup_bytes: int
    released_bytes: int

    @property
    def peak_free_bytes(self) -> int:
        """What is left free at the worst moment; below the reserve the install is refused."""
        return self.room.free_bytes - self.needed_bytes

    @property
    def after_free_bytes(self) -> int:
        """What is left free when earlier backups are given up."""
        return self.peak_free_bytes + self.released_bytes


@dataclass(frozen=True, slots=True)
class Costs:
    """What an install needs for as long as it takes."""

    disks: tuple[DiskCost, ...]
    memory: MemoryBound


def read_disks(
    plan: Plan, master: Master, journal: Journal, *, reserve_bytes: int
) -> tuple[DiskCost, ...]:
    """Measure what is live and what is kept, and put it beside what the plan will write."""
    live = (Path(s.params["live"]) for s in plan.steps if s.kind == "switch")
    backups = _by_device(live)
    released = _by_device(kept_roots(journal))
    return tuple(
        DiskCost(
            room,
            needed,
            reserve_bytes,
            backups.get(room.device, 0),
            released.get(room.device, 0),
        )
        for room, needed in plan.bytes_per_room(master).items()
    )


def kept_roots(journal: Journal) -> tuple[Path, ...]:
    """Return the folders in which successful installs keep what they replaced."""
    installed = (r for r in journal.installs() if r.state is InstallState.INSTALLED)
    steps = (step for record in installed for step in journal.steps(record.id))
    return tuple(Path(root) for step in steps for root in step.params.get("roots", ()))


def _by_device(paths: Iterable[Path]) -> Mapping[int, int]:
    found: dict[int, int] = {}
    for path in paths:
        if path.exists() or path.is_symlink():
            device = room_at(path.parent).device
            found[device] = found.get(device, 0) + _bytes(path)
    return found


def _bytes(path: Path) -> int:
    # What a full view links to as well is not freed with it.
    return 0 if path.is_symlink() else own_bytes(path)
