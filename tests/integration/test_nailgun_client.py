"""The client against the real embedded registry."""

import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.errors import ControlPlaneError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.nailgun.control_plane import Cluster, ControlPlane, ReleaseInUseError
from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user

PASSWORD = "correct horse battery"
SETTINGS = NailgunSettings(password=PASSWORD, timeout_s=60, retries=2)


def release_body(name: str = "Juno on Ubuntu 12.04.4", **repos: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": "2014.2-6.0",
        "operating_system": "Ubuntu",
        "state": "available",
        "orchestrator_data": {
            "repo_metadata": repos or {"2014.2-6.0": "http://{MASTER_IP}:8080/ubuntu precise main"},
            "puppet_manifests_source": "rsync://{MASTER_IP}:/puppet/{OPENSTACK_VERSION}/manifests/",
            "puppet_modules_source": "rsync://{MASTER_IP}:/puppet/{OPENSTACK_VERSION}/modules/",
        },
    }


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(f"sqlite:///{tmp_path}/registry.sqlite")
    ensure_user(made, "admin", PASSWORD)
    yield made
    made.close()


@pytest.fixture
def server(store: Store) -> Iterator[RegistryServer]:
    app = create_app(store, master_ip="10.20.0.2", fuel_version=lambda: "5.1.1")
    with RegistryServer(app, "127.0.0.1", 0) as made:
        yield made


@pytest.fixture
def client(server: RegistryServer) -> Iterator[NailgunClient]:
    with NailgunClient(replace(SETTINGS, url=server.url)) as made:
        yield made


def test_a_release_goes_in_and_out(client: ControlPlane) -> None:
    made = client.create_release(release_body())
    assert made.state == "available"
    assert made.orchestrator is not None
    assert made.orchestrator.repos[0].url == "http://10.20.0.2:8080/ubuntu"
    assert client.releases() == (made,)
    assert client.release(made.id) == made
    assert client.delete_release(made.id)
    assert not client.delete_release(made.id)
    assert client.releases() == ()


def test_the_order_of_repos_is_kept(client: ControlPlane) -> None:
    repos = {"7.0": "http://z/ p main", "6.0": "http://a/ p main"}
    made = client.create_release(release_body(**repos))
    orchestrator = client.release(made.id).orchestrator
    assert orchestrator is not None
    assert [repo.name for repo in orchestrator.repos] == ["7.0", "6.0"]


def test_a_body_brings_back_all_that_nailgun_shows(client: ControlPlane) -> None:
    networks = {"nova_network": {"networks": [{"name": "public"}]}, "neutron": {}}
    roles = {"roles": ["controller"], "roles_metadata": {"controller": {"name": "c"}}}
    made = client.create_release({**release_body(), "networks_metadata": networks, **roles})
    body = client.release_body(made.id)
    assert body["networks_metadata"] == networks
    assert body["roles_metadata"] == roles["roles_metadata"]
    client.delete_release(made.id)
    again = client.create_release(body)
    assert replace(again, id=made.id) == made
    assert client.release_body(again.id) == body


def test_an_update_changes_the_repos_and_nothing_else(client: ControlPlane) -> None:
    repos = {"7.0": "http://z/ p main", "6.0": "http://a/ p main", "mirror": "http://m/ p main"}
    made = client.create_release(release_body(**repos))
    assert made.orchestrator is not None
    before = client.release_body(made.id)
    squashed = replace(made.orchestrator, repos=made.orchestrator.repos[:1])
    changed = client.set_repos(made.id, squashed)
    assert changed.orchestrator == squashed
    assert [repo.name for repo in changed.others] == ["mirror"]
    kept = {"7.0": "http://z/ p main", "mirror": "http://m/ p main"}
    data = {**before["orchestrator_data"], "repo_metadata": kept}
    assert client.release_body(made.id) == {**before, "orchestrator_data": data}
    with pytest.raises(ControlPlaneError) as caught:
        client.set_repos(made.id + 1, squashed)
    assert caught.value.status == 404


def test_a_release_that_is_there_is_a_conflict(client: ControlPlane) -> None:
    client.create_release(release_body())
    with pytest.raises(ControlPlaneError, match="already exists") as caught:
        client.create_release(release_body())
    error = caught.value
    assert (error.method, error.path, error.status) == ("POST", "/api/v1/releases/", 409)


def test_a_release_that_is_not_there_is_404(client: ControlPlane) -> None:
    with pytest.raises(ControlPlaneError, match="Release not found") as caught:
        client.release(7)
    assert caught.value.status == 404


def test_a_release_in_use_is_an_error_of_its_own(client: ControlPlane, store: Store) -> None:
    made = client.create_release(release_body())
    store.add_cluster("c1", made.id, fuel_version="5.1.1")
    assert client.clusters() == (Cluster(1, "c1", made.id),)
    with pytest.raises(ReleaseInUseError):
        client.delete_release(made.id)


def test_notifications_go_in_and_out(client: ControlPlane) -> None:
    made = client.notify("New release available: A (1)")
    assert [(n.id, n.topic, n.status) for n in client.notifications()] == [
        (made, "release", "unread")
    ]
    assert client.delete_notification(made)
    assert not client.delete_notification(made)
    with pytest.raises(ControlPlaneError, match="topic"):
        client.notify("x", topic="nope")


def test_a_notification_is_marked_as_read(client: NailgunClient) -> None:
    made = client.notify("New release available: A (1)")
    assert client.mark_read(made).status == "read"
    assert client.notification(made) == client.mark_read(made)
    with pytest.raises(ControlPlaneError) as caught:
        client.notification(made + 1)
    assert caught.value.status == 404


def test_environments_go_in_and_out(client: NailgunClient) -> None:
    release = client.create_release(release_body())
    made = client.create_cluster("c1", release.id)
    assert client.clusters() == (made,) == (Cluster(made.id, "c1", release.id),)
    assert client.delete_cluster(made.id)
    assert not client.delete_cluster(made.id)
    assert client.clusters() == ()


def test_a_nailgun_without_nodes_has_none(client: NailgunClient) -> None:
    assert client.nodes() == ()


def test_only_running_tasks_are_returned(client: NailgunClient, store: Store) -> None:
    store.add_task("dump", "ready")
    running = store.add_task("deploy", "running")
    assert [(task.id, task.cluster, task.name) for task in client.running_tasks()] == [
        (running.id, None, "deploy")
    ]
    assert [task.name for task in client.tasks()] == ["dump", "deploy"]


def test_keystone_may_be_elsewhere(server: RegistryServer) -> None:
    for keystone_url in (server.url, f"{server.url}/v2.0/"):
        settings = replace(SETTINGS, url=server.url + "/", keystone_url=keystone_url)
        with NailgunClient(settings) as client:
            assert client.version() == "5.1.1"


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error)


def test_a_wrong_password_is_named_but_not_shown(
    server: RegistryServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = replace(SETTINGS, url=server.url, password="wrong horse")
    with NailgunClient(settings) as client, pytest.raises(ControlPlaneError) as caught:
        client.releases()
    assert caught.value.status == 401
    assert "'admin'" in caught.value.what
    assert "wrong horse" not in shown(caught.value) + caplog.text


def test_a_server_that_is_not_there_is_no_answer() -> None:
    with (
        NailgunClient(replace(SETTINGS, url="http://127.0.0.1:9", retries=1)) as client,
        pytest.raises(ControlPlaneError, match=r"no connection.*127\.0\.0\.1:9") as caught,
    ):
        client.releases()
    assert caught.value.status is None
    assert caught.value.__cause__ is not None
    assert PASSWORD not in shown(caught.value)
