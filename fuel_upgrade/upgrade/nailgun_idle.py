"""The tasks that Nailgun runs: a change of the master waits for their end, or is refused."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fuel_upgrade.errors import PreflightError, UpgradeError
from fuel_upgrade.nailgun.control_plane import Cluster, Task
from fuel_upgrade.upgrade.events import Waiting, Watch, ignore

_POLL_EVERY_S = 1.0
_REMEDY = "wait until these tasks end; an install waits with --wait-for-tasks SECONDS"


class TaskSource(Protocol):
    """The part of a control plane that lists running tasks."""

    def running_tasks(self) -> tuple[Task, ...]:
        """Return the running tasks."""

    def clusters(self) -> tuple[Cluster, ...]:
        """Return every environment."""


class BusyError(PreflightError):
    """Only running tasks of Nailgun prevent the change: waiting may help."""

    default_code = "nailgun-busy"


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A task that Nailgun runs; ``cluster_name`` is None if unknown."""

    task: Task
    cluster_name: str | None

    def __str__(self) -> str:
        """Return the task with its progress and its cluster."""
        task = self.task
        progress = f", {task.progress} %" if task.progress is not None else ""
        where = "" if task.cluster is None else f" on cluster {task.cluster}"
        name = f" ({self.cluster_name})" if self.cluster_name else ""
        return f"task {task.id} ({task.name}, {task.status}{progress}){where}{name}"

    @property
    def what(self) -> str:
        """The task in words."""
        return str(self)


def read_running(control: TaskSource) -> tuple[RunningTask, ...]:
    """Read the running tasks; read the clusters only if a task belongs to one."""
    tasks = control.running_tasks()
    concerned = any(task.cluster is not None for task in tasks)
    names = {c.id: c.name for c in control.clusters()} if concerned else {}
    return tuple(
        RunningTask(task, None if task.cluster is None else names.get(task.cluster))
        for task in tasks
    )


def refuse_while_busy(control: TaskSource) -> None:
    """Refuse a change while Nailgun runs tasks.

    Raises:
        BusyError: Nailgun runs tasks; the failures name them.
    """
    Patience(control).refuse_while_busy()


def busy_failures(running: Sequence[RunningTask], *, waited_s: float = 0) -> tuple[str, ...]:
    """Return a failed check for each task."""
    still = f", after {waited_s:g} s of waiting" if waited_s else ""
    return tuple(f"Nailgun runs {task}{still}" for task in running)


class Patience:
    """Waits for Nailgun to become idle: ``wait_s`` seconds in total over all calls."""

    def __init__(
        self,
        control: TaskSource,
        watch: Watch = ignore,
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
        """Wait; return the tasks that still run when the time is over, none if Nailgun is idle.

        ``watch`` gets an event at each poll; it may raise to end the wait.
        """
        begun = self._clock() - self._waited_s
        while (running := read_running(self._control)) and self._waited_s < self._wait_s:
            self._report(running)
            self._sleep(min(_POLL_EVERY_S, self._wait_s - self._waited_s))
            self._waited_s = self._clock() - begun
        return running

    def refuse_while_busy(self) -> None:
        """Wait, and refuse the change if Nailgun still runs tasks.

        Raises:
            BusyError: the failures name the tasks.
        """
        if running := self.until_idle():
            failures = busy_failures(running, waited_s=self._wait_s)
            raise BusyError("; ".join(failures), remedy=_REMEDY, failures=failures)

    def _report(self, running: Sequence[RunningTask]) -> None:
        more = f" and {len(running) - 1} more" if len(running) > 1 else ""
        try:
            self._watch(Waiting(f"Nailgun's {running[0]}{more}", int(self._waited_s), self._wait_s))
        except UpgradeError as error:
            raise error.amended(state=error.state or "nothing was changed") from error
