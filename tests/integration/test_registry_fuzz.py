"""The registry against thousands of requests drawn from its own description."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from tests.fuzzing import REGISTRY_CASES, TIMEOUT_S, Target
from tests.postgres import KINDS, NewUrl

RELEASE = {
    "name": "Juno on Ubuntu 12.04.4",
    "version": "2014.2-6.0",
    "operating_system": "Ubuntu",
    "state": "available",
    "description": None,
    "orchestrator_data": {
        "repo_metadata": {"2014.2-6.0": "http://{MASTER_IP}:8080/u precise main", "b": "http://b"},
        "puppet_manifests_source": "rsync://{MASTER_IP}:/puppet/{OPENSTACK_VERSION}/manifests/",
        "puppet_modules_source": "rsync://{MASTER_IP}:/puppet/{OPENSTACK_VERSION}/modules/",
    },
    "networks_metadata": {"nova_network": {"networks": [{"name": "public", "cidr": "1.2.3.0/24"}]}},
    "roles": ["controller", "compute"],
}
REPOS = [
    {"type": "deb", "name": "mos", "uri": "http://{settings.MASTER_IP}:8080/u", "suite": "mos8.0",
     "section": "main", "priority": 1050},
    {"type": "rpm", "name": "mirror", "uri": "http://mirror/", "priority": None},
]  # fmt: skip
LATER_RELEASE = {
    "name": "Liberty on Ubuntu 14.04",
    "version": "liberty-8.0",
    "operating_system": "Ubuntu",
    "state": "unavailable",
    "is_deployable": True,
    "attributes_metadata": {"editable": {"repo_setup": {"repos": {"value": REPOS}}}},
    "components_metadata": [{"name": "hypervisor:qemu"}],
}
PASSWORD_V2 = {
    "auth": {
        "tenantName": "admin",
        "passwordCredentials": {"username": "fuzz", "password": "right"},
    }
}


def password_v3(scope: Any) -> dict[str, Any]:
    user = {"name": "fuzz", "domain": {"id": "default"}, "password": "right"}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": scope}}


V3 = [
    password_v3("unscoped"),
    password_v3({"project": {"name": "admin", "domain": {"name": "Default"}}}),
    password_v3({"project": {"id": "1"}}),
]
BODIES: dict[str, list[Any]] = {
    "POST /api/v1/releases": [RELEASE, {**RELEASE, "name": "another"}],
    "PUT /api/v1/releases/{release_id}": [RELEASE, {"state": "error"}, {"name": "changed"}],
    "POST /api/v1/notifications": [{"topic": "release", "message": "<b>done</b>"}],
    "PUT /api/v1/notifications/{notification_id}": [{"status": "read"}],
    "POST /api/v1/clusters": [{"name": "one", "release": 1}, {"name": "two", "release": 2}],
    "POST /v2.0/tokens": [PASSWORD_V2],
    "POST /keystone/v2.0/tokens": [PASSWORD_V2],
    "POST /v3/auth/tokens": V3,
    "POST /keystone/v3/auth/tokens": V3,
}


LATER_BODIES = {
    **BODIES,
    "POST /api/v1/releases": [LATER_RELEASE, {**LATER_RELEASE, "name": "another"}],
    "PUT /api/v1/releases/{release_id}": [LATER_RELEASE, {"state": "manageonly"}],
}
#: Each line of versions, and with it each kind of database.
LINES = {"sqlite": ("6.0", BODIES), "postgresql": ("6.1", LATER_BODIES)}
CASES = -(-REGISTRY_CASES // len(LINES))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    actual: str = request.param
    return actual


@pytest.fixture
def store(kind: str, new_url: NewUrl) -> Iterator[Store]:
    made = Store.open(new_url(kind))
    ensure_user(made, "admin", "admin")
    ensure_user(made, "fuzz", "right")
    made.add_node("node-1", "ready")
    made.add_task("deploy", "running")
    yield made
    made.close()


def log_in(url: str, name: str, password: str) -> str:
    auth = {"passwordCredentials": {"username": name, "password": password}}
    answer = requests.post(f"{url}/v2.0/tokens", json={"auth": auth}, timeout=TIMEOUT_S)
    token: str = answer.json()["access"]["token"]["id"]
    return token


def test_the_registry_answers_every_request_as_described(store: Store, kind: str) -> None:
    dialect, bodies = LINES[kind]
    known = ["1", "2"]

    def learn(response: requests.Response) -> None:
        if response.status_code == 201 and "id" in response.json():
            known.append(str(response.json()["id"]))

    app = create_app(
        store,
        master_ip="10.20.0.2",
        fuel_version=lambda: dialect,
        dialect=dialect,
        node_sources=lambda release: {"etc/one": release.name},
    )
    with RegistryServer(app, "127.0.0.1", 0) as server:
        headers = {"X-Auth-Token": log_in(server.url, "admin", "admin")}
        document = requests.get(
            f"{server.url}/openapi.json", headers=headers, timeout=TIMEOUT_S
        ).json()
        # an own token, for the one that is given back must not be the one that asks
        subject = {"X-Subject-Token": log_in(server.url, "fuzz", "right")}
        target = Target(
            server.url,
            document,
            headers={**headers, **subject},
            bodies=bodies,
            known=dict.fromkeys(ID_NAMES, known),
            learn=learn,
        )
        target.fuzz(CASES)
    print(f"\nregistry {dialect} on {kind}: {target}")  # noqa: T201 - counts for people
    assert target.cases >= CASES
    got = {status for _, status in target.statuses}
    assert got >= {200, 201, 300, 400, 401, 404}
    assert not [status for status in got if status >= 500]


ID_NAMES = ("release_id", "notification_id", "cluster_id", "task_id")
