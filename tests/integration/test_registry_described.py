"""The registry's description of itself, and the faults that requests by it revealed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.resources import DETAILS
from tests.integration.test_registry_contract import (
    Fuel,
    Session,
    open_store,
    release_body,
    serving,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder: Path = tmp_path_factory.mktemp("registry")
    made = open_store(f"sqlite:///{folder}/registry.sqlite")
    made.add_node("node-1", "ready")
    made.add_node("1", "ready")
    return made


@pytest.fixture(scope="module")
def session(store: Store) -> Iterator[Session]:
    with serving(store, Fuel()) as made:
        yield made


@pytest.fixture(scope="module")
def document(session: Session) -> Any:
    answer = session.send("GET", "/openapi.json")
    assert (answer.status, answer.content_type) == (200, "application/json")
    return answer.body


def test_every_field_that_the_description_requires_is_required(
    session: Session, document: Any
) -> None:
    sent = document["paths"]["/api/v1/releases"]["post"]["requestBody"]
    schema = sent["content"]["application/json"]["schema"]
    body = release_body("required", a="http://a/")
    for name in schema["required"]:
        left = {key: value for key, value in body.items() if key != name}
        assert session.send("POST", "/api/v1/releases", left).status == 400
    assert DETAILS.keys() <= schema["properties"].keys()
    assert session.send("POST", "/api/v1/releases", body).status == 201


def test_every_path_describes_401_and_415(document: Any) -> None:
    operations = [one for item in document["paths"].values() for one in item.values()]
    assert all("415" in one["responses"] for one in operations)
    assert not [one for one in operations if "422" in one["responses"]]
    closed = [one for one in operations if "security" in one]
    assert len(closed) > len(operations) / 2
    assert all("content" not in one["responses"]["401"] for one in closed)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/api/v1/releases/{'9' * 5000}", 404),  # more digits than Python reads
        ("GET", f"/api/v1/releases/{'9' * 1000}", 404),
        ("GET", "/api/v1/tasks?cluster_id=x", 400),
        ("GET", "/api/v1/tasks?cluster_id=-99999999999999999999", 400),
        ("GET", "/api/v1/tasks?cluster_id=99999999999999999999", 200),
    ],
)
def test_numbers_that_no_database_has_are_no_crash(
    session: Session, method: str, path: str, status: int
) -> None:
    answer = session.send(method, path)
    assert answer.status == status
    assert answer.content_type == ("application/json" if status == 200 else "text/html")


@pytest.mark.parametrize("release", [-(10**20), 10**20, 0])
def test_a_cluster_with_an_impossible_release_id_is_refused(session: Session, release: int) -> None:
    body = {"name": "far", "release": release}
    assert session.send("POST", "/api/v1/clusters", body).status == 400


@pytest.mark.parametrize(
    "over",
    [
        {"name": "n" * 101},
        {"operating_system": "o" * 51},
        {"version": "v" * 31},
        {
            "orchestrator_data": {
                **release_body("x")["orchestrator_data"],
                "repo_metadata": {"a": " "},
            }
        },
    ],
)
def test_texts_that_fit_into_no_column_or_no_source_are_refused(
    session: Session, over: dict[str, Any]
) -> None:
    body = {**release_body("narrow", a="http://a/"), **over}
    assert session.send("POST", "/api/v1/releases", body).status == 400


def test_a_cluster_without_stored_attributes_shows_those_of_its_release(
    session: Session, store: Store
) -> None:
    """A database of an earlier version has such clusters."""
    attributes = {"editable": {"common": {"debug": {"value": False}}}}
    body = {**release_body("old", a="http://a/"), "attributes_metadata": attributes}
    release = session.send("POST", "/api/v1/releases", body).body["id"]
    cluster = store.add_cluster("old", release, fuel_version="5.1").id
    path = f"/api/v1/clusters/{cluster}/attributes"
    assert session.send("GET", path).body == attributes
    changed = {"editable": {"common": {"debug": {"value": True}}}}
    assert session.send("PUT", path, changed).body == changed
    assert session.send("GET", path).body == changed
    assert session.send("PUT", f"{path}/defaults").body == attributes


def test_a_cluster_with_a_name_too_long_is_refused(session: Session) -> None:
    body = {"name": "n" * 101, "release": 1}
    assert session.send("POST", "/api/v1/clusters", body).status == 400


def test_deployment_info_has_the_data_for_astute_in_its_order(session: Session) -> None:
    repos = {"z": "http://{MASTER_IP}/z precise main", "a": "http://a/ precise main"}
    made = session.send("POST", "/api/v1/releases/", release_body("deployed", **repos)).body
    path = f"/api/v1/releases/{made['id']}/deployment-info"
    info = session.send("GET", path).body
    assert list(info["repo_metadata"].items()) == [
        ("a", "http://a/ precise main"),
        ("z", "http://10.20.0.2/z precise main"),
    ]
    assert info["puppet_manifests_source"] == "rsync://10.20.0.2:/puppet/manifests/"
    assert (info["node"], info["sources"]) == (None, None)
    assert session.send("GET", f"{path}/?node=node-1").body["node"]["id"] == 1
    assert session.send("GET", f"{path}?node=1").body["node"]["name"] == "node-1"
    assert session.send("GET", f"{path}?node=2").body["node"]["name"] == "1"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/api/v1/releases/999/deployment-info", "Release not found"),
        ("/api/v1/releases/1/deployment-info?node=nope", "Node not found"),
        ("/api/v1/releases/1/deployment-info?node=", "Node not found"),
    ],
)
def test_deployment_info_of_an_unknown_release_or_node_is_refused(
    session: Session, path: str, text: str
) -> None:
    session.send("POST", "/api/v1/releases/", release_body("first", a="http://a/"))
    answer = session.send("GET", path)
    assert (answer.status, answer.content_type, answer.text) == (404, "text/html", text)
