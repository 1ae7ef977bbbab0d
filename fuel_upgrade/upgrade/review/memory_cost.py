"""How much memory an install takes at most, from what decides about it. Pure."""

from dataclasses import dataclass

from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.plan.plan import Plan

# Measured on the daemon (peak RSS, CPython 3.11), each rounded up by far: docs/operations.rst has
# the figures. The tarball itself passes through in pieces of 1 MiB, so its size is not among them.
_BASE_BYTES = 192 << 20
_ENTRY_BYTES = 4 << 10
_INDEXED_BYTES = 2 << 10
_VIEWED_BYTES = 6 << 10


@dataclass(frozen=True, slots=True)
class MemoryBound:
    """What the daemon's memory grows with. ``window_bytes`` is None if the archive hides it.

    ``entries`` are the files in the seal and the lines of each ``diff.yaml``;
    ``indexed_packages`` those in the indexes that are searched for a base, ``viewed_packages``
    those of the full views to build.
    """

    entries: int
    indexed_packages: int
    viewed_packages: int
    window_bytes: int | None

    @property
    def daemon_bytes(self) -> int:
        """The part of the daemon itself."""
        return _BASE_BYTES

    @property
    def bound_bytes(self) -> int | None:
        """The most that the daemon takes, itself included."""
        if self.window_bytes is None:
            return None
        return (
            _BASE_BYTES
            + self.window_bytes
            + self.entries * _ENTRY_BYTES
            + self.indexed_packages * _INDEXED_BYTES
            + self.viewed_packages * _VIEWED_BYTES
        )


def bound_memory(
    head: BundleHead, master: Master, plan: Plan, *, window_bytes: int | None
) -> MemoryBound:
    """Count what the memory of an install grows with."""
    lines = sum(len(d.inherited) + len(d.changes) for d in head.descriptions.values())
    return MemoryBound(
        entries=len(head.sealed) + lines,
        indexed_packages=master.indexed_packages,
        viewed_packages=sum(head.repo(*key).full_packages for key in plan.views),
        window_bytes=window_bytes,
    )
