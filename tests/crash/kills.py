"""Rounds in which the daemon is killed at a random time, and the end that each must have."""

import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from demo.sweeper import await_sweeper
from fuel_upgrade.config import Config, Recovery, read
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState, StepState
from fuel_upgrade.upgrade.transaction import retention
from fuel_upgrade.upgrade.transaction.journal import Journal
from tests.crash import snapshot
from tests.crash.daemons import Daemons, daemons
from tests.crash.snapshot import Snapshot
from tests.master import write_fuel_version

STEPS = 15  # of the demo's 6.0 with full views
LINK = Path("6.0/version.yaml")
_OWN_FILES = {"journal.sqlite", "registry.sqlite", "registry.password", "install.lock"}
_LONGER = 1.15  # than it took when it was measured: some kills come when all is done
_BEGUN = (StepState.INTENDED, StepState.DONE)
_BACK = (InstallState.ROLLING_BACK, InstallState.ROLLED_BACK)
_GONE = (InstallState.UNDOING, InstallState.UNDONE)


@dataclass(frozen=True, slots=True)
class Round:
    """A round: its operation, the phases in which it was killed, and its end."""

    operation: str
    policy: str
    phases: tuple[str, ...]
    outcome: str


class Drill:
    """A master with 5.1 on which 6.0 is installed and undone again, and whose daemon is killed."""

    def __init__(
        self, folder: Path, tarballs: Mapping[str, Path], starter: Daemons, choice: random.Random
    ) -> None:
        self._folder = folder
        self._root = folder / "root"
        self._tarballs = tarballs
        self._starter = starter
        self._choice = choice
        self._config = _write_settings(folder)
        self._is_armed = False
        self._start("rollback")
        self._seconds = {"recovery": 0.3}
        self._first = self._prepare()

    def _prepare(self) -> Snapshot:
        """Install 5.1, keep that, and measure; return the expected result of installing 6.0."""
        self._complete("/installs", {"tarball": str(self._tarballs["5.1"])})
        self.end()
        shutil.rmtree(self._root / "run")
        self._copy(self._root, self._folder / "kept")
        self._start("rollback")
        taken = []
        for _ in range(2):
            self._before = self._take()
            for operation in ("install", "rollback"):
                began = time.monotonic()
                self._complete(*self._request(operation))
                self._seconds[operation] = time.monotonic() - began
                taken.append(self._take())
            assert snapshot.differences(taken[-1], replace(self._before, kept={})) == []
        return snapshot.common(taken[0], taken[2])

    def _complete(self, path: str, body: dict[str, Any]) -> None:
        last = self._daemon.do(path, body)
        assert last["event"] == "result", last

    def end(self) -> None:
        """Kill the daemon that runs."""
        self._daemon.kill()

    def round(self) -> Round:
        """Kill the daemon amid an operation, let the next one recover, and judge the state."""
        installed = self._config.paths.version_link.readlink() == LINK
        operation = "rollback" if installed else "install"
        if not installed and self._choice.random() < 0.25:
            self._bring_back()
        before = self._take()
        if operation == "install":
            self._before = before
        last = self._journal.installs()[-1]
        self._kill_amid(operation)
        record, where = self._at_the_kill()
        policy = self._choice.choice(list(Recovery)).value
        phases = (f"{operation}: {where}", *self._kill_recoveries(policy))
        self._recover(policy)
        expected = _expected(operation, record, last.id, policy)
        message = f"{operation} killed at {phases}, policy {policy}: expected {expected}"
        faults = self._faults(operation, expected, before)
        assert not faults, "\n".join((message, *faults))
        return Round(operation, policy, phases, expected)

    def _bring_back(self) -> None:
        """Put the root with the backups of 5.1 in the place of this one."""
        self.end()
        shutil.rmtree(self._root)
        self._copy(self._folder / "kept", self._root)
        self._start("rollback", self._some_fail_points())

    def _copy(self, source: Path, target: Path) -> None:
        subprocess.run(["cp", "-a", source, target], check=True)

    def _kill_amid(self, operation: str) -> None:
        self._daemon.client().post(*self._request(operation))
        if self._is_armed:
            self._daemon.await_end()
            return
        time.sleep(self._choice.uniform(0, self._seconds[operation] * _LONGER))
        self.end()

    def _request(self, operation: str) -> tuple[str, dict[str, Any]]:
        if operation == "rollback":
            return "/rollbacks", {}
        return "/installs", {"tarball": str(self._tarballs["6.0"]), "full_view": True}

    def _kill_recoveries(self, policy: str) -> Iterator[str]:
        """Kill no, one or two recoveries; the settings allow for three before they give up."""
        (times,) = self._choice.choices((0, 1, 2), weights=(55, 30, 15))
        for _ in range(times):
            self._start(policy, is_ready=False)
            time.sleep(self._choice.uniform(0, self._seconds["recovery"] * _LONGER))
            self.end()
            yield f"recovery: {self._at_the_kill()[1]}"

    def _recover(self, policy: str) -> None:
        """Start a daemon that lives; it may be one that kills itself in the next operation."""
        self._start(policy, self._some_fail_points(), is_ready=False)
        began = time.monotonic()
        self._daemon.await_ready()
        took = time.monotonic() - began
        self._seconds["recovery"] += (took - self._seconds["recovery"]) / 8

    def _some_fail_points(self) -> str:
        """Return none, or points that kill an install, one that fails on its way back, an undo."""
        if self._choice.random() < 0.6:
            return ""
        step = self._choice.randint(1, STEPS)
        forward = self._choice.choice(("before=kill", "after=kill", "before=error", "after=error"))
        back = self._choice.randint(1, step)  # one that was begun is undone
        return f"{step}:{forward},{back}:{self._choice.choice(('undo-before', 'undo-after'))}=kill"

    def _start(self, policy: str, fail_points: str = "", *, is_ready: bool = True) -> None:
        settings = self._folder / f"{policy}.yaml"
        self._daemon = self._starter.start(settings, fail_points=fail_points)
        self._is_armed = bool(fail_points)
        if is_ready:
            self._daemon.await_ready()
        else:
            self._daemon.await_socket()

    @property
    def _journal(self) -> Journal:
        return Journal(self._config.paths.journal)

    def _at_the_kill(self) -> tuple[ChangeRecord, str]:
        """Return the last record and how far it was; SQLite's own journal stays as it is."""
        copy = self._folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for source in self._config.paths.state.glob("journal.sqlite*"):
            shutil.copyfile(source, copy / source.name)
        journal = Journal(copy / "journal.sqlite")
        record = journal.installs()[-1]
        begun = [s for s in journal.steps(record.id) if s.state in _BEGUN]
        if record.ended_s is not None and record.state is not InstallState.UNDOING:
            return record, record.state.value
        where = f"{begun[-1].kind} {begun[-1].state.value}" if begun else "no step"
        return record, f"{record.state.value}, {where}"

    def _take(self) -> Snapshot:
        await_sweeper(self._config)
        return snapshot.take(self._root, self._config)

    def _faults(self, operation: str, expected: str, before: Snapshot) -> list[str]:
        """Return the differences from the expected state."""
        actual = self._take()
        if expected == "before":
            wrong = snapshot.differences(actual, before)
        elif operation == "rollback":
            wrong = snapshot.differences(actual, replace(self._before, kept={}))
        else:
            wrong = snapshot.differences_after(actual, self._first)
        return [*wrong, *self._unaccounted()]

    def _unaccounted(self) -> Iterator[str]:
        """Return the leftovers that no journal record explains."""
        records = self._journal.installs()
        for record in records:
            if record.state not in snapshot.SETTLED:
                yield f"{record.id} is {record.state.value}"
        kept = {
            r.id
            for r in retention.with_backups(self._journal, self._config.paths)
            if not r.released
        }
        expected = {r.id for r in records if r.state is InstallState.INSTALLED and not r.released}
        if not kept == expected == snapshot.kept_ids(self._config):
            staged = snapshot.kept_ids(self._config)
            yield f"folders of {staged}, {kept} kept, but the journal says {expected}"
        for path in self._config.paths.state.iterdir():
            if path.name.split("-")[0] not in _OWN_FILES and not path.is_dir():
                yield f"{path} is nobody's"


