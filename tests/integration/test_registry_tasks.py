"""The deployment tasks of the registry against those of a real Nailgun 6.1 and 7.0."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from tests.integration.test_registry_contract import Session, release_body
from tests.tools import shared_dir

#: These need a check of the graph, which a registry that deploys nothing does not have.
OF_THE_GRAPH = ("cycle", "requires a missing one", "unknown type", "real tasks", "with end")
TASK = {"id": "deploy_start", "type": "stage"}


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Session]]:
    """A session with a registry of each line, which has the releases 1 to 5."""
    folder = tmp_path_factory.mktemp("registry")
    with closing(Store.open(f"sqlite:///{folder}/registry.sqlite", hash_blocks=2)) as store:
        ensure_user(store, "admin", "admin")
        apps = [
            create_app(store, master_ip="10.20.0.2", fuel_version=lambda: "6.1", dialect=dialect)
            for dialect in ("6.0", "6.1")
        ]
        with (
            RegistryServer(apps[0], "127.0.0.1", 0) as old,
            RegistryServer(apps[1], "127.0.0.1", 0) as later,
        ):
            made = {"6.0": Session(old.url), "6.1": Session(later.url)}
            for session in made.values():
                session.log_in()
            for number in range(5):
                body = release_body(f"R{number}", a="http://a/")
                made["6.0"].send("POST", "/api/v1/releases", body)
            yield made


def recorded(fuel: str) -> list[dict[str, Any]]:
    """Return the exchanges about the tasks of release 5, without those that check a graph."""
    path = shared_dir() / f"contract/nailgun-{fuel}.json"
    return [
        entry
        for entry in json.loads(path.read_text(encoding="utf-8"))
        if "releases/5/deployment_tasks" in entry["request"]["path"]
        and entry["request"]["method"] in ("GET", "PUT")
        and not any(words in entry["note"] for words in OF_THE_GRAPH)
        and "<omitted>" not in str(entry["request"]["body"])
    ]


@pytest.mark.parametrize("fuel", ["6.1", "7.0"])
def test_tasks_are_put_and_shown_as_by_a_real_nailgun(
    sessions: dict[str, Session], fuel: str
) -> None:
    entries = [entry for entry in recorded(fuel) if entry["request"]["method"] == "PUT"]
    assert len(entries) >= 6
    for entry in entries:
        request, response = entry["request"], entry["response"]
        answer = sessions["6.1"].send("PUT", request["path"], request["body"])
        assert answer.status == response["status"], entry["note"]
        if answer.status == 200:
            assert answer.body == request["body"] == response["body"] or answer.body == []
            assert sessions["6.1"].send("GET", f"{request['path']}/").body == answer.body


def test_tasks_that_come_with_a_release_are_shown_at_their_own_path_alone(
    sessions: dict[str, Session],
) -> None:
    body = {**release_body("with tasks", a="http://a/"), "deployment_tasks": [TASK]}
    made = sessions["6.1"].send("POST", "/api/v1/releases", body)
    assert made.status == 201
    assert "deployment_tasks" not in made.body
    path = f"/api/v1/releases/{made.body['id']}/deployment_tasks"
    assert sessions["6.1"].send("GET", path).body == [TASK]


def test_the_line_of_6_0_has_no_such_path(sessions: dict[str, Session]) -> None:
    path = "/api/v1/releases/5/deployment_tasks"
    for method, body in (("GET", None), ("PUT", [TASK])):
        assert sessions["6.0"].send(method, path, body).status == 404
    assert sessions["6.1"].send("GET", "/api/v1/releases/999/deployment_tasks").status == 404
