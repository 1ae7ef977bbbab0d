"""The requests that change a master: each holds the install lock until the master is settled."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from fuel_upgrade.bundle.repair_request import RepairRequest
from fuel_upgrade.bundle.verify import BundleHead
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
from fuel_upgrade.upgrade.events import (
    Accepted,
    AlreadyInstalled,
    Inconsistent,
    Installed,
    RecoveryStarted,
    RepairStarted,
    Resumed,
    ResumeFailed,
    UndoStarted,
    Watch,
    ignore,
)
from fuel_upgrade.upgrade.install_lock import install_lock
from fuel_upgrade.upgrade.install_options import NO_OPTIONS, InstallOptions
from fuel_upgrade.upgrade.log_context import bound_to
from fuel_upgrade.upgrade.multi.candidates import Survey, read_survey
from fuel_upgrade.upgrade.nailgun_idle import Patience, refuse_while_busy
from fuel_upgrade.upgrade.plan.base_match import repair_request
from fuel_upgrade.upgrade.plan.master import read_master
from fuel_upgrade.upgrade.plan.plan import as_records, begin
from fuel_upgrade.upgrade.plan.preflight import nothing_changes
from fuel_upgrade.upgrade.prepare import Preparation, Prepared, read_header, read_if_valid
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState
from fuel_upgrade.upgrade.review.earlier_install import (
    NothingToDo,
    find_installed,
    refuse_installed,
)
from fuel_upgrade.upgrade.review.review import Review, review
from fuel_upgrade.upgrade.transaction import leftovers, recovery, retention
from fuel_upgrade.upgrade.transaction.failpoints import FailPoints
from fuel_upgrade.upgrade.transaction.hook_runner import HookPoints
from fuel_upgrade.upgrade.transaction.journal import Journal
from fuel_upgrade.upgrade.transaction.runner import Transaction, always, open_record


class Engine:
    """Installs upgrade tarballs on one master, one at a time, and undoes installs."""

    def __init__(  # noqa: PLR0913 - its resources, which tests replace
        self,
        config: Config,
        control: ControlPlane,
        *,
        clock: Callable[[], float] = time.time,
        fail_points: FailPoints | None = None,
        addresses: Callable[[], Iterable[str]] = own_addresses,
        discard_later: bool = False,
    ) -> None:
        """``discard_later`` leaves the files of discarded trees to :meth:`sweep`."""
        self._config = config
        self._addresses = addresses
        self._control = control
        self._clock = clock
        self._fail_points = fail_points or FailPoints()
        self._discard_later = discard_later
        self.journal = Journal(config.paths.journal)

    def plan(self, tarball: Path, options: InstallOptions = NO_OPTIONS) -> Review | NothingToDo:
        """Describe an install of ``tarball``, and the tasks that Nailgun runs; write nothing.

        Where an earlier install of the same tarball is intact, name that install instead.

        Raises:
            BundleError, PreflightError, ControlPlaneError: as :meth:`install`.
        """
        config = self._config
        head = read_header(tarball)
        with nothing_changes():
            earlier = find_installed(config, self._control, self.journal, head)
        if earlier:
            return NothingToDo(earlier, tarball)
        new = self._preparation(options, new_id()).of(head)
        warning = warn_of_address(config, self._addresses())
        reviewed = review(new.head, new.master, new.plan, config=config, journal=self.journal)
        return replace(reviewed, warnings=(warning,) if warning else ())

    def repair_request(self, tarball: Path, *, verify_base: bool = False) -> RepairRequest | None:
        """Return a request for the packages that the bases of ``tarball`` lack here, or None.

        Raises:
            BundleError, PreflightError, ControlPlaneError: as :meth:`install`.
        """
        verify_base |= self._config.verify_base
        head = read_header(tarball)
        with nothing_changes():
            master = read_master(self._config, self._control, head, verify_base=verify_base)
        return repair_request(head, master.bases, master.fuel_version)

    def survey(self, tarballs: Sequence[Path]) -> Survey:
        """Read the input for ordering several tarballs; write nothing.

        Raises:
            BundleError, PreflightError, ControlPlaneError: as :meth:`install`.
        """
        with nothing_changes():
            return read_survey(self._config, self._control, self.journal, tarballs)

    def install(
        self,
        tarball: Path,
        options: InstallOptions = NO_OPTIONS,
        *,
        install: str,
        watch: Watch = ignore,
    ) -> ChangeRecord:
        """Install a tarball under the id ``install``.

        Where an earlier install of the same tarball is intact, change nothing and return the
        record of that install; with ``fail_if_installed``, refuse instead. Tasks of Nailgun are
        waited for before the install begins, and again before the first change to anything live.

        Raises:
            BundleError: the tarball is damaged or malformed; nothing was changed.
            PreflightError: a check failed, or the master is not as planned; nothing was changed.
            ConfigError: ``expected`` is a plan of another tarball; nothing was changed.
            StepError: a step failed; the install was rolled back.
            RollbackError: a step failed, and so did the rollback.
        """
        patience = Patience(self._control, watch, wait_s=options.wait_for_tasks_s)
        with bound_to(install), self._settled(options.wait_s, watch):
            head = read_if_valid(tarball)  # kept for the plan: its seal is parsed once
            if head and (earlier := self._earlier_install(head, options)):
                return _keep(earlier, options, watch)
            preparation = self._preparation(options, install)
            prepared = preparation.after_hooks(tarball, self._hooks(watch), patience)
            self._run(prepared, watch, patience)
        return self.record(install)

    def _earlier_install(self, head: BundleHead, options: InstallOptions) -> ChangeRecord | None:
        if options.expected is not None:
            options.expected.refuse_other(head.path, head.seal_sha256)
        with nothing_changes():
            return find_installed(self._config, self._control, self.journal, head)

    def _preparation(self, options: InstallOptions, install: str) -> Preparation:
        return Preparation(self._config, self._control, self.journal, options, install)

    def _run(self, prepared: Prepared, watch: Watch, patience: Patience) -> None:
        """Begin the install in the journal, and run its steps."""
        record, plan = prepared.record(self._clock()), prepared.plan
        open_record(self.journal, record, as_records(plan.steps))
        watch(begin(plan.install, plan.steps))
        for match in prepared.master.bases.values():
            if replaced := match.to_event():
                watch(replaced)
        self._carry_out(record, watch, patience.refuse_while_busy)

    def change(self, make: Callable[[], Change], *, watch: Watch = ignore) -> ChangeRecord:
        """Carry out the change that ``make`` plans, under the install lock, as one transaction.

        Raises:
            PreflightError, StepError, RollbackError: as :meth:`install`; and any error of ``make``.
        """
        with self._settled():
            refuse_while_busy(self._control)
            change = make()
            record = change.record(self._clock())
            open_record(self.journal, record, as_records(change.steps))
            watch(begin(change.install, change.steps))
            self._carry_out(record, watch)
        return self.record(change.install)

    def release_backups(self, *, watch: Watch = ignore) -> ChangeRecord:
        """Delete the backups of the last change, which cannot be undone afterwards.

        Raises:
            PreflightError: there are no backups; OutsideError: they cannot be removed.
        """
        with self._settled():
            kept = retention.with_backups(self.journal, self._config.paths)
            if not kept:
                raise PreflightError(
                    "no backups are kept: there is nothing that can be undone",
                    remedy="see fuel-upgrade history",
                )
            retention.release_all_but(
                self.journal,
                self._control,
                self._config.paths,
                0,
                watch,
                later=self._discard_later,
            )
            if remaining := retention.with_backups(self.journal, self._config.paths):
                raise OutsideError(
                    f"the backups of {remaining[-1].id} could not be removed",
                    remedy="see the daemon's log for the reason, and try again",
                )
        return self.record(kept[-1].id)

    def _carry_out(
        self, record: ChangeRecord, watch: Watch, before_live: Callable[[], None] = always
    ) -> None:
        """Run the steps that the journal has; undo them if one fails."""
        self._transaction(record, watch).run(before_live)
        watch(Installed(record.id, record.fuel_to))
        self._retain(watch, later=self._discard_later)

    def sweep(self, *, watch: Watch = ignore) -> None:
        """Delete what earlier changes have discarded.

        Raises:
            PreflightError: another process changes this master.
        """
        with self._locked():
            self._retain(watch, later=False)

    def _retain(self, watch: Watch, *, later: bool) -> None:
        keep = self._config.keep_installs
        retention.release_all_but(
            self.journal, self._control, self._config.paths, keep, watch, later=later
        )
        if not later:
            retention.sweep_all(self.journal, self._control, self._config.paths, watch)

    def _transaction(self, record: ChangeRecord, watch: Watch) -> Transaction:
        is_embedded = self._config.nailgun.url is None  # a registry that ends with its daemon
        if not is_embedded and recovery.may_be_unanswered(self.journal.steps(record.id)):
            self._control.assume_unanswered()
        return Transaction(
            record,
            self.journal,
            self._control,
            clock=self._clock,
            fail_points=self._fail_points,
            hooks=self._hooks(watch),
            watch=watch,
            discard_later=self._discard_later,
        )

    def _hooks(self, watch: Watch) -> HookPoints:
        return HookPoints(self._config, self.journal, self._clock, watch)

    def rollback(self, install: str | None = None, *, watch: Watch = ignore) -> ChangeRecord:
        """Undo the last successful install, or the inconsistent one if there is one.

        Raises:
            PreflightError: there is none, its id is not ``install``, a cluster uses one of its
                releases, or Nailgun runs tasks (which do not stop the undo of an inconsistent one).
            RollbackError: undoing failed.
        """
        with self._locked():
            record = self._to_undo(install)
            self._refuse_while_used(record)
            if record.state is InstallState.INSTALLED:
                refuse_while_busy(self._control)
            # Attempts to recover the install do not count for its undo.
            self.journal.note(record.id, None)
            watch(UndoStarted(record.id))
            self._transaction(record, watch).roll_back(recovery.state_to_undo(record))
        return self.record(record.id)

    def recover(
        self, policy: Recovery | None = None, *, watch: Watch = ignore
    ) -> tuple[ChangeRecord, ...]:
        """Finish the installs that a crash interrupted; return their records.

        An install that was going forward is rolled back or resumed, by ``policy`` or else by the
        settings; a rollback is continued. After as many attempts as the settings allow, the
        install becomes inconsistent and is left to :meth:`repair`. A damaged journal is set aside
        first.

        Raises:
            RollbackError: undoing failed; the next recovery tries again.
        """
        failed: list[RollbackError] = []
        with self._locked():
            lost = recovery.keep_damaged(
                self.journal, self._config.paths, new_id=new_id, clock=self._clock
            )
            if lost is not None:
                watch(Inconsistent(lost.id, lost.note))
            unfinished = recovery.unfinished(self.journal)
            for record in reversed(unfinished):
                try:
                    self._recover(record, policy or self._config.recovery.policy, watch)
                except RollbackError as error:
                    failed.append(error)
            self._retain(watch, later=self._discard_later)
        if failed:
            raise failed[0]
        return tuple(self.record(record.id) for record in ((lost,) if lost else ()) + unfinished)

    def _recover(self, record: ChangeRecord, policy: Recovery, watch: Watch) -> None:
        most, attempt = self._config.recovery.attempts, self.journal.attempt(record.id)
        watch(RecoveryStarted(record.id, attempt, most))
        if attempt > most:
            recovery.mark_inconsistent(self.journal, record, most, self._clock())
            watch(Inconsistent(record.id))
            return
        if record.state is InstallState.RUNNING and policy is Recovery.RESUME:
            watch(Resumed(record.id))
            try:
                self._carry_out(record, watch)
            except (BundleError, StepError):
                watch(ResumeFailed(record.id))
            return
        recovery.note_cut_off(self.journal, record)
        transaction = self._transaction(record, watch)
        transaction.roll_back(recovery.UNFINISHED[record.state], is_last_try=attempt == most)

    def repair(
        self, install: str | None = None, *, accept: bool = False, watch: Watch = ignore
    ) -> ChangeRecord:
        """Undo the rest of an unfinished install, or ``accept`` the master as it is.

        Raises:
            PreflightError: nothing needs repair, or a cluster uses a release that the undo deletes.
            RollbackError: undoing failed again.
        """
        with self._locked():
            named = self.record(install) if install else None
            record = leftovers.to_repair(self.journal, self._control, named)
            if accept:
                self.journal.mark(record.id, InstallState.ACCEPTED, ended_s=self._clock())
                watch(Accepted(record.id))
                return self.record(record.id)
            recovery.refuse_lost(record)
            self._refuse_while_used(record)
            recovery.note_cut_off(self.journal, record)
            self.journal.note(record.id, None)
            watch(RepairStarted(record.id))
            self._transaction(record, watch).roll_back(recovery.state_to_undo(record))
        return self.record(record.id)

    def record(self, install: str) -> ChangeRecord:
        """Return an install by its id, or by a unique prefix of the id.

        Raises:
            NotFoundError: there is none, or there are several.
        """
        matches = [r for r in self.journal.installs() if r.id.startswith(install)]
        if len(matches) != 1:
            raise NotFoundError(
                f"{install}: {'no install' if not matches else 'several installs'} of this id",
                remedy="see fuel-upgrade history for the ids",
            )
        return matches[0]

    def _to_undo(self, install: str | None) -> ChangeRecord:
        record = recovery.to_undo(self.journal)
        if install is not None and self.record(install).id != record.id:
            raise PreflightError(
                f"install {install} is not the last one: {record.id} is",
                remedy=f"only the last install can be undone: fuel-upgrade rollback {record.id}",
            )
        return record

    def _refuse_while_used(self, record: ChangeRecord) -> None:
        recovery.refuse_used(record, self.journal.steps(record.id), self._control.clusters())

    @contextmanager
    def _settled(self, wait_s: float = 0, watch: Watch = ignore) -> Iterator[None]:
        """Hold the install lock on a master where no install is unfinished or inconsistent."""
        with self._locked(wait_s, watch):
            recovery.refuse_unless_settled(self.journal)
            yield

    def _locked(self, wait_s: float = 0, watch: Watch = ignore) -> AbstractContextManager[None]:
        return install_lock(self._config.paths.lock, wait_s=wait_s, watch=watch)


def _keep(earlier: ChangeRecord, options: InstallOptions, watch: Watch) -> ChangeRecord:
    """Return an earlier install of the same tarball, or refuse if the request asks for that."""
    if options.fail_if_installed:
        raise refuse_installed(earlier)
    watch(AlreadyInstalled(earlier.id, earlier.fuel_to))
    return earlier


def new_id() -> str:
    """Return an id for an install: eight hexadecimal digits."""
    return secrets.token_hex(4)
