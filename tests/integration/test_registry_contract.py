"""The embedded registry against exchanges with a real Nailgun 6.0, over real HTTP."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from fuel_upgrade.system.http_limits import BODY_MAX_BYTES
from tests.postgres import KINDS, url_maker

SHARED = Path(__file__).parents[3] / "shared"
RECORDING = SHARED / "contract" / "nailgun-6.0.json"
FIXTURE = SHARED / "data" / "openstack.yaml" / "6.0.yaml"
MASTER_IP = "10.20.0.2"
TIMEOUT_S = 120

#: Where the registry differs on purpose: note -> (status, main content type, text in the body).
#: The real service crashed on two with a traceback page; the third is a path that is not here.
DEVIATIONS = {
    "capacity": (404, "text/html", "not found"),
    "unknown macro": (400, "text/html", "Unknown macro {NOPE}"),
    "update state": (400, "text/html", "Unknown state 'unavailable'"),
}
#: Whatever differs from one service and one moment to the next: ids, times, tokens, builds.
VARYING = {"id", "date", "time", "expires", "issued_at"} | {
    f"{part}_sha" for part in ("nailgun", "astute", "fuellib", "ostf")
}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content_type: str | None
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text) if self.content_type == "application/json" else self.text


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def release_bodies() -> list[dict[str, Any]]:
    entries = yaml.safe_load(FIXTURE.read_text(encoding="utf-8"))
    return [
        merge(entry.get("extend", {}).get("fields", {}), entry["fields"])
        for entry in sorted((e for e in entries if e.get("pk")), key=lambda e: int(e["pk"]))
    ]


@cache
def exchanges() -> tuple[dict[str, Any], ...]:
    if not RECORDING.exists():
        return ()
    return tuple(json.loads(RECORDING.read_text(encoding="utf-8")))


class Session:
    """Requests to one registry, with and without a token."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = ""

    def send(self, method: str, path: str, body: Any = None, *, auth: bool = True) -> Answer:
        data = body if isinstance(body, str | bytes | None) else json.dumps(body)
        headers = {"X-Auth-Token": self.token} if auth else {}
        response = requests.request(
            method, self.url + path, data=data, headers=headers, timeout=TIMEOUT_S
        )
        kind = response.headers.get("Content-Type")
        return Answer(response.status_code, main_type(kind), response.text)

    def log_in(self) -> None:
        credentials = {"username": "admin", "password": "admin"}
        auth = {"tenantName": "admin", "passwordCredentials": credentials}
        answer = self.send("POST", "/v2.0/tokens", {"auth": auth}, auth=False)
        self.token = answer.body["access"]["token"]["id"]


def main_type(content_type: str | None) -> str | None:
    return content_type.split(",")[0].split(";")[0].strip() if content_type else None


class Fuel:
    """The version that the master runs; an upgrade changes it."""

    version = "5.1.1"

    def __call__(self) -> str:
        return self.version


@pytest.fixture(scope="module")
def fuel() -> Fuel:
    return Fuel()


@pytest.fixture(scope="module", params=KINDS)
def new_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], str]:
    """A function for the URL of a new database: everything here runs on each kind."""
    return partial(url_maker(request, tmp_path_factory.mktemp("databases")), request.param)


def open_store(url: str) -> Store:
    made = Store.open(url)
    ensure_user(made, "admin", "admin")
    return made


@contextmanager
def serving(store: Store, fuel: Fuel) -> Iterator[Session]:
    app = create_app(store, master_ip=MASTER_IP, fuel_version=fuel)
    with RegistryServer(app, "127.0.0.1", 0) as server:
        session = Session(server.url)
        session.log_in()
        yield session
    store.close()


@pytest.fixture(scope="module")
def answers(new_url: Callable[[], str]) -> list[Answer]:
    """Set up the preconditions of the recording, then replay it whole, in its order."""
    if not exchanges():
        reason = f"the recorded contract is not there: {RECORDING}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with serving(open_store(new_url()), Fuel()) as session:
        for body in release_bodies():
            assert session.send("POST", "/api/v1/releases/", body).status == 201
        listed = next(e for e in exchanges() if e["note"] == "list notifications")
        first = {key: listed["response"]["body"][0][key] for key in ("topic", "message")}
        assert session.send("POST", "/api/v1/notifications/", first).status == 201
        requests_sent = (exchange["request"] for exchange in exchanges())
        return [
            session.send(sent["method"], sent["path"], sent["body"], auth=sent["auth"])
            for sent in requests_sent
        ]


