from typing import Any

import pytest

from fuel_upgrade.registry.auth.accounts import TokenHolder
from fuel_upgrade.registry.auth.identity import parse_auth, render_error, render_token
from fuel_upgrade.registry.refusal import RefusedError

DEFAULT = {"id": "default"}


def body(scope: Any = None, methods: Any = ("password",), **user: Any) -> dict[str, Any]:
    given = user or {"name": "admin", "domain": DEFAULT}
    identity = {"methods": list(methods), "password": {"user": {**given, "password": "right"}}}
    return {"auth": {"identity": identity, **({"scope": scope} if scope is not None else {})}}


@pytest.mark.parametrize(
    ("scope", "is_scoped"),
    [
        (None, True),  # the user's default project
        ("unscoped", False),
        ({"unscoped": {}}, False),
        ({"project": {"id": "1"}}, True),
        ({"project": {"name": "admin", "domain": {"name": "default"}}}, True),
    ],
)
def test_a_token_is_of_the_project_that_was_asked_for(scope: Any, *, is_scoped: bool) -> None:
    assert parse_auth(body(scope)).is_scoped is is_scoped


def test_a_user_is_named_by_id_or_by_name_and_domain() -> None:
    assert parse_auth(body(id="7")).user_id == "7"
    assert parse_auth(body(name="admin", domain={"name": "Default"})).name == "admin"


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ([], 400),
        ({"auth": {}}, 400),
        ({"auth": {"identity": {"methods": ["password"]}}}, 400),
        (body(name="admin"), 400),
        (body(domain=DEFAULT), 400),
        (body(name=1, domain=DEFAULT), 400),
        (body({"project": {"name": "admin"}}), 400),
        (body("everything"), 400),
        (body(methods=["token"]), 401),
        (body(methods=["password", "totp"]), 401),
        (body(name="admin", domain={"id": "other"}), 401),
        (body(name="admin", domain={}), 401),
        (body({"project": {"id": "2"}}), 401),
        (body({"project": {"name": "other", "domain": DEFAULT}}), 401),
        (body({"project": {"name": "admin", "domain": {"id": "other"}}}), 401),
        (body({"domain": DEFAULT}), 401),
    ],
)
def test_a_login_of_another_form_is_refused(wrong: Any, status: int) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_auth(wrong)
    assert caught.value.status == status
    assert "right" not in caught.value.reason  # no refusal repeats a password


def test_a_token_reads_the_same_at_each_look_and_tells_its_scope() -> None:
    holder = TokenHolder(1, "admin", 86_400)
    scoped = render_token("aa", holder, with_catalog=True)
    assert scoped == render_token("aa", holder, with_catalog=True)
    token: Any = scoped["token"]
    assert (token["issued_at"], token["expires_at"]) == (
        "1970-01-01T00:00:00.000000Z",
        "1970-01-02T00:00:00.000000Z",
    )
    assert (token["project"]["name"], token["catalog"]) == ("admin", [])
    unscoped: Any = render_token("u-aa", holder, with_catalog=True)["token"]
    assert not {"project", "roles", "catalog"} & unscoped.keys()


def test_an_error_has_keystones_form() -> None:
    error = {
        "code": 401,
        "title": "Unauthorized",
        "message": "The request you have made requires authentication.",
    }
    assert render_error(401, "") == {"error": error}