def _write_settings(folder: Path) -> Config:
    for policy in Recovery:
        settings = {
            "master_ip": "127.0.0.1",
            "registry": {"port": 0},
            "recovery": {"policy": policy.value},
        }
        (folder / f"{policy.value}.yaml").write_text(yaml.safe_dump(settings))
    return read(folder / "rollback.yaml", root=folder / "root")


def _expected(operation: str, record: ChangeRecord, last: str, policy: str) -> str:
    """Return the end that the journal promises after the kill."""
    if operation == "rollback":
        return "after" if record.state in _GONE else "before"
    if record.id == last or record.state in _BACK:
        return "before"
    if record.state is InstallState.RUNNING:
        return "after" if policy == Recovery.RESUME.value else "before"
    assert record.state is InstallState.INSTALLED, record
    return "after"


@contextmanager
def drill(folder: Path, tarballs: Mapping[str, Path], seed: int) -> Iterator[Drill]:
    """Make a master, measure, and give it with its daemon up, which ends with it."""
    write_fuel_version(folder / "root", "5.0")
    choice = random.Random(seed)
    with daemons(folder / "root") as starter:
        yield Drill(folder, tarballs, starter, choice)


def summary(rounds: Iterable[Round]) -> dict[str, dict[str, int]]:
    """Count the rounds by their end, and the kills by their phase."""
    done = list(rounds)
    outcomes = Counter(f"{r.operation}, {r.policy}: {r.outcome}" for r in done)
    phases = Counter(phase for r in done for phase in r.phases)
    return {"outcomes": dict(sorted(outcomes.items())), "kills": dict(sorted(phases.items()))}
