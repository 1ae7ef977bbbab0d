"""What can be done to a master: each an entry that takes the install lock and ends settled."""

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path

from fuel_upgrade.bundle.repair_request import RepairRequest
from fuel_upgrade.bundle.verify import BundleHead, read_head
from fuel_upgrade.config import Config, Recovery
from fuel_upgrade.errors import (
    BundleError,
    NotFoundError,
    OutsideError,
    PreflightError,
    RollbackError,
    StepError,
)
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.system.addresses import own_addresses, warn_of_address
from fuel_upgrade.upgrade.change import Change
from fuel_upgrade.upgrade.events import Watch, nobody
from fuel_upgrade.upgrade.install_lock import turn
from fuel_upgrade.upgrade.log_context import bound_to
from fuel_upgrade.upgrade.multi.candidates import Survey, read_survey
from fuel_upgrade.upgrade.nailgun_idle import Patience, refuse_while_busy
from fuel_upgrade.upgrade.plan.base_match import repair_request
from fuel_upgrade.upgrade.plan.master import Master, read_master
from fuel_upgrade.upgrade.plan.plan import Plan, as_records, begin
from fuel_upgrade.upgrade.plan.planner import make_plan
from fuel_upgrade.upgrade.plan.preflight import check, nothing_changes
from fuel_upgrade.upgrade.records import InstallRecord, InstallState
from fuel_upgrade.upgrade.review.earlier_install import (
    NothingToDo,
    installed_already,
    look_up,
    refuse_installed,
)
from fuel_upgrade.upgrade.review.review import Review, find_drift, review
from fuel_upgrade.upgrade.review.saved_plan import SavedPlan
from fuel_upgrade.upgrade.transaction import recovery, retention
from fuel_upgrade.upgrade.transaction.failpoints import FailPoints
from fuel_upgrade.upgrade.transaction.hook_runner import HookPoints
from fuel_upgrade.upgrade.transaction.journal import Journal
from fuel_upgrade.upgrade.transaction.runner import Transaction, always, open_record

_Planned = tuple[BundleHead, Master, Plan]


