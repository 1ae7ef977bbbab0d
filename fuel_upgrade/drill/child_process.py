"""The child process of a drill, which a fault may kill."""

import os
import signal
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from fuel_upgrade.config import Config
from fuel_upgrade.errors import OutsideError, UpgradeError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.nailgun.keystone import TokenKeeper
from fuel_upgrade.system.mounts import set_read_only
from fuel_upgrade.upgrade.engine import Engine
from fuel_upgrade.upgrade.transaction.failpoints import ACTIONS, FailPoints

_LARGEST_WRITE = 1 << 20


@dataclass(frozen=True, slots=True)
class SignalFiles:
    """The files by which the drill and its child process signal each other."""

    reached: Path
    armed: Path
    filler: Path


@dataclass(frozen=True, slots=True)
class Job:
    """An action (``install``, ``recover``, ``repair`` or ``rollback``) and its fail points.

    ``token`` is a token of the registry. If ``is_real``, the scratch root is a separate file system
    that can be filled or made read-only; else the errors of such a file system are raised.
    ``hang_s`` ends a hanging process even if its parent is gone.
    """

    action: str
    config: Config
    tarball: Path
    install: str
    token: str
    points: str
    signs: SignalFiles
    root: Path
    is_real: bool
    hang_s: float


class _SkippingClock:
    """A clock whose sleep moves it at once: no drill leaves a request to be carried out late."""

    def __init__(self) -> None:
        self._skipped_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self._skipped_s

    def sleep(self, seconds: float) -> None:
        self._skipped_s += seconds


def work(job: Job, answer: Connection) -> None:
    """Run a job and send its end: ``error`` is an expected error, ``crash`` any other."""
    os.umask(0o022)
    try:
        with client_of(job.config, job.token) as control:
            points = FailPoints(job.points, actions(job))
            _act(job, Engine(job.config, control, fail_points=points))
    except UpgradeError as error:
        answer.send({"error": f"{type(error).__name__}: {error.what}"})
    except BaseException:  # noqa: BLE001 - the parent reports it
        answer.send({"crash": traceback.format_exc()})
    else:
        answer.send({})


def client_of(config: Config, token: str) -> NailgunClient:
    """Return a client with a token (a login takes longer than many drills) and without pauses."""
    clock = _SkippingClock()
    return NailgunClient(
        config.nailgun,
        master_ip=config.master_ip,
        keeper=TokenKeeper(token),
        monotonic=clock,
        sleep=clock.sleep,
    )


def _act(job: Job, engine: Engine) -> None:
    if job.action == "install":
        engine.install(job.tarball, install=job.install)
    elif job.action == "recover":
        engine.recover()
    elif job.action == "repair":
        engine.repair(job.install)
    else:
        engine.rollback(job.install)


def actions(job: Job) -> Mapping[str, Callable[[], None] | None]:
    """Return the actions of fail points; each records that it was reached."""

    def fail() -> None:
        raise OutsideError("the drill made this step fail", remedy="nothing: it is a drill")

    def hang() -> None:
        time.sleep(job.hang_s)
        os._exit(1)

    def read_only() -> None:
        set_read_only(job.root, read_only=True)

    named: dict[str, Callable[[], Any]] = {
        "error": fail,
        "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "hang": hang,
        "full": lambda: fill(job.signs.filler),
        "read-only": read_only,
        "arm": job.signs.armed.touch,
    }
    if not job.is_real:
        named |= {name: action for name in ("full", "read-only") if (action := ACTIONS[name])}
    noting = {name: _noting(job.signs.reached, act) for name, act in named.items()}
    return {**noting, "fail": fail, "disarm": lambda: job.signs.armed.unlink(missing_ok=True)}


def _noting(reached: Path, act: Callable[[], Any]) -> Callable[[], None]:
    def note_and_act() -> None:
        reached.touch()
        act()

    return note_and_act


def fill(path: Path) -> None:
    """Write until the file system is full to the last byte."""
    size = _LARGEST_WRITE
    with path.open("wb", buffering=0) as file:
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
