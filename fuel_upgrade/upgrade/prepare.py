"""Prepares an install: reads the tarball and the master, plans, and checks."""

from dataclasses import dataclass, replace
from pathlib import Path

from fuel_upgrade.bundle.verify import BundleHead, read_head
from fuel_upgrade.config import Config
from fuel_upgrade.errors import BundleError, PreflightError
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.upgrade.events import ignore
from fuel_upgrade.upgrade.install_options import InstallOptions
from fuel_upgrade.upgrade.nailgun_idle import Patience
from fuel_upgrade.upgrade.plan.master import Master, read_master
from fuel_upgrade.upgrade.plan.plan import Plan, PlanOptions
from fuel_upgrade.upgrade.plan.planner import make_plan
from fuel_upgrade.upgrade.plan.preflight import check, nothing_changes
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState
from fuel_upgrade.upgrade.review.review import find_drift
from fuel_upgrade.upgrade.transaction import retention
from fuel_upgrade.upgrade.transaction.hook_runner import HookPoints
from fuel_upgrade.upgrade.transaction.journal import Journal
from fuel_upgrade.upgrade.transaction.leftovers import find_leftovers


@dataclass(frozen=True, slots=True)
class Prepared:
    """An install whose plan passed the checks; tasks of Nailgun may still have to end."""

    head: BundleHead
    master: Master
    plan: Plan

    def record(self, started_s: float) -> ChangeRecord:
        """Return the record with which the journal begins the install."""
        return ChangeRecord(
            id=self.plan.install,
            subject=str(self.head.path),
            seal=self.head.seal_sha256,
            fuel_from=self.plan.fuel_from,
            fuel_to=self.plan.fuel_to,
            state=InstallState.RUNNING,
            started_s=started_s,
        )


def read_header(tarball: Path) -> BundleHead:
    """Read the header of a tarball, whose errors then say that nothing was changed.

    Raises:
        BundleError: the tarball is damaged or malformed.
    """
    with nothing_changes():
        return read_head(tarball)


def read_if_valid(tarball: Path) -> BundleHead | None:
    """Read the header of a tarball; None if it is damaged: the hooks run before it is refused."""
    try:
        return read_header(tarball)
    except BundleError:
        return None


@dataclass(frozen=True, slots=True)
class Preparation:
    """Plans and checks one install under the id ``install``."""

    config: Config
    control: ControlPlane
    journal: Journal
    options: InstallOptions
    install: str

    def after_hooks(self, tarball: Path, hooks: HookPoints, patience: Patience) -> Prepared:
        """Plan and check once Nailgun is idle, and again if a hook repairs a cause.

        Raises:
            BundleError, ConfigError, PreflightError, ControlPlaneError: as :meth:`of`.
        """
        hooks.before_check(self.install, tarball)
        try:
            return self._when_idle(tarball, patience)
        except PreflightError as error:
            if not hooks.repair_check(self.install, tarball, error):
                raise
        return self._when_idle(tarball, patience)

    def _when_idle(self, tarball: Path, patience: Patience) -> Prepared:
        """Plan and check; while only Nailgun's tasks prevent the install, wait and repeat."""
        while True:
            prepared = self._beside_discarded(read_header(tarball))
            if not prepared.master.running_tasks:
                return prepared
            patience.refuse_while_busy()

    def _beside_discarded(self, head: BundleHead) -> Prepared:
        """Plan and check; if that fails while discarded trees exist, delete these and repeat."""
        try:
            return self.of(head)
        except PreflightError:
            if not retention.discarded_folders(self.config.paths):
                raise
        retention.sweep_all(self.journal, self.control, self.config.paths, ignore)
        return self.of(head)

    def of(self, head: BundleHead) -> Prepared:
        """Plan the install of the tarball of ``head`` and check the plan. Writes nothing.

        The settings, and a reviewed plan, add their options to those of the request.

        Raises:
            BundleError, ConfigError, PreflightError, ControlPlaneError: as :meth:`Engine.install`.
        """
        config, expected = self.config, self.options.expected
        plan_options = _plan_options(config, self.options)
        with nothing_changes():
            master = read_master(config, self.control, head, verify_base=plan_options.verify_base)
            leftovers = find_leftovers(self.journal, master.releases)
        master = replace(master, leftovers={x.release.id: x.change.id for x in leftovers})
        plan = make_plan(head, master, config, plan_options, install=self.install)
        drift = find_drift(expected, head, master, plan, config)
        check(head, plan, master, reserve_mb=config.disk_reserve_mb, drift=drift)
        return Prepared(head, master, plan)


def _plan_options(config: Config, options: InstallOptions) -> PlanOptions:
    settings = PlanOptions(verify_base=config.verify_base, full_view=config.full_view)
    reviewed = options.expected.options if options.expected is not None else PlanOptions()
    return options | settings | reviewed
