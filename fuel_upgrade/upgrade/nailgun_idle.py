"""What Nailgun carries out now: a change of the master waits for it, or is refused."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fuel_upgrade.errors import PreflightError, UpgradeError
from fuel_upgrade.nailgun.control_plane import Cluster, Task
from fuel_upgrade.upgrade.events import Watch, nobody
from fuel_upgrade.upgrade.install_lock import waiting

_LOOK_EVERY_S = 1.0
_REMEDY = "wait for what runs to end; an install does so with --wait-for-tasks SECONDS"


class AtWork(Protocol):
    """The part of a control plane that tells what it does."""

    def running_tasks(self) -> tuple[Task, ...]:
        """Return the tasks that are under way."""

    def clusters(self) -> tuple[Cluster, ...]:
        """Return every environment."""


class BusyError(PreflightError):
    """Nothing is in the way but what Nailgun carries out, so that waiting may help."""

    default_code = "nailgun-busy"


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A task that Nailgun carries out; ``cluster_name`` is None where it is not known."""

    task: Task
    cluster_name: str | None

    def __str__(self) -> str:
        """Name the task, how far it is, and where it runs."""
        task = self.task
        progress = f", {task.progress} %" if task.progress is not None else ""
        where = "" if task.cluster is None else f" on cluster {task.cluster}"
        name = f" ({self.cluster_name})" if self.cluster_name else ""
        return f"task {task.id} ({task.name}, {task.status}{progress}){where}{name}"

    @property
    def what(self) -> str:
        """The task in words."""
        return str(self)


def read_running(control: AtWork) -> tuple[RunningTask, ...]:
    """Return what Nailgun carries out; the clusters are read only where one is concerned."""
    tasks = control.running_tasks()
    concerned = any(task.cluster is not None for task in tasks)
    names = {c.id: c.name for c in control.clusters()} if concerned else {}
    return tuple(
        RunningTask(task, None if task.cluster is None else names.get(task.cluster))
        for task in tasks
    )


def refuse_while_busy(control: AtWork) -> None:
    """Refuse a change while Nailgun is at work.

    Raises:
        BusyError: with what it carries out.
    """
    Patience(control).refuse_while_busy()


def busy_failures(running: Sequence[RunningTask], *, waited_s: float = 0) -> tuple[str, ...]:
    """Return a failed check for each task."""
    still = f", after {waited_s:g} s of waiting" if waited_s else ""
    return tuple(f"Nailgun runs {one}{still}" for one in running)


class Patience:
    """Waits for Nailgun to become idle, ``wait_s`` seconds in all, however often it is asked."""

    def __init__(
        self,
        control: AtWork,
        watch: Watch = nobody,
        *,
        wait_s: float = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._control = control
        self._watch = watch
        self._wait_s = wait_s
        self._clock = clock
        self._sleep = sleep
        self._waited_s = 0.0

    def until_idle(self) -> tuple[RunningTask, ...]:
        """Wait; return what still runs when the time is over, nothing when Nailgun is idle.

        ``watch`` is told at each look; it may raise to stop the waiting.
        """
        begun = self._clock() - self._waited_s
        while (running := read_running(self._control)) and self._waited_s < self._wait_s:
            self._tell(running)
            self._sleep(min(_LOOK_EVERY_S, self._wait_s - self._waited_s))
            self._waited_s = self._clock() - begun
        return running

    def refuse_while_busy(self) -> None:
        """Wait, and refuse what was to be done if Nailgun is still at work.

        Raises:
            BusyError: with what still runs.
        """
        if running := self.until_idle():
            failures = busy_failures(running, waited_s=self._wait_s)
            raise BusyError("; ".join(failures), remedy=_REMEDY, failures=failures)

    def _tell(self, running: Sequence[RunningTask]) -> None:
        more = f" and {len(running) - 1} more" if len(running) > 1 else ""
        try:
            self._watch(waiting(f"Nailgun's {running[0]}{more}", self._waited_s, self._wait_s))
        except UpgradeError as error:
            raise error.amended(state=error.state or "nothing was changed") from error
