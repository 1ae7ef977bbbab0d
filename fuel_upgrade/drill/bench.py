"""One scratch master that runs drills in sequence, each from the same start."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path

from fuel_upgrade.config import Config, NailgunSettings
from fuel_upgrade.drill import child_process
from fuel_upgrade.drill.child_process import Job
from fuel_upgrade.drill.faulty_nailgun import FlakyProxy
from fuel_upgrade.drill.scenario import Scenario, write_base, write_master
from fuel_upgrade.drill.scratch import Scratch, copy
from fuel_upgrade.drill.verdict_table import (
    Cell,
    Fault,
    Observed,
    Outcome,
    State,
    Verdict,
    differences,
    judge,
)
from fuel_upgrade.errors import RollbackError
from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from fuel_upgrade.upgrade.engine import Engine
from fuel_upgrade.upgrade.plan.layout import STAGING
from fuel_upgrade.upgrade.plan.master import read_fuel_version
from fuel_upgrade.upgrade.records import InstallState, StepRecord
from fuel_upgrade.upgrade.steps.register import Notify, Register
from fuel_upgrade.upgrade.steps.switch import Switch
from fuel_upgrade.upgrade.transaction.journal import Journal
from fuel_upgrade.upgrade.transaction.recovery import UNFINISHED

INSTALL = "d5111a5e"
"""The id of the install of every drill; each drill has its own journal."""
PRIOR = "0000d111"
"""The id of the install before it, whose backups are deleted when the drilled install succeeds."""
_USER = "admin"
_PATIENT_S, _IMPATIENT_S = 30.0, 2.0  # the client's time-out for a response
_RETRIES = 3
_HANG_S = 0.2  # time until a process that hangs on purpose is killed
_MIN_DEADLINE_S = 120.0
_SLOWER = 20  # a loaded host may need this many times the duration of the rehearsal
_POLL_S = 0.02
_PROCESSES = get_context("forkserver")
_PROCESSES.set_forkserver_preload(["__main__", child_process.__name__])


@dataclass(frozen=True, slots=True)
class Start:
    """The state before and after an install without a fault, its steps, and the deadline."""

    before: State
    after: State
    steps: tuple[StepRecord, ...]
    deadline_s: float


class Bench:
    """Runs cells of ``scenario`` in ``scratch``; roots of wrong cells are copied below ``keep``."""

    def __init__(self, scratch: Scratch, scenario: Scenario, *, keep: Path | None = None) -> None:
        self._scratch, self._scenario, self._keep = scratch, scenario, keep
        base = Config(master_ip="127.0.0.1", disk_reserve_mb=1, full_view=scenario.full_view)
        self._config = base.under(scratch.root)
        self._saved = scratch.folder / "start"
        self._token = ""  # of the running registry

    def prepare(self) -> Start:
        """Install without a fault and undo it; return the start of all drills.

        Raises:
            UpgradeError: the tarball cannot be installed even without a fault.
            RollbackError: the undo did not restore the previous state.
        """
        first = self._scratch.folder / "first"
        with self._scratch.opened(), self._served() as config:
            self._install_prior(config)
            self._scratch.save(first)
        began = time.monotonic()
        with (
            self._scratch.opened(first),
            self._served() as config,
            child_process.client_of(config, self._token) as control,
        ):
            engine = Engine(config, control)
            engine.install(self._scenario.tarball, install=INSTALL)
            steps = engine.journal.steps(INSTALL)
            folders = {step.number for step in steps if _is_folder(step)}
        deadline_s = max(_MIN_DEADLINE_S, _SLOWER * (time.monotonic() - began))
        with self._scratch.opened(first), self._served() as config:
            self._occupy(config, steps, folders)
            self._scratch.save(self._saved)
        return self._rehearse(deadline_s)

    def drill(self, cell: Cell, start: Start) -> Outcome:
        """Run one drill."""
        began = time.monotonic()
        with self._scratch.opened(self._saved):
            fault = cell.fault if cell.fault.is_of_nailgun else None
            with self._served(fault) as config:
                seen = self._observe(config, cell, start)
            verdict, reasons = judge(seen, start.before, start.after)
            if verdict is Verdict.WRONG and self._keep is not None:
                copy(self._scratch.root, self._keep / str(cell).replace(", ", "-"))
        return Outcome(cell, verdict, seen.ended, reasons, time.monotonic() - began)

    def _observe(self, config: Config, cell: Cell, start: Start) -> Observed:
        points = cell.points(len(start.steps))
        is_hanging = cell.fault is Fault.HANG
        ended, problem = self._run("install", config, start.deadline_s, points, hangs=is_hanging)
        if not self._scratch.signs.reached.exists():
            problem = problem or f"the fail point was not reached: {ended}"
        self._scratch.lift()
        if self._install_state(config) in UNFINISHED:
            recovery, wrong = self._run("recover", config, start.deadline_s)
            ended, problem = f"{ended}; recovery: {recovery}", problem or wrong
        settled, state = self._install_state(config), self._scratch.state(config)
        if settled is not InstallState.INCONSISTENT:
            return Observed(ended, problem, settled, state)
        repair, wrong = self._run("repair", config, start.deadline_s)
        return Observed(
            ended=f"{ended}; repair: {repair}",
            problem=problem or wrong,
            settled=settled,
            state=state,
            repaired=self._install_state(config),
            last=self._scratch.state(config),
        )

    def _run(
        self,
        action: str,
        config: Config,
        deadline_s: float,
        points: str = "",
        *,
        hangs: bool = False,
    ) -> tuple[str, str | None]:
        """Run the action in another process; return its end and any problem besides the fault."""
        job = Job(
            action=action,
            config=config,
            tarball=self._scenario.tarball,
            install=INSTALL,
            token=self._token,
            points=points,
            signs=self._scratch.signs,
            root=self._scratch.root,
            is_real=self._scratch.is_real,
            hang_s=2 * deadline_s,
        )
        receiver, sender = _PROCESSES.Pipe(duplex=False)
        process = _PROCESSES.Process(target=child_process.work, args=(job, sender), daemon=True)
        process.start()
        sender.close()
        deadline, was_to_hang = time.monotonic() + deadline_s, False
        while not wait([receiver, process.sentinel], timeout=_POLL_S):
            if hangs and not was_to_hang and job.signs.reached.exists():
                deadline, was_to_hang = time.monotonic() + _HANG_S, True
            if time.monotonic() > deadline:
                break
        try:
            is_over = receiver.poll() or not process.is_alive()
            answer = receiver.recv() if is_over else None
        except EOFError:
            answer = {"killed": True}
        finally:
            process.kill()
            process.join()
            process.close()
            receiver.close()
        return _describe_end(answer, was_to_hang=was_to_hang)

    def _install_state(self, config: Config) -> InstallState:
        records = [r for r in Journal(config.paths.journal).installs() if r.id == INSTALL]
        return records[0].state if records else InstallState.ROLLED_BACK  # it never began

    def _rehearse(self, deadline_s: float) -> Start:
        with self._scratch.opened(self._saved), self._served() as config:
            before = self._scratch.state(config)
            self._must("install", config, deadline_s)
            after, steps = self._scratch.state(config), Journal(config.paths.journal).steps(INSTALL)
            self._must("rollback", config, deadline_s)
            undone = self._scratch.state(config)
        kept = {name: entry for name, entry in before.exact.items() if not _is_backup(name)}
        wrong = differences(kept, undone.exact)
        if wrong:
            raise RollbackError(
                f"the undo of an install without a fault left: {'; '.join(wrong)}",
                remedy="report this, with the tarball",
            )
        return Start(before, after, steps, deadline_s)

    def _must(self, action: str, config: Config, deadline_s: float) -> None:
        ended, problem = self._run(action, config, deadline_s)
        if problem or ended != "done":
            raise RollbackError(
                f"{action} without a fault: {problem or ended}",
                remedy="report this, with the tarball",
            )

    @contextmanager
    def _served(self, fault: Fault | None = None) -> Iterator[Config]:
        """Serve the registry behind its proxy; yield the settings with its URL."""
        with closing(Store.open(f"sqlite:///{self._scratch.registry}")) as store:
            if not store.accounts.users():
                ensure_user(store, _USER, _USER)
            (user_id, _), *_ = store.accounts.users()
            self._token, _ = store.accounts.issue_token(user_id)
            app = create_app(
                store,
                master_ip=self._config.master_ip,
                fuel_version=lambda: read_fuel_version(self._config),
            )
            with (
                RegistryServer(app, "127.0.0.1", 0) as server,
                FlakyProxy(server.url, fault, self._scratch.signs.armed) as proxy,
            ):
                patience = _IMPATIENT_S if fault is Fault.SILENT else _PATIENT_S
                settings = NailgunSettings(url=proxy.url, retries=_RETRIES, timeout_s=patience)
                yield replace(self._config, nailgun=settings)

    def _install_prior(self, config: Config) -> None:
        write_master(config)
        with child_process.client_of(config, self._token) as control:
            Engine(config, control).install(self._scenario.prior, install=PRIOR)
            for need in self._scenario.bases:
                write_base(config, control, need)

    def _occupy(self, config: Config, steps: tuple[StepRecord, ...], folders: set[int]) -> None:
        """Create foreign files at every other live path, and some of the releases beforehand."""
        switches = [(r.number, step.live) for r in steps for step in Switch.among([r])]
        for number, live in switches[::2]:
            if not live.exists():
                _write_theirs(live / "theirs" if number in folders else live)
        with child_process.client_of(config, self._token) as control:
            for register in list(Register.among(steps))[:-1]:
                if register.adopt is None:
                    control.create_release(register.body)
            for notify in list(Notify.among(steps))[:1]:
                control.notify(notify.message)


def _is_folder(step: StepRecord) -> bool:
    return any(switch.live.is_dir() for switch in Switch.among([step]))


def _is_backup(name: str) -> bool:
    """Return whether a path is a backup of the prior install, or the folder of all backups."""
    return PRIOR in Path(name).parts or Path(name).name in (STAGING, "staging")


def _write_theirs(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("somebody else's\n", encoding="utf-8")


def _describe_end(answer: dict[str, object] | None, *, was_to_hang: bool) -> tuple[str, str | None]:
    if answer is None:
        return ("hung", None) if was_to_hang else ("hung", "it did not end")
    if "crash" in answer:
        return "crashed", str(answer["crash"])
    if "killed" in answer:
        return "killed", None
    return str(answer.get("error", "done")), None
