"""The transaction: run the steps forward, and whatever happens end *before* or *after*."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fuel_upgrade.bundle.request import RepairRequest
from fuel_upgrade.bundle.verify import BundleHead, read_head
from fuel_upgrade.config import Config
from fuel_upgrade.errors import (
    BundleError,
    NotFoundError,
    PreflightError,
    RollbackError,
    StepError,
    UpgradeError,
)
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.upgrade.base import repair_request
from fuel_upgrade.upgrade.failpoints import FailPoints
from fuel_upgrade.upgrade.journal import (
    InstallRecord,
    InstallState,
    Journal,
    StepRecord,
    StepState,
)
from fuel_upgrade.upgrade.make import make_plan
from fuel_upgrade.upgrade.master import Master, read_master
from fuel_upgrade.upgrade.plan import Plan
from fuel_upgrade.upgrade.preflight import check
from fuel_upgrade.upgrade.review import find_drift, review
from fuel_upgrade.upgrade.saved import SavedPlan
from fuel_upgrade.upgrade.steps import build_step
from fuel_upgrade.upgrade.steps.step import World
from fuel_upgrade.upgrade.survey import Survey, read_survey
from fuel_upgrade.upgrade.turn import turn

Watch = Callable[[Mapping[str, Any]], None]
"""Told of everything that happens: maps with a key ``event``; see docs/api.rst."""
# An install that ended in none of these was cut off; each with the state that undoing it has.
_UNFINISHED = {
    InstallState.RUNNING: InstallState.ROLLING_BACK,
    InstallState.ROLLING_BACK: InstallState.ROLLING_BACK,
    InstallState.UNDOING: InstallState.UNDOING,
}


def _nobody(_event: Mapping[str, Any]) -> None:
    pass


class Engine:
    """Installs upgrade tarballs on one master, one at a time, and undoes installs."""

    def __init__(
        self,
        config: Config,
        control: ControlPlane,
        *,
        clock: Callable[[], float] = time.time,
        fail_points: FailPoints | None = None,
    ) -> None:
        self._config = config
        self._control = control
        self._clock = clock
        self._fail_points = fail_points or FailPoints()
        self.journal = Journal(config.paths.journal)

    def plan(
        self, tarball: Path, *, verify_base: bool = False, full_view: bool = False
    ) -> dict[str, Any]:
        """Say what installing ``tarball`` would do; writes nothing.

        Raises:
            BundleError, PreflightError, ControlPlaneError: as :meth:`install`.
        """
        config = self._asked(verify_base=verify_base, full_view=full_view)
        head, master, plan = self._planned(tarball, new_id(), config)
        return review(head, master, plan, config=config, journal=self.journal)

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
        return read_survey(self._config, self._control, self.journal, tarballs)

    def install(  # noqa: PLR0913 - what an operator can ask for
        self,
        tarball: Path,
        *,
        install: str,
        watch: Watch = _nobody,
        verify_base: bool = False,
        full_view: bool = False,
        expected: SavedPlan | None = None,
        wait_s: float = 0,
    ) -> InstallRecord:
        """Install a tarball under the id ``install``.

        ``verify_base`` hashes what it builds on, ``full_view`` builds full views; the settings
        can ask for either as well, and so does a plan that was made with them. ``expected`` is
        a plan to keep to. Another install is waited for up to ``wait_s`` seconds.

        Raises:
            BundleError: the tarball is damaged or malformed; nothing was changed.
            PreflightError: the master is not ready for it, or not as planned; nothing was changed.
            ConfigError: ``expected`` is a plan of another tarball; nothing was changed.
            StepError: a step failed; everything was put back.
            RollbackError: a step failed, and putting everything back failed too.
        """
        config = self._asked(verify_base=verify_base, full_view=full_view, expected=expected)
        with self._locked(wait_s, watch):
            self._refuse_after_inconsistent()
            head, master, plan = self._planned(tarball, install, config, expected)
            earlier = [r for r in self.journal.installs() if r.state is InstallState.INSTALLED]
            self._begin(head, plan)
            watch({"event": "begin", "install": install, "steps": len(plan.steps)})
            for match in master.bases.values():
                if match.replaces_named:
                    watch({"event": "base", "version": match.need.version, **match.to_json()})
            try:
                self._run_forward(plan, watch)
            except BaseException as error:  # noqa: BLE001 - an interruption is put back as well
                self._put_back(install, plan.fuel_from, error, watch)
            self.journal.mark(install, InstallState.INSTALLED, ended_s=self._clock())
            watch({"event": "installed", "install": install, "fuel_version": plan.fuel_to})
            for record in earlier:
                self._release_backups(record.id, watch)
        return self.record(install)

    def rollback(self, install: str | None = None, *, watch: Watch = _nobody) -> InstallRecord:
        """Undo the last successful install; naming it by ``install`` guards against another.

        Raises:
            PreflightError: there is none, it is another, or a cluster uses one of its releases.
            RollbackError: undoing failed.
        """
        with self._locked():
            record = self._undoable(install)
            self._refuse_while_used(record)
            watch({"event": "undo", "install": record.id})
            succeeded = record.error is None
            self._roll_back(
                record.id, InstallState.UNDOING if succeeded else InstallState.ROLLING_BACK, watch
            )
        return self.record(record.id)

    def recover(self, *, watch: Watch = _nobody) -> tuple[InstallRecord, ...]:
        """Roll back what a crash left unfinished.

        Raises:
            RollbackError: undoing failed.
        """
        with self._locked():
            unfinished = self.unfinished()
            for record in reversed(unfinished):
                watch({"event": "recover", "install": record.id})
                self._roll_back(record.id, _UNFINISHED[record.state], watch)
        return tuple(self.record(record.id) for record in unfinished)

    def unfinished(self) -> tuple[InstallRecord, ...]:
        """Return the installs that a crash cut off."""
        return tuple(r for r in self.journal.installs() if r.state in _UNFINISHED)

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
        installed = [r for r in self.journal.installs() if r.state is InstallState.INSTALLED]
        if not installed:
            return None
        steps = self.journal.steps(installed[-1].id)
        roots = [Path(root) for step in steps for root in step.params.get("roots", ())]
        return installed[-1] if all(root.exists() for root in roots) else None

    def _read(self, tarball: Path, *, verify_base: bool) -> tuple[BundleHead, Master]:
        try:
            head = read_head(tarball)
        except BundleError as error:
            error.state = "nothing was changed"
            raise
        verify = verify_base or self._config.verify_base
        return head, read_master(self._config, self._control, head, verify_base=verify)

    def _asked(
        self, *, verify_base: bool, full_view: bool, expected: SavedPlan | None = None
    ) -> Config:
        """Return the settings with what this install asks for, or did when it was planned."""
        verify_base |= self._config.verify_base or (expected is not None and expected.verify_base)
        full_view |= self._config.full_view or (expected is not None and expected.full_view)
        return replace(self._config, verify_base=verify_base, full_view=full_view)

    def _planned(
        self, tarball: Path, install: str, config: Config, expected: SavedPlan | None = None
    ) -> tuple[BundleHead, Master, Plan]:
        head, master = self._read(tarball, verify_base=config.verify_base)
        drift = find_drift(expected, head, master, config)
        plan = make_plan(head, master, config, install=install)
        check(head, plan, master, reserve_mb=config.disk_reserve_mb, drift=drift)
        return head, master, plan

    def _begin(self, head: BundleHead, plan: Plan) -> None:
        self.journal.begin(
            InstallRecord(
                id=plan.install,
                tarball=str(head.path),
                seal=head.seal_sha256,
                fuel_from=plan.fuel_from,
                fuel_to=plan.fuel_to,
                state=InstallState.RUNNING,
                started_s=self._clock(),
            )
        )

    def _run_forward(self, plan: Plan, watch: Watch) -> None:
        world = self._world(watch)
        for number, planned in enumerate(plan.steps, 1):
            watch(_step_event("step", number, planned.title, of=len(plan.steps)))
            try:
                step = build_step(planned.kind, planned.params, world)
                facts = step.inspect()
                self.journal.intend(
                    plan.install,
                    StepRecord(
                        number,
                        planned.kind,
                        planned.title,
                        planned.params,
                        facts,
                        StepState.INTENDED,
                    ),
                )
                self._fail_points.check(number, "before")
                known = step.apply(facts)
                self._fail_points.check(number, "after")
                self.journal.done(plan.install, number, known)
            except Exception as error:
                error.add_note(f"step {number}, {planned.title}")
                raise

    def _put_back(self, install: str, fuel_from: str, error: BaseException, watch: Watch) -> None:
        """Undo a failed install and raise the error that the caller is to see."""
        told = _told(error, f"rolled back to Fuel {fuel_from}")
        watch({"event": "failed", "install": install, **told.to_json()})
        self.journal.mark(install, InstallState.ROLLING_BACK, error=told.to_json())
        self._roll_back(install, InstallState.ROLLING_BACK, watch)
        if not isinstance(error, Exception):
            raise error
        raise told from error

    def _roll_back(self, install: str, state: InstallState, watch: Watch) -> None:
        """Undo every step that is not undone yet, last first; a failure does not stop the rest.

        But what was unpacked is kept while a switch is stuck: the old content lies there.
        """
        self.journal.mark(install, state)
        world = self._world(watch)
        failures: list[str] = []
        for step in reversed(self.journal.steps(install)):
            if step.state is StepState.REVERTED or (failures and step.kind == "unpack"):
                continue
            watch(_step_event("undo step", step.number, step.title))
            try:
                build_step(step.kind, step.params, world).revert(step.facts)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other steps are undone
                failures.append(f"step {step.number}, {step.title}: {error}")
                self.journal.stuck(install, step.number, str(error))
            else:
                self.journal.reverted(install, step.number)
        undone = state is InstallState.UNDOING
        self._end_roll_back(
            install, InstallState.UNDONE if undone else InstallState.ROLLED_BACK, failures, watch
        )

    def _end_roll_back(
        self, install: str, end: InstallState, failures: list[str], watch: Watch
    ) -> None:
        state = InstallState.INCONSISTENT if failures else end
        self.journal.mark(install, state, ended_s=self._clock())
        watch({"event": state.value, "install": install})
        if failures:
            raise RollbackError(
                f"{len(failures)} step(s) could not be undone: {'; '.join(failures)}",
                remedy=f"remove the cause, then run fuel-upgrade rollback {install}",
                state=f"NEEDS REPAIR, see fuel-upgrade show {install}",
            )

    def _undoable(self, install: str | None) -> InstallRecord:
        stuck = [r for r in self.journal.installs() if r.state is InstallState.INCONSISTENT]
        record = stuck[-1] if stuck else self.undoable()
        if record is None:
            raise PreflightError(
                "there is no install to undo: none succeeded, or what it replaced is not kept",
                remedy="see fuel-upgrade history",
            )
        if install is not None and self.record(install).id != record.id:
            raise PreflightError(
                f"install {install} is not the last one: {record.id} is",
                remedy=f"only the last install can be undone: fuel-upgrade rollback {record.id}",
            )
        return record

    def _refuse_while_used(self, record: InstallRecord) -> None:
        created = {
            step.facts.get("id")
            for step in self.journal.steps(record.id)
            if step.kind == "register" and step.params["adopt"] is None
        }
        used = [c for c in self._control.clusters() if c.release_id in created]
        if used:
            names = ", ".join(f"{c.name} (id {c.id}, release {c.release_id})" for c in used)
            raise PreflightError(
                f"install {record.id} cannot be undone: clusters use its releases: {names}",
                remedy="remove those clusters, or keep the install",
            )

    def _refuse_after_inconsistent(self) -> None:
        for record in self.journal.installs():
            if record.state is InstallState.INCONSISTENT:
                raise PreflightError(
                    f"install {record.id} left this master half undone",
                    remedy=f"run fuel-upgrade rollback {record.id} first",
                )

    def _release_backups(self, install: str, watch: Watch) -> None:
        """Give up what an older install replaced; only the last one can be undone.

        The new install stands by now, so a failure here is told and no more.
        """
        for step in self.journal.steps(install):
            if step.kind != "unpack":
                continue
            try:
                build_step(step.kind, step.params, self._world(watch)).revert(step.facts)
            except OSError as error:
                watch({"event": "backups kept", "install": install, "what": str(error)})
            else:
                watch({"event": "backups released", "install": install})

    def _world(self, watch: Watch) -> World:
        def progress(what: str, done: int, total: int) -> None:
            watch({"event": "progress", "what": what, "done": done, "total": total})

        return World(self._control, progress)

    def _locked(self, wait_s: float = 0, watch: Watch = _nobody) -> AbstractContextManager[None]:
        return turn(self._config.paths.lock, wait_s=wait_s, watch=watch)


def new_id() -> str:
    """Return an id for an install: eight hexadecimal digits."""
    return secrets.token_hex(4)


def _step_event(event: str, number: int, title: str, **more: object) -> dict[str, Any]:
    return {"event": event, "number": number, "title": title, **more}


def _told(error: BaseException, state: str) -> UpgradeError:
    """Return the error to tell: damage stays damage, anything else is a step that failed."""
    where = next(iter(getattr(error, "__notes__", ())), "the install")
    if isinstance(error, BundleError):
        return BundleError(error.what, remedy=error.remedy, state="nothing was changed")
    if isinstance(error, UpgradeError):
        return StepError(f"{where}: {error.what}", remedy=error.remedy, state=state)
    return StepError(
        f"{where}: {str(error) or type(error).__name__}",
        remedy="see the log and fuel-upgrade history, remove the cause, and install again",
        state=state,
    )
