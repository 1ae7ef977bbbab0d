"""The version of Keystone that the client chooses, and its login there."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from fuel_upgrade.cli.nailgun.nailgun_access import try_access
from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.nailgun.client import NailgunClient
from tests.misbehaving import (
    PASSWORD,
    BadNailgun,
    Handler,
    Keystone,
    KeystoneV3,
    Seen,
    bad_nailgun,
    keystone_v2,
    refusal,
    says,
)


@pytest.fixture
def bad() -> Iterator[BadNailgun]:
    with bad_nailgun() as made:
        yield made


def client(bad: BadNailgun, **settings: str) -> NailgunClient:
    root = f"http://127.0.0.1:{bad.port}"
    base = NailgunSettings(url=root, password=PASSWORD, timeout_s=60, retries=1)
    paths = {k: f"{root}{v}" if k == "keystone_url" else v for k, v in settings.items()}
    return NailgunClient(replace(base, **paths))  # type: ignore[arg-type]


def logins(bad: BadNailgun) -> list[str]:
    return [f"{seen.method} {seen.path}" for seen in bad.keystone_seen]


def test_a_token_of_v3_is_renewed_when_it_expires(bad: BadNailgun) -> None:
    bad.keystone = KeystoneV3()
    bad.script = [says(200, []), says(401, b""), says(200, [])]
    with client(bad) as meets:
        assert meets.releases() == meets.releases() == ()
        assert meets.keystone.version() == "v3"
    assert [seen.token for seen in bad.seen] == [bad.tokens[0], bad.tokens[0], bad.tokens[1]]
    requested = [
        "GET /keystone/v3",
        "POST /keystone/v3/auth/tokens",
        "POST /keystone/v3/auth/tokens",
    ]
    assert logins(bad) == requested


def test_user_and_project_may_be_of_different_domains(bad: BadNailgun) -> None:
    bad.keystone = KeystoneV3(user_domain="staff", project="services", project_domain="machines")
    bad.script = [says(200, [])]
    named = {"tenant": "services", "user_domain": "staff", "project_domain": "machines"}
    with client(bad, **named) as meets:
        assert meets.releases() == ()


def test_a_refusal_of_v3_names_user_project_and_domains(bad: BadNailgun) -> None:
    bad.keystone = KeystoneV3(user_domain="staff")
    with client(bad, tenant="services") as meets:
        error = refusal(meets.releases)
    assert (error.status, error.path) == (401, "/keystone/v3/auth/tokens")
    assert "user 'admin' of domain 'Default' (project 'services' of domain 'Default')" in error.what


def several(*ids: str) -> Keystone:
    """Be a Keystone of v2.0 and v3, which lists versions where it is asked for one."""

    def answer(handler: Handler, seen: Seen) -> None:
        if seen.method == "GET":
            handler.reply(300, {"versions": {"values": [{"id": i} for i in ids]}})
        elif seen.path.endswith("/v3/auth/tokens"):
            KeystoneV3()(handler, seen)
        else:
            keystone_v2(handler, seen)

    return answer


@pytest.mark.parametrize(
    ("keystone", "version"),
    [
        (keystone_v2, "v2.0"),
        (KeystoneV3(), "v3"),
        (several("v3.8", "v2.0"), "v3"),
        (several("v2.0"), "v2.0"),
        (several(), "v2.0"),
    ],
)
def test_the_server_says_which_version_it_has(
    bad: BadNailgun, keystone: Keystone, version: str
) -> None:
    bad.keystone, bad.script = keystone, [says(200, [])] * 2
    with client(bad) as meets:
        assert meets.releases() == meets.releases() == ()
        assert meets.keystone.version() == version
    assert [line for line in logins(bad) if line.startswith("GET")] == ["GET /keystone/v3"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>every path has this page</html>", "text/html"),
        (200, {"hello": "world"}, "application/json"),
        (200, {"version": "v3"}, "application/json"),
        (200, {"versions": [{"id": "v3"}]}, "application/json"),
        (200, ["v3"], "application/json"),
        (401, b"", "text/html"),
        (403, {"version": {"id": "v3"}}, "application/json"),
        (302, b"", "text/html"),
    ],
)
def test_another_document_is_not_mistaken_for_versions_of_keystone(
    bad: BadNailgun, status: int, body: object, kind: str
) -> None:
    def answer(handler: Handler, seen: Seen) -> None:
        if seen.method == "GET":
            handler.reply(status, body, kind)
        else:
            keystone_v2(handler, seen)

    bad.keystone, bad.script = answer, [says(200, [])]
    with client(bad) as meets:
        assert meets.releases() == ()
        assert meets.keystone.version() == "v2.0"


def test_a_keystone_that_is_down_is_not_taken_for_an_old_one(bad: BadNailgun) -> None:
    bad.keystone = lambda handler, _seen: handler.reply(503, b"restarting")
    with client(bad) as meets:
        error = refusal(meets.releases)
        assert (error.method, error.path, error.status) == ("GET", "/keystone/v3", 503)
        bad.keystone, bad.script = KeystoneV3(), [says(200, [])]
        assert meets.releases() == ()


@pytest.mark.parametrize(
    ("settings", "requested"),
    [
        ({"keystone_url": "/keystone/v2.0"}, "POST /keystone/v2.0/tokens"),
        ({"keystone_url": "/keystone/v2.0/"}, "POST /keystone/v2.0/tokens"),
        ({"keystone_version": "v2.0"}, "POST /keystone/v2.0/tokens"),
        ({"keystone_url": "/keystone/v3/"}, "POST /keystone/v3/auth/tokens"),
        ({"keystone_version": "v3"}, "POST /keystone/v3/auth/tokens"),
        (
            {"keystone_version": "v3", "keystone_url": "/keystone/v2.0"},
            "POST /keystone/v3/auth/tokens",
        ),
    ],
)
def test_a_version_that_is_named_is_taken_without_asking(
    bad: BadNailgun, settings: dict[str, str], requested: str
) -> None:
    bad.keystone = KeystoneV3() if "v3" in requested else keystone_v2
    bad.script = [says(200, [])]
    with client(bad, **settings) as meets:
        assert meets.releases() == ()
    assert logins(bad) == [requested]


@pytest.mark.parametrize(
    ("status", "headers"),
    [(200, {"X_Subject_Token": "t"}), (201, {}), (201, {"X_Subject_Token": "a b"})],
)
def test_v3_gives_its_token_with_201_and_in_a_header(
    bad: BadNailgun, status: int, headers: dict[str, str]
) -> None:
    bad.keystone = lambda handler, _seen: handler.reply(status, {"token": {}}, **headers)
    with client(bad, keystone_version="v3") as meets:
        error = refusal(meets.releases)
    assert error.status == status
    assert "token" in error.what
    assert bad.seen == []


def no_keystone(handler: Handler, _seen: Seen) -> None:
    handler.reply(404, b"not found", "text/plain")


def test_a_nailgun_without_authentication_needs_no_token(bad: BadNailgun) -> None:
    bad.keystone = no_keystone
    bad.script = [says(200, {"auth_required": False, "release": "6.0"}), *[says(200, [])] * 3]
    with client(bad) as meets:
        assert meets.releases() == meets.releases() == ()
        assert meets.notifications() == ()
    assert [seen.token for seen in bad.seen] == [""] * 4
    assert logins(bad) == ["GET /keystone/v3", "POST /keystone/v2.0/tokens"]


def test_a_missing_keystone_is_an_error_where_a_login_is_required(bad: BadNailgun) -> None:
    bad.keystone = no_keystone
    bad.script = [says(200, {"auth_required": True, "release": "6.0"})]
    with client(bad) as meets:
        assert "/keystone/v2.0/tokens" in refusal(meets.releases).what


def test_authentication_may_be_switched_on_later(bad: BadNailgun) -> None:
    bad.keystone = no_keystone
    bad.script = [says(200, {"auth_required": False}), says(200, []), says(401, b""), says(200, [])]
    with client(bad) as meets:
        assert meets.releases() == ()
        bad.keystone = keystone_v2
        assert meets.releases() == ()
    assert [seen.token for seen in bad.seen][:3] == ["", "", ""]
    assert bad.seen[3].token == bad.tokens[0]


def test_the_check_of_the_access_reports_it(bad: BadNailgun) -> None:
    bad.keystone = no_keystone
    version = {"auth_required": False, "release": "6.0"}
    bad.script = [says(200, version), says(200, version), *[says(200, [])] * 2, says(200, version)]
    root = f"http://127.0.0.1:{bad.port}"
    settings = NailgunSettings(url=root, password=PASSWORD, dialect="6.0", timeout_s=60, retries=1)
    access = try_access(settings)
    assert (access.error, access.auth_required, access.version) == (None, False, "6.0")
    assert access.to_pairs()["login"] == "not required: Nailgun's authentication is off"