def comparable(recorded: Any, ours: Any) -> tuple[Any, Any]:
    """Return both without variable fields and without objects missing from the recording."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        if "<omitted>" in recorded:
            return "an object that is not empty", "an object that is not empty" if ours else ours
        pairs = {
            key: comparable(recorded[key], ours[key]) if key in recorded and key in ours else None
            for key in recorded.keys() | ours.keys()
        }
        known = {key: pair for key, pair in pairs.items() if pair and key not in VARYING}
        missing = {key for key, pair in pairs.items() if not pair}
        left = {key: pair[0] for key, pair in known.items()}
        right = {key: pair[1] for key, pair in known.items()}
        left |= {key: recorded[key] for key in missing & recorded.keys()}
        right |= {key: ours[key] for key in missing & ours.keys()}
        return left, right
    if isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        both = [comparable(a, b) for a, b in zip(recorded, ours, strict=True)]
        return [pair[0] for pair in both], [pair[1] for pair in both]
    if isinstance(recorded, str) and isinstance(ours, str) and recorded.isdigit():
        return "an id", "an id" if ours.isdigit() else ours  # Keystone's ids of roles
    return recorded, ours


NUMBERS = range(len(exchanges()) or 1)


@pytest.mark.parametrize("number", NUMBERS)
def test_answers_as_nailgun_did(answers: list[Answer], number: int) -> None:
    recorded, answer = exchanges()[number], answers[number]
    expected, note = recorded["response"], recorded["note"]
    if note in DEVIATIONS:
        status, kind, part = DEVIATIONS[note]
        assert expected["status"] in (500, status)
        assert (answer.status, answer.content_type) == (status, kind)
        assert part in answer.body
        return
    assert answer.status == expected["status"], f"{note}: {answer.text}"
    assert answer.content_type == main_type(expected["content_type"]), note
    theirs, ours = comparable(expected["body"], answer.body)
    assert ours == theirs, note


def test_every_deviation_is_in_the_recording(answers: list[Answer]) -> None:
    assert answers
    assert DEVIATIONS.keys() <= {exchange["note"] for exchange in exchanges()}


def test_omitted_objects_come_back_whole(answers: list[Answer]) -> None:
    """Within 1 %: the real service formatted its JSON in its own way."""
    number = next(i for i, e in enumerate(exchanges()) if e["note"] == "list")
    listed = exchanges()[number]["response"]["body"]
    sizes = [
        (len(json.dumps(ours[key])), int(value["<omitted>"].split()[0]))
        for recorded, ours in zip(listed, answers[number].body, strict=True)
        for key, value in recorded.items()
        if isinstance(value, dict) and "<omitted>" in value
    ]
    assert len(sizes) == 8
    assert all(ours == pytest.approx(theirs, rel=0.01) for ours, theirs in sizes)


# Beyond the recording, on a registry of its own


@pytest.fixture(scope="module")
def store(new_url: Callable[[], str]) -> Store:
    made = open_store(new_url())
    made.add_notification("done", "installed")
    return made


@pytest.fixture(scope="module")
def session(store: Store, fuel: Fuel) -> Iterator[Session]:
    with serving(store, fuel) as made:
        yield made


def release_body(name: str, **repos: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": "2014.2-6.0",
        "operating_system": "Ubuntu",
        "orchestrator_data": {
            "repo_metadata": repos,
            "puppet_manifests_source": "rsync://{MASTER_IP}:/puppet/manifests/",
            "puppet_modules_source": "rsync://{MASTER_IP}:/puppet/modules/",
        },
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/releases"),
        ("GET", "/api/v1/nothing"),
        ("PATCH", "/api/v1/releases/1/"),
        ("POST", "/api/v1/releases/"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/v3/projects"),
    ],
)
def test_a_stranger_learns_nothing(session: Session, method: str, path: str) -> None:
    assert session.send(method, path, auth=False) == Answer(401, None, "")


def test_a_token_of_another_is_refused(session: Session) -> None:
    stranger = Session(session.url)
    stranger.token = "0" * 64
    assert stranger.send("GET", "/api/v1/releases").status == 401


def test_repos_come_back_in_the_order_of_nailguns_hash_table(session: Session) -> None:
    body = release_body("ordered", z="http://z/", a="http://a/", m="http://m/")
    made = session.send("POST", "/api/v1/releases/", body).body
    read = session.send("GET", f"/api/v1/releases/{made['id']}").body
    assert list(read["orchestrator_data"]["repo_metadata"]) == ["a", "z", "m"]


def test_the_fuel_version_is_asked_at_every_request(session: Session, fuel: Fuel) -> None:
    fuel.version = "6.0"
    try:
        assert session.send("GET", "/api/v1/version/").body["release"] == "6.0"
    finally:
        fuel.version = "5.1.1"


def test_a_body_too_large_is_refused(session: Session) -> None:
    blank = b" " * (BODY_MAX_BYTES + 1)
    assert session.send("POST", "/api/v1/releases/", blank).status == 413


@pytest.mark.parametrize("path", ["/v2.0/tokens", "/keystone/v2.0/tokens"])
@pytest.mark.parametrize("body", [[], {}, {"auth": []}, {"auth": {"passwordCredentials": {}}}])
def test_keystone_wants_credentials(session: Session, path: str, body: Any) -> None:
    assert session.send("POST", path, body, auth=False) == Answer(400, "text/html", "")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/v1/notifications/", [], 400),
        ("POST", "/api/v1/notifications/", {"topic": "release", "message": 1}, 400),
        ("PUT", "/api/v1/notifications/999/", {"status": "read"}, 404),
        ("PUT", "/api/v1/notifications/1/", {"status": "lost"}, 400),
        ("POST", "/api/v1/clusters/", {"release": 1}, 400),
        ("POST", "/api/v1/clusters/", {"name": "x", "release": True}, 400),
        ("POST", "/api/v1/clusters/", {"name": "x", "release": 999}, 400),
        ("GET", "/api/v1/clusters/999", None, 404),
        ("DELETE", "/api/v1/clusters/999", None, 404),
        ("GET", "/api/v1/tasks/999", None, 404),
        ("GET", "/api/v1/releases/999/networks", None, 404),
        ("GET", f"/api/v1/releases/{10**30}", None, 404),
        ("GET", "/api/v1/releases/x", None, 404),
        ("PUT", "/api/v1/releases/999/", {}, 404),
        ("POST", "/api/v1/releases/", None, 400),
    ],
)
def test_other_refusals(session: Session, method: str, path: str, body: Any, status: int) -> None:
    assert session.send(method, path, body).status == status


def test_one_cluster_and_one_task_can_be_read(session: Session, store: Store) -> None:
    release = session.send("POST", "/api/v1/releases/", release_body("used", a="http://a/")).body
    body = {"name": "used", "release": release["id"]}
    cluster = session.send("POST", "/api/v1/clusters", body).body
    task = store.add_task("deploy", "running", cluster_id=cluster["id"])
    assert session.send("GET", f"/api/v1/clusters/{cluster['id']}").body == cluster
    assert session.send("GET", f"/api/v1/tasks/{task.id}").body["cluster"] == cluster["id"]
    tasks = session.send("GET", f"/api/v1/tasks?cluster_id={cluster['id']}").body
    assert [entry["id"] for entry in tasks] == [task.id]


def test_of_many_at_once_one_registers(session: Session) -> None:
    body = release_body("raced", a="http://a/")

    def create(_number: int) -> int:
        return session.send("POST", "/api/v1/releases/", body).status

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(create, range(16))) == [201] + [409] * 15


def test_many_writers_all_get_through(session: Session) -> None:
    def create(number: int) -> int:
        body = release_body(f"writer {number}", a="http://a/")
        return session.send("POST", "/api/v1/releases/", body).status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(create, range(32))) == {201}


def test_only_json_is_offered(session: Session) -> None:
    headers = {"X-Auth-Token": session.token, "Accept": "text/html"}
    response = requests.get(f"{session.url}/api/v1/releases", headers=headers, timeout=TIMEOUT_S)
    assert response.status_code == 415


def test_a_port_in_use_is_an_error_with_a_remedy(session: Session, store: Store) -> None:
    port = int(session.url.rpartition(":")[2])
    app = create_app(store, master_ip=MASTER_IP, fuel_version=Fuel())
    with pytest.raises(OutsideError, match=f"127.0.0.1:{port}") as caught:
        RegistryServer(app, "127.0.0.1", port).start()
    assert "registry.port" in caught.value.remedy


def test_a_stopped_server_frees_its_port(store: Store) -> None:
    app = create_app(store, master_ip=MASTER_IP, fuel_version=Fuel())
    first = RegistryServer(app, "127.0.0.1", 0)
    first.start()
    url = first.url
    first.stop()
    first.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/api/v1/version", timeout=TIMEOUT_S)
    with RegistryServer(app, "127.0.0.1", int(url.rpartition(":")[2])) as second:
        assert second.url == url
        assert requests.get(f"{url}/api/v1/version", timeout=TIMEOUT_S).ok
