"""The body of a request in an error."""

from typing import Any

import pytest

from fuel_upgrade.nailgun.sent_body import say_body


def test_short_fields_come_first_and_long_ones_are_cut_or_named() -> None:
    body = {
        "roles_metadata": {f"role{n}": "x" * 50 for n in range(10)},
        "volumes_metadata": {"a": "x" * 5000},
        "attributes_metadata": {"b": "y" * 5000},
        "name": "n" * 150,
        "state": "available",
        "is_deployable": True,
    }
    text = say_body(body)
    assert text.startswith('is_deployable: true, state: "available", name: "nnn')
    assert text.endswith("volumes_metadata, attributes_metadata")
    assert len(text) < 700


def test_a_list_is_cut() -> None:
    tasks = [{"id": f"task{n}", "type": "stage"} for n in range(1000)]
    assert say_body(tasks).startswith('[{"id": "task0", "type": "stage"}, ')
    assert len(say_body(tasks)) < 700


@pytest.mark.parametrize(
    "body",
    [
        {"password": "S3CRET"},
        {"auth": {"passwordCredentials": {"username": "S3CRET", "password": "S3CRET"}}},
        {"attributes_metadata": {"editable": {"access": {"user_password": {"value": "S3CRET"}}}}},
        {"a": [{"private_key": ["S3CRET"]}], "ssh.key": "S3CRET", "auth_token": "S3CRET"},
        [{"id": "a", "parameters": {"SecretKey": "S3CRET"}}],
        {"repo_metadata": {"a": "http://fuel:S3CRET@mirror.example/ubuntu precise main"}},
    ],
)
def test_secrets_are_masked(body: Any) -> None:
    assert "S3CRET" not in say_body(body)
    assert "******" in say_body(body)


def test_other_fields_are_shown() -> None:
    body = {"keys": ["a"], "monkey": "b", "url": "http://mirror.example/a@b", "password": None}
    assert say_body(body) == (
        'monkey: "b", password: null, keys: ["a"], url: "http://mirror.example/a@b"'
    )


def test_the_text_is_on_one_line() -> None:
    assert say_body({"name": "a\n\u202eb"}) == r'name: "a\n\u202eb"'
