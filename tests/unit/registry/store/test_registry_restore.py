"""An import refuses each kind of invalid file (the smallest of the kind)."""

import json
from typing import Any

import pytest

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.registry.lines import LINES
from fuel_upgrade.registry.store.restore import parse

RELEASE = {
    "id": 1, "name": "Juno", "version": "2014.2-6.0", "operating_system": "Ubuntu",
    "state": "available", "description": None, "orchestrator_data": {}, "details": {},
}  # fmt: skip
USER = {"id": 1, "name": "admin", "salt": "00", "password_hash": "ff"}
PARTS = ("releases", "clusters", "nodes", "tasks", "notifications")


def document(**changes: Any) -> dict[str, Any]:
    return {
        "format": "fuel-upgrade registry",
        "version": 1,
        "revision": "0002",
        "last_ids": dict.fromkeys(PARTS, 0),
        **{part: [] for part in PARTS},
        **changes,
    }


def read(actual: object) -> None:
    parse(json.dumps(actual).encode(), source="f.json")


def test_an_empty_registry_is_an_export() -> None:
    assert parse(json.dumps(document()).encode(), source="f").counts() == dict.fromkeys(PARTS, 0)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000])
def test_text_that_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(ConfigError, match=r"f\.json: not JSON"):
        parse(text, source="f.json")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "other"}, "format: expected 'fuel-upgrade registry', found 'other'"),
        ({"version": 2}, "version: expected 1, found 2"),
        ({"tokens": []}, "unknown parts: tokens (known: releases, clusters"),
        ({"releases": {}}, "releases: expected a list, found {}"),
        ({"releases": [5]}, "releases[0]: expected an object, found 5"),
        ({"releases": [{"id": 1}]}, "releases[0]: expected the fields description, details, id"),
        ({"last_ids": {}}, "last_ids.releases: expected a number, found null"),
    ],
)
def test_a_document_of_another_form_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(document(**changes))
    assert str(caught.value).startswith(f"f.json: {reason}")


def test_an_export_that_is_no_object_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"the document: expected an object, found \[\]"):
        read([])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": 0}, ".id: expected 1 to 2147483647, found 0"),
        ({"id": True}, ".id: expected a number, found true"),
        ({"id": 2**31}, ".id: expected 1 to 2147483647, found 2147483648"),
        ({"name": 5}, ".name: expected text, found 5"),
        ({"name": None}, ".name: expected text, found null"),
        ({"name": "\0"}, ".name: has a NUL character"),
        ({"name": "\ud800"}, ".name: has half a surrogate pair"),
        ({"name": "n" * 2001}, ".name: is longer than 2000 bytes"),
        ({"version": "v" * 31}, ".version: is longer than 30 characters"),
        ({"state": "lost"}, ".state: expected not_available or downloading or"),
        ({"details": "{}"}, '.details: expected an object, found "{}"'),
    ],
)
def test_a_row_that_does_not_fit_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(document(releases=[{**RELEASE, **changes}]))
    assert str(caught.value).startswith(f"f.json: releases[0]{reason}")


@pytest.mark.parametrize("state", sorted({s for line in LINES.values() for s in line.states}))
def test_a_release_in_any_state_of_any_line_comes_back(state: str) -> None:
    data = json.dumps(document(releases=[{**RELEASE, "state": state}])).encode()
    parsed = parse(data, source="f.json")
    assert parsed.rows["releases"][0]["state"] == state


def test_a_cluster_of_an_earlier_revision_has_no_attributes_yet() -> None:
    cluster = {"id": 1, "name": "c", "release_id": 1, "fuel_version": "6.0"}
    cluster |= {"mode": "ha_compact", "net_provider": "neutron"}
    data = json.dumps(document(releases=[RELEASE], clusters=[cluster])).encode()
    assert parse(data, source="f.json").rows["clusters"][0]["attributes"] == "{}"


def test_an_id_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"releases\[1\]\.id: 1 is there twice"):
        read(document(releases=[RELEASE, RELEASE]))


@pytest.mark.parametrize("salt", ["secret", 5])
def test_a_hash_of_another_form_is_refused_unseen(salt: object) -> None:
    last_ids = {"users": 1, **dict.fromkeys(PARTS, 0)}
    with pytest.raises(ConfigError, match=r"users\[0\]\.salt: expected") as caught:
        read(document(users=[{**USER, "salt": salt}], last_ids=last_ids))
    assert "secret" not in str(caught.value)