class Engine:
    """Installs upgrade tarballs on one master, one at a time, and undoes installs."""

    def __init__(
        self,
        config: Config,
        control: ControlPlane,
        *,
        clock: Callable[[], float] = time.time,
        fail_points: FailPoints | None = None,
        addresses: Callable[[], Iterable[str]] = own_addresses,
    ) -> None:
        self._config = config
        self._addresses = addresses
        self._control = control
        self._clock = clock
        self._fail_points = fail_points or FailPoints()
        self.journal = Journal(config.paths.journal)

    def plan(
        self, tarball: Path, *, verify_base: bool = False, full_view: bool = False
    ) -> Review | NothingToDo:
        """Say what installing ``tarball`` would do, and what Nailgun does now; writes nothing.

        If an earlier install of this very tarball is still intact, name that install instead.

        Raises:
            BundleError, PreflightError, ControlPlaneError: as :meth:`install`.
        """
        config = self._asked(verify_base=verify_base, full_view=full_view)
        with nothing_changes():
            earlier = look_up(config, self._control, self.journal, tarball)
        if earlier:
            return NothingToDo(earlier, tarball)
        head, master, plan = self._planned(tarball, new_id(), config)
        warning = warn_of_address(config, self._addresses())
        reviewed = review(head, master, plan, config=config, journal=self.journal)
        return replace(reviewed, warnings=(warning,) if warning else ())

    def repair_request(self, tarball: Path, *, verify_base: bool = False) -> RepairRequest | None:
        """Say what this master lacks of the bases of ``tarball``; None if it lacks nothing.

        Raises:
            BundleError, PreflightError, ControlPlaneError: as :meth:`install`.
        """
        head, master = self._read(tarball, verify_base=verify_base)
        return repair_request(head, master.bases, master.fuel_version)

    def survey(self, tarballs: Sequence[Path]) -> Survey:
        """Read what finding the order of several tarballs needs; writes nothing.

        Raises:
            BundleError, PreflightError, ControlPlaneError: as :meth:`install`.
        """
        with nothing_changes():
            return read_survey(self._config, self._control, self.journal, tarballs)

    def install(  # noqa: PLR0913 - what an operator can ask for
        self,
        tarball: Path,
        *,
        install: str,
        watch: Watch = nobody,
        verify_base: bool = False,
        full_view: bool = False,
        expected: SavedPlan | None = None,
        wait_s: float = 0,
        wait_for_tasks_s: float = 0,
        fail_if_installed: bool = False,
    ) -> InstallRecord:
        """Install a tarball under the id ``install``.

        Where an earlier install of this very tarball stands, nothing is changed and the record of
        that one is returned, whose id is another; or, with ``fail_if_installed``, it is refused.

        ``verify_base`` hashes what it builds on, ``full_view`` builds full views; the settings
        can ask for either as well, and so does a plan that was made with them. ``expected`` is
        a plan to keep to. Another install is waited for up to ``wait_s`` seconds, and what
        Nailgun carries out up to ``wait_for_tasks_s``, when nothing else is in the way: before
        the install begins, and again before the first change to anything live.

        Raises:
            BundleError: the tarball is damaged or malformed; nothing was changed.
            PreflightError: the master is not ready for it, or not as planned; nothing was changed.
            ConfigError: ``expected`` is a plan of another tarball; nothing was changed.
            StepError: a step failed; everything was put back.
            RollbackError: a step failed, and putting everything back failed too.
        """
        config = self._asked(verify_base=verify_base, full_view=full_view, expected=expected)
        planned = partial(self._planned, tarball, install, config, expected)
        patience = Patience(self._control, watch, wait_s=wait_for_tasks_s)
        with bound_to(install), self._locked(wait_s, watch):
            recovery.refuse_unless_settled(self.journal)
            with nothing_changes():
                earlier = look_up(config, self._control, self.journal, tarball, expected)
            if earlier:
                if fail_if_installed:
                    raise refuse_installed(earlier)
                watch(installed_already(earlier))
                return earlier
            head, master, plan = self._hooks(watch).checked(
                install, tarball, lambda: self._when_idle(patience, planned)
            )
            record = self._record(head, plan)
            open_record(self.journal, record, as_records(plan.steps))
            watch(begin(install, plan.steps).to_json())
            for match in master.bases.values():
                if match.replaces_named:
                    watch({"event": "base", "version": match.need.version, **match.to_json()})
            self._carry_out(record, watch, patience.refuse_while_busy)
        return self.record(install)

    def change(self, make: Callable[[], Change], *, watch: Watch = nobody) -> InstallRecord:
        """Carry out what ``make`` plans, under the install lock, as a transaction of its own.

        Raises:
            PreflightError, StepError, RollbackError: as :meth:`install`; and what ``make`` raises.
        """
        with self._locked():
            recovery.refuse_unless_settled(self.journal)
            refuse_while_busy(self._control)
            change = make()
            record = change.record(self._clock())
            open_record(self.journal, record, as_records(change.steps))
            watch(begin(change.install, change.steps).to_json())
            self._carry_out(record, watch)
        return self.record(change.install)

    def release_backups(self, *, watch: Watch = nobody) -> InstallRecord:
        """Give up what the last change keeps for its undo; it cannot be undone afterwards.

        Raises:
            PreflightError: nothing is kept; OutsideError: the file system refuses.
        """
        with self._locked():
            recovery.refuse_unless_settled(self.journal)
            kept = retention.with_backups(self.journal)
            if not kept:
                raise PreflightError(
                    "no backups are kept: there is nothing that can be undone",
                    remedy="see fuel-upgrade history",
                )
            retention.release_all_but(self.journal, self._control, 0, watch)
            if left := retention.with_backups(self.journal):
                raise OutsideError(
                    f"the backups of {left[-1].id} could not be removed",
                    remedy="see the daemon's log for the reason, and try again",
                )
        return self.record(kept[-1].id)

    def _carry_out(
        self, record: InstallRecord, watch: Watch, before_live: Callable[[], None] = always
    ) -> None:
        """Run what the journal has begun, to the end or back to the beginning."""
        self._transaction(record, watch).run(before_live)
        watch({"event": "installed", "install": record.id, "fuel_version": record.fuel_to})
        self._retain(watch)

    def _retain(self, watch: Watch) -> None:
        keep = self._config.keep_installs
        retention.release_all_but(self.journal, self._control, keep, watch)
        retention.sweep_all(self.journal, self._control, watch)

    def _transaction(self, record: InstallRecord, watch: Watch) -> Transaction:
        return Transaction(
            record,
            self.journal,
            self._control,
            clock=self._clock,
            fail_points=self._fail_points,
            hooks=self._hooks(watch),
            watch=watch,
        )

    def _hooks(self, watch: Watch) -> HookPoints:
        return HookPoints(self._config, self.journal, self._clock, watch)

    def rollback(self, install: str | None = None, *, watch: Watch = nobody) -> InstallRecord:
        """Undo the last successful install; naming it by ``install`` guards against another.

        Raises:
            PreflightError: there is none, it is another, a cluster uses one of its releases, or
                Nailgun is at work; what is inconsistent is undone all the same.
            RollbackError: undoing failed.
        """
        with self._locked():
            record = self._undoable(install)
            self._refuse_while_used(record)
            if record.state is InstallState.INSTALLED:
                refuse_while_busy(self._control)
            self.journal.note(record.id, None)  # recoveries of the install are not its undo's
            watch({"event": "undo", "install": record.id})
            self._transaction(record, watch).roll_back(recovery.state_to_undo(record))
        return self.record(record.id)

    def recover(
        self, policy: Recovery | None = None, *, watch: Watch = nobody
    ) -> tuple[InstallRecord, ...]:
        """Take up what a crash left unfinished; return what became of each.

        An install that was going forward is rolled back or resumed, as ``policy`` says, or else
        the settings; what was going back goes on going back. After so many attempts as the
        settings allow it becomes inconsistent, and is left to :meth:`repair`. A journal that is
        damaged is set aside first.

        Raises:
            RollbackError: undoing failed; the next recovery tries again.
        """
        failed: list[RollbackError] = []
        with self._locked():
            lost = recovery.keep_damaged(
                self.journal, self._config.paths, new_id=new_id, clock=self._clock
            )
            if lost is not None:
                watch({"event": "inconsistent", "install": lost.id, "what": lost.note})
            left = recovery.unfinished(self.journal)
            for record in reversed(left):
                try:
                    self._recover(record, policy or self._config.recovery.policy, watch)
                except RollbackError as error:
                    failed.append(error)
            self._retain(watch)
        if failed:
            raise failed[0]
        return tuple(self.record(record.id) for record in ((lost,) if lost else ()) + left)

    def _recover(self, record: InstallRecord, policy: Recovery, watch: Watch) -> None:
        most, attempt = self._config.recovery.attempts, self.journal.attempt(record.id)
        watch({"event": "recover", "install": record.id, "attempt": attempt, "of": most})
        if attempt > most:
            recovery.give_up(self.journal, record, most, self._clock())
            watch({"event": "inconsistent", "install": record.id})
            return
        if record.state is InstallState.RUNNING and policy is Recovery.RESUME:
            watch({"event": "resume", "install": record.id})
            try:
                self._carry_out(record, watch)
            except (BundleError, StepError):
                watch({"event": "not resumed", "install": record.id})
            return
        recovery.note_cut_off(self.journal, record)
        transaction = self._transaction(record, watch)
        transaction.roll_back(recovery.UNFINISHED[record.state], is_last_try=attempt == most)

    def repair(
        self, install: str | None = None, *, accept: bool = False, watch: Watch = nobody
    ) -> InstallRecord:
        """Settle what is unfinished or inconsistent: undo the rest, or ``accept`` what is there.

        Raises:
            PreflightError: nothing needs it, or a cluster uses a release that would go.
            RollbackError: undoing failed again.
        """
        with self._locked():
            named = self.record(install) if install else None
            record = recovery.to_repair(self.journal, named)
            if accept:
                self.journal.mark(record.id, InstallState.ACCEPTED, ended_s=self._clock())
                watch({"event": "accepted", "install": record.id})
                return self.record(record.id)
            recovery.refuse_lost(record)
            self._refuse_while_used(record)
            recovery.note_cut_off(self.journal, record)
            self.journal.note(record.id, None)
            watch({"event": "repair", "install": record.id})
            self._transaction(record, watch).roll_back(recovery.state_to_undo(record))
        return self.record(record.id)

    def unfinished(self) -> tuple[InstallRecord, ...]:
        """Return the installs that a crash cut off."""
        return recovery.unfinished(self.journal)

    def record(self, install: str) -> InstallRecord:
        """Return an install by its id, or by a part of it that no other begins with.

        Raises:
            NotFoundError: there is none, or there are several.
        """
        found = [r for r in self.journal.installs() if r.id.startswith(install)]
        if len(found) != 1:
            raise NotFoundError(
                f"{install}: {'no install' if not found else 'several installs'} of this id",
                remedy="see fuel-upgrade history for the ids",
            )
        return found[0]

    def undoable(self) -> InstallRecord | None:
        """Return the last successful install, if what it replaced is still kept."""
        return retention.undoable(self.journal)

    def _read(self, tarball: Path, *, verify_base: bool) -> tuple[BundleHead, Master]:
        verify = verify_base or self._config.verify_base
        with nothing_changes():
            head = read_head(tarball)
            return head, read_master(self._config, self._control, head, verify_base=verify)

    def _asked(
        self, *, verify_base: bool, full_view: bool, expected: SavedPlan | None = None
    ) -> Config:
        """Return the settings with what this install asks for, or did when it was planned."""
        verify_base |= self._config.verify_base or (expected is not None and expected.verify_base)
        full_view |= self._config.full_view or (expected is not None and expected.full_view)
        return replace(self._config, verify_base=verify_base, full_view=full_view)

    def _when_idle(self, patience: Patience, make: Callable[[], _Planned]) -> _Planned:
        """Plan; while nothing but Nailgun's work is in the way, wait and plan anew."""
        while (found := make())[1].running_tasks:
            patience.refuse_while_busy()
        return found

    def _planned(
        self, tarball: Path, install: str, config: Config, expected: SavedPlan | None = None
    ) -> _Planned:
        head, master = self._read(tarball, verify_base=config.verify_base)
        drift = find_drift(expected, head, master, config)
        plan = make_plan(head, master, config, install=install)
        check(head, plan, master, reserve_mb=config.disk_reserve_mb, drift=drift)
        return head, master, plan

    def _record(self, head: BundleHead, plan: Plan) -> InstallRecord:
        return InstallRecord(
            id=plan.install,
            tarball=str(head.path),
            seal=head.seal_sha256,
            fuel_from=plan.fuel_from,
            fuel_to=plan.fuel_to,
            state=InstallState.RUNNING,
            started_s=self._clock(),
        )

    def _undoable(self, install: str | None) -> InstallRecord:
        stuck = recovery.inconsistent(self.journal)
        record = stuck[-1] if stuck else self.undoable()
        if record is None:
            raise PreflightError(
                "there is no install to undo: none succeeded, or what it replaced is not kept",
                remedy="see fuel-upgrade history",
            )
        recovery.refuse_lost(record)
        if install is not None and self.record(install).id != record.id:
            raise PreflightError(
                f"install {install} is not the last one: {record.id} is",
                remedy=f"only the last install can be undone: fuel-upgrade rollback {record.id}",
            )
        return record

    def _refuse_while_used(self, record: InstallRecord) -> None:
        recovery.refuse_used(record, self.journal.steps(record.id), self._control.clusters())

    def _locked(self, wait_s: float = 0, watch: Watch = nobody) -> AbstractContextManager[None]:
        return turn(self._config.paths.lock, wait_s=wait_s, watch=watch)


def new_id() -> str:
    """Return an id for an install: eight hexadecimal digits."""
    return secrets.token_hex(4)
