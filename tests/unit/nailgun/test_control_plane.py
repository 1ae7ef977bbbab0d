from collections.abc import Mapping
from typing import Any

import pytest

from fuel_upgrade.errors import ControlPlaneError
from fuel_upgrade.nailgun.control_plane import (
    Cluster,
    Node,
    Notification,
    ReleaseInUseError,
    Task,
)


def test_values_are_read_from_the_recorded_form() -> None:
    notification = {"id": 2, "topic": "release", "message": "m", "status": "unread", "date": ""}
    assert Notification.from_wire(notification) == Notification(2, "release", "m", "unread")
    cluster = {"id": 1, "name": "c1", "release_id": 3, "status": "new"}
    assert Cluster.from_wire(cluster) == Cluster(1, "c1", 3)
    task: dict[str, Any] = {"id": 1, "cluster": 4, "name": "deploy", "status": "running"}
    assert Task.from_wire(task) == Task(1, 4, "deploy", "running")


def test_a_node_is_read_from_the_form_of_nailgun() -> None:
    node: dict[str, Any] = {"id": 7, "name": "n", "status": "ready", "online": True, "cluster": 2}
    assert Node.from_wire({**node, "roles": [], "mac": "52:54:00:00:00:01"}) == Node(
        7, "n", "ready", 2, is_online=True
    )
    assert Node.from_wire({**node, "cluster": None, "online": False}).cluster is None


@pytest.mark.parametrize("extra", [{}, {"cluster": None}])
def test_a_task_may_have_no_cluster(extra: Mapping[str, Any]) -> None:
    assert Task.from_wire({"id": 1, "name": "dump", "status": "ready", **extra}).cluster is None


def test_a_release_in_use_has_a_remedy_of_its_own() -> None:
    error = ReleaseInUseError("DELETE", "/api/v1/releases/1/", 400, "clusters assigned")
    assert isinstance(error, ControlPlaneError)
    assert "environments" in error.remedy
