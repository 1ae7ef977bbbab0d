"""An upper bound of the memory that an install needs. Pure."""

from dataclasses import dataclass

from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.plan.plan import Plan

# Measured on the daemon (peak RSS, CPython 3.11) and rounded up; docs/operations.rst has the
# figures. The tarball passes through in pieces of 1 MiB, so its size does not count.
_BASE_BYTES = 192 << 20
_ENTRY_BYTES = 4 << 10
_INDEXED_BYTES = 2 << 10
_VIEWED_BYTES = 6 << 10


@dataclass(frozen=True, slots=True)
class MemoryBound:
    """The quantities that determine the daemon's memory.

    ``entries`` are the files in the seal and the lines of each ``diff.yaml``;
    ``indexed_packages`` those in the indexes that are searched for a base, ``viewed_packages``
    those of the full views to build. ``window_bytes`` is the window of the archive's compression,
    None if unknown.
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
        """The upper bound of the daemon's whole memory; None if unknown."""
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
    """Count the quantities that determine the memory of an install."""
    lines = sum(len(d.inherited) + len(d.changes) for d in head.descriptions.values())
    return MemoryBound(
        entries=len(head.sealed) + lines,
        indexed_packages=master.indexed_packages,
        viewed_packages=sum(head.repo(*key).full_packages for key in plan.views),
        window_bytes=window_bytes,
    )
