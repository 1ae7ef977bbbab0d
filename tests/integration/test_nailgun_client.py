"""The client against the real embedded registry, and against servers that misbehave."""

import json
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.errors import ControlPlaneError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.nailgun.control_plane import Cluster, ControlPlane, ReleaseInUseError
from fuel_upgrade.registry.app import create_app
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from fuel_upgrade.registry.store import Store

PASSWORD = "correct horse battery"
SETTINGS = NailgunSettings(password=PASSWORD, timeout_s=5, retries=2)


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
def client(server: RegistryServer) -> Iterator[ControlPlane]:
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


def test_only_running_tasks_are_returned(client: ControlPlane, store: Store) -> None:
    store.add_task("dump", "ready")
    running = store.add_task("deploy", "running")
    assert [(task.id, task.cluster, task.name) for task in client.running_tasks()] == [
        (running.id, None, "deploy")
    ]


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


# Servers that misbehave

Script = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Plays one scripted answer after the other; gives tokens t1, t2, ... beside."""

    protocol_version = "HTTP/1.1"
    server: "Misbehaving"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("/tokens"):
            self.server.logins += 1
            self.reply(200, {"access": {"token": {"id": f"t{self.server.logins}"}}})
            return
        self.server.seen.append((self.command, self.headers.get("X-Auth-Token", ""), body))
        self.server.script.pop(0)(self)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815  # http.server's names

    def reply(self, status: int, body: object, kind: str = "application/json") -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        """Keep quiet."""


class Misbehaving(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Script] = []
        self.seen: list[tuple[str, str, bytes]] = []
        self.logins = 0


@pytest.fixture
def bad() -> Iterator[Misbehaving]:
    with Misbehaving() as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def meets(bad: Misbehaving) -> Iterator[NailgunClient]:
    url = f"http://127.0.0.1:{bad.server_port}"
    settings = replace(SETTINGS, url=url, timeout_s=0.3)
    with NailgunClient(settings, answer_max_bytes=10_000) as made:
        yield made


def says(status: int, body: object, kind: str = "application/json") -> Script:
    return lambda handler: handler.reply(status, body, kind)


def begins(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"[")
    handler.close_connection = True


def hangs_up(handler: Handler) -> None:
    handler.close_connection = True


def is_slow(handler: Handler) -> None:
    time.sleep(0.6)
    handler.close_connection = True  # the client is gone by now


def is_slow_halfway(handler: Handler) -> None:
    begins(handler)
    handler.wfile.flush()
    time.sleep(0.6)


def floods(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    with suppress(OSError):  # the client had enough
        for _ in range(1000):
            handler.wfile.write(b"[" * 100_000)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_read_is_tried_again(bad: Misbehaving, meets: NailgunClient, status: int) -> None:
    bad.script = [says(status, b"restarting", "text/html"), says(200, [])]
    assert meets.releases() == ()
    assert len(bad.seen) == 2


def test_a_delete_is_tried_again(bad: Misbehaving, meets: NailgunClient) -> None:
    bad.script = [says(502, b""), says(404, b"Release not found", "text/html")]
    assert not meets.delete_release(1)


def test_a_read_survives_one_lost_connection(bad: Misbehaving, meets: NailgunClient) -> None:
    bad.script = [hangs_up, says(200, [])]
    assert meets.releases() == ()


def test_tries_come_to_an_end(bad: Misbehaving, meets: NailgunClient) -> None:
    bad.script = [says(500, b"traceback")] * 3
    with pytest.raises(ControlPlaneError, match="GET /api/v1/releases/ answered 500: traceback"):
        meets.releases()
    assert bad.script == []


@pytest.mark.parametrize("script", [says(500, b""), says(503, b""), hangs_up, is_slow])
def test_a_create_is_sent_once(bad: Misbehaving, meets: NailgunClient, script: Script) -> None:
    bad.script = [script]
    with pytest.raises(ControlPlaneError):
        meets.create_release(release_body())
    assert [method for method, _, _ in bad.seen] == ["POST"]


def test_a_token_is_renewed_once_and_the_request_sent_again(
    bad: Misbehaving, meets: NailgunClient
) -> None:
    bad.script = [says(200, []), says(401, b""), says(201, {"id": 5, "topic": "release"})]
    assert meets.releases() == ()
    with pytest.raises(ControlPlaneError, match="unexpected JSON"):
        meets.notify("m")
    assert [token for _, token, _ in bad.seen] == ["t1", "t1", "t2"]
    assert bad.seen[1][2] == bad.seen[2][2] != b""


def test_a_second_401_is_final(bad: Misbehaving, meets: NailgunClient) -> None:
    bad.script = [says(401, b""), says(401, b"")]
    with pytest.raises(ControlPlaneError) as caught:
        meets.releases()
    assert (caught.value.status, bad.logins) == (401, 2)


@pytest.mark.parametrize("ask", [NailgunClient.releases, NailgunClient.notify])
def test_a_redirect_is_not_followed(
    bad: Misbehaving, meets: NailgunClient, ask: Callable[..., object]
) -> None:
    def redirects(handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    bad.script = [redirects]
    arguments = ["m"] if ask is NailgunClient.notify else []
    with pytest.raises(ControlPlaneError) as caught:
        ask(meets, *arguments)
    assert (caught.value.status, len(bad.seen)) == (302, 1)


@pytest.mark.parametrize(
    "script",
    [
        says(200, b"<html><body>It works!</body></html>", "text/html"),
        says(200, b""),
        says(200, {"releases": []}),
        says(200, "releases"),
        says(200, [1]),
        says(200, [{}]),
        says(200, [{"id": "x", "name": "n", "version": "v", "operating_system": "o"}]),
        says(200, [{"id": 1, "name": "n", "version": "v", "operating_system": "o",
                    "orchestrator_data": {"repo_metadata": []}}]),
        says(204, b""),
        floods,
    ],
)  # fmt: skip
def test_an_answer_outside_the_contract_names_the_exchange(
    bad: Misbehaving, meets: NailgunClient, script: Script
) -> None:
    bad.script = [script]
    with pytest.raises(ControlPlaneError) as caught:
        meets.releases()
    error = caught.value
    assert (error.method, error.path) == ("GET", "/api/v1/releases/")
    assert error.status in (200, 204)
    assert len(error.what) < 400


@pytest.mark.parametrize(
    ("scripts", "reason"),
    [
        ([begins], "before the answer was complete"),
        ([is_slow_halfway], "in time"),
        ([is_slow, is_slow], "in time"),
        ([hangs_up, hangs_up], "without an answer"),
    ],
)
def test_no_whole_answer_has_no_status(
    bad: Misbehaving, meets: NailgunClient, scripts: list[Script], reason: str
) -> None:
    bad.script = list(scripts)
    with pytest.raises(ControlPlaneError, match=reason) as caught:
        meets.releases()
    assert caught.value.status is None
    assert caught.value.__cause__ is not None


def test_an_error_page_does_not_show_the_token(bad: Misbehaving, meets: NailgunClient) -> None:
    def tells(handler: Handler) -> None:
        handler.reply(400, f"you sent {handler.headers['X-Auth-Token']}".encode())

    bad.script = [tells]
    with pytest.raises(ControlPlaneError, match=r"you sent \*+") as caught:
        meets.releases()
    assert "t1" not in shown(caught.value)


@pytest.mark.parametrize(
    "token", [None, {"access": {}}, [], {"access": {"token": {"id": 5}}},
              {"access": {"token": {"id": "a\nb"}}}]
)  # fmt: skip
def test_keystone_must_give_a_token(
    bad: Misbehaving, meets: NailgunClient, monkeypatch: pytest.MonkeyPatch, token: object
) -> None:
    monkeypatch.setattr(Handler, "do_POST", lambda handler: handler.reply(200, token))
    with pytest.raises(ControlPlaneError, match="token in it"):
        meets.releases()
    assert bad.seen == []


def test_keystone_that_echoes_the_password_is_not_quoted(
    meets: NailgunClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def echoes(handler: Handler) -> None:
        handler.reply(400, handler.rfile.read(int(handler.headers["Content-Length"])))

    monkeypatch.setattr(Handler, "do_POST", echoes)
    with pytest.raises(ControlPlaneError) as caught:
        meets.releases()
    assert PASSWORD not in shown(caught.value)
