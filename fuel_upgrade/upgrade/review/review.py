"""The review of a plan, and its drift since it was saved."""

from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.config import Config
from fuel_upgrade.system.compression import window_bytes
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.plan.plan import Plan
from fuel_upgrade.upgrade.review.disk_cost import Costs, read_disks
from fuel_upgrade.upgrade.review.drift import differences
from fuel_upgrade.upgrade.review.memory_cost import bound_memory
from fuel_upgrade.upgrade.review.preconditions import Basis
from fuel_upgrade.upgrade.review.read_preconditions import read_basis
from fuel_upgrade.upgrade.review.saved_plan import SavedPlan
from fuel_upgrade.upgrade.transaction.journal import Journal

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Review:
    """A plan of one tarball with its costs and everything that it depends on."""

    head: BundleHead
    master: Master
    plan: Plan
    basis: Basis
    costs: Costs
    warnings: tuple[str, ...] = ()


def review(
    head: BundleHead, master: Master, plan: Plan, *, config: Config, journal: Journal
) -> Review:
    """Measure the costs and read the preconditions of a plan. Nothing is changed."""
    reserve_bytes = config.disk_reserve_mb * _MIB
    return Review(
        head,
        master,
        plan,
        basis=read_basis(head, master, plan, config),
        costs=Costs(
            read_disks(plan, master, journal, reserve_bytes=reserve_bytes),
            bound_memory(head, master, plan, window_bytes=window_bytes(head.path)),
        ),
    )


def find_drift(
    expected: SavedPlan | None, head: BundleHead, master: Master, plan: Plan, config: Config
) -> tuple[str, ...]:
    """Return the differences between ``expected`` and the master; none without a saved plan.

    Raises:
        ConfigError: ``expected`` is a plan of another tarball.
    """
    if expected is None:
        return ()
    expected.refuse_other(Path(head.path), head.seal_sha256)
    return differences(expected.basis, read_basis(head, master, plan, config))
