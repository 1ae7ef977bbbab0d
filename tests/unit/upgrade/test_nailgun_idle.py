"""Running tasks of Nailgun are named, waited for as long as allowed, and then a refusal."""

from dataclasses import dataclass, field

import pytest

from fuel_upgrade.errors import OutsideError, PreflightError, from_json
from fuel_upgrade.nailgun.control_plane import Cluster, Task
from fuel_upgrade.upgrade.events import Event, Waiting
from fuel_upgrade.upgrade.nailgun_idle import BusyError, Patience, read_running, refuse_while_busy

DEPLOY = Task(7, 3, "deploy", "running", 40)
DUMP = Task(8, None, "dump", "pending")


@dataclass
class FakeNailgun:
    """Has ``tasks`` until the clock says ``idle_at_s``; its clock is moved by sleeping."""

    tasks: tuple[Task, ...] = (DEPLOY,)
    idle_at_s: float = float("inf")
    now_s: float = 1000.0
    asked: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def running_tasks(self) -> tuple[Task, ...]:
        self.asked.append("tasks")
        return self.tasks if self.now_s < self.idle_at_s else ()

    def clusters(self) -> tuple[Cluster, ...]:
        self.asked.append("clusters")
        return (Cluster(3, "production", 1), Cluster(4, "other", 1))

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now_s += seconds

    def patience(self, wait_s: float, events: list[Event]) -> Patience:
        return Patience(self, events.append, wait_s=wait_s, clock=self.clock, sleep=self.sleep)


def test_a_task_is_named_with_its_progress_and_the_name_of_its_cluster() -> None:
    assert [str(one) for one in read_running(FakeNailgun((DEPLOY, DUMP)))] == [
        "task 7 (deploy, running, 40 %) on cluster 3 (production)",
        "task 8 (dump, pending)",
    ]
    (gone,) = read_running(FakeNailgun((Task(7, 9, "deploy", "running"),)))
    assert str(gone) == "task 7 (deploy, running) on cluster 9"


@pytest.mark.parametrize("tasks", [(), (DUMP,)])
def test_clusters_are_read_only_where_one_is_concerned(tasks: tuple[Task, ...]) -> None:
    nailgun = FakeNailgun(tasks)
    read_running(nailgun)
    assert nailgun.asked == ["tasks"]


def test_an_ended_task_is_not_running() -> None:
    states = ("running", "pending", "ready", "error")
    assert [Task(1, None, "deploy", s).is_under_way for s in states] == [True, True, False, False]


def test_without_a_wait_the_change_is_refused_with_all_running_tasks() -> None:
    with pytest.raises(BusyError) as caught:
        refuse_while_busy(FakeNailgun((DEPLOY, DUMP)))
    error = caught.value
    assert error.failures == (
        "Nailgun runs task 7 (deploy, running, 40 %) on cluster 3 (production)",
        "Nailgun runs task 8 (dump, pending)",
    )
    assert error.state == "nothing was changed"
    crossed = from_json(error.to_json())
    assert (type(crossed), crossed.exit_code) == (PreflightError, 4)
    assert "--wait-for-tasks" in crossed.remedy


def test_an_idle_nailgun_is_not_waited_for() -> None:
    nailgun, events = FakeNailgun(()), list[Event]()
    nailgun.patience(60, events).refuse_while_busy()
    assert (nailgun.slept, events) == ([], [])


def test_waiting_ends_with_the_tasks_and_reports_each_poll() -> None:
    nailgun, events = FakeNailgun(idle_at_s=1002.5), list[Event]()
    nailgun.patience(60, events).refuse_while_busy()
    assert nailgun.slept == [1.0, 1.0, 1.0]
    task = "Nailgun's task 7 (deploy, running, 40 %) on cluster 3 (production)"
    assert events == [Waiting(task, waited_s, 60) for waited_s in (0, 1, 2)]


def test_the_refusal_after_the_time_names_the_running_tasks() -> None:
    nailgun = FakeNailgun((DEPLOY, DUMP))
    with pytest.raises(BusyError, match=r"task 7 .*; .*task 8 .*, after 2.5 s of waiting$"):
        nailgun.patience(2.5, []).refuse_while_busy()
    assert nailgun.slept == [1.0, 1.0, 0.5]


def test_the_time_is_one_for_all_waits() -> None:
    nailgun = FakeNailgun(idle_at_s=1002)
    patience = nailgun.patience(3, [])
    patience.refuse_while_busy()
    nailgun.now_s, nailgun.idle_at_s = 5000.0, float("inf")
    with pytest.raises(BusyError):
        patience.refuse_while_busy()
    assert sum(nailgun.slept) == 3


def test_a_watcher_can_stop_the_wait_and_nothing_is_changed() -> None:
    def cancelled(_event: Event) -> None:
        raise OutsideError("it was cancelled", remedy="install again")

    nailgun = FakeNailgun()
    patience = Patience(nailgun, cancelled, wait_s=60, clock=nailgun.clock, sleep=nailgun.sleep)
    with pytest.raises(OutsideError, match="cancelled") as caught:
        patience.refuse_while_busy()
    assert caught.value.state == "nothing was changed"
    assert nailgun.slept == []
