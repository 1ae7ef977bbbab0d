"""The client with a server that redirects, or expects another form of a path."""

from collections.abc import Iterator

import pytest

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.nailgun.client import NailgunClient
from tests.misbehaving import (
    PASSWORD,
    BadNailgun,
    Handler,
    Script,
    bad_nailgun,
    no_secret_logged,
    refusal,
    says,
)


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with no_secret_logged(caplog):
        yield


@pytest.fixture
def bad() -> Iterator[BadNailgun]:
    with bad_nailgun() as made:
        yield made


@pytest.fixture
def meets(bad: BadNailgun) -> Iterator[NailgunClient]:
    url = f"http://127.0.0.1:{bad.port}"
    with NailgunClient(NailgunSettings(url=url, password=PASSWORD, timeout_s=60)) as made:
        yield made


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("/elsewhere?a=b", "a redirect to /elsewhere, which is not followed"),
        ("http://other.test/api/v1/releases/", "a redirect to http://other.test/api/v1/releases/,"),
        ("https://10.20.0.2:8443/api", "a redirect to https://10.20.0.2:8443/api,"),
        ("http://u:pw@[bad/", "a redirect to an address that cannot be read,"),
        ("http://user:unmistakable@h/x", "a redirect to http://h/x,"),
    ],
)
def test_a_redirect_is_reported_and_not_followed(
    bad: BadNailgun, meets: NailgunClient, status: int, target: str, message: str
) -> None:
    bad.script = [says(status, b"", Location=target)]
    error = refusal(meets.releases, secret="unmistakable")
    assert (error.status, len(bad.seen)) == (status, 1)
    assert message in error.what
    assert "addresses" in error.remedy


def test_no_other_host_is_asked(bad: BadNailgun, meets: NailgunClient) -> None:
    """A host that differs by nothing but the slash of its path either: it would get the token."""
    with bad_nailgun() as other:
        target = f"http://127.0.0.1:{other.port}/api/v1/releases"
        bad.script = [says(301, b"", Location=target), says(404, b"")]
        assert refusal(meets.releases).status == 301
        assert other.seen == []
    assert [seen.path for seen in bad.seen] == ["/api/v1/releases/", "/api/v1/releases"]


def test_a_redirect_does_not_show_the_token(bad: BadNailgun, meets: NailgunClient) -> None:
    def redirects(handler: Handler) -> None:
        handler.reply(302, b"", Location=f"/login/{handler.headers['X-Auth-Token']}")

    bad.script = [redirects]
    assert "/login/******" in refusal(meets.releases).what


def wants_no_slash(handler: Handler) -> None:
    if handler.path.endswith("/"):
        handler.reply(404, b"<h1>Not Found</h1>", "text/html")
    else:
        handler.reply(200, [])


def redirects_to_no_slash(handler: Handler) -> None:
    if handler.path.endswith("/"):
        handler.reply(308, b"", Location=handler.path.rstrip("/"))
    else:
        handler.reply(200, [])


@pytest.mark.parametrize("server", [wants_no_slash, redirects_to_no_slash])
def test_a_server_that_expects_no_slash_gets_none(
    bad: BadNailgun, meets: NailgunClient, server: Script
) -> None:
    bad.script = [server] * 4
    for _ in range(3):
        assert meets.releases() == ()
    requested = [seen.path.removeprefix("/api/v1") for seen in bad.seen]
    assert requested == ["/releases/", "/releases", "/releases", "/releases"]


def test_a_server_that_expects_a_slash_gets_one(bad: BadNailgun, meets: NailgunClient) -> None:
    bad.script = [says(404, b""), says(200, {"release": "6.0"}), says(200, {"release": "6.0"})]
    assert (meets.version(), meets.version()) == ("6.0", "6.0")
    requested = [seen.path.removeprefix("/api/v1") for seen in bad.seen]
    assert requested == ["/version", "/version/", "/version/"]


def test_a_post_is_sent_to_the_form_that_the_server_expects(
    bad: BadNailgun, meets: NailgunClient
) -> None:
    notification = {"id": 5, "topic": "release", "message": "m", "status": "unread"}
    bad.script = [says(301, b"", Location="/api/v1/notifications"), says(201, notification)]
    assert meets.notify("m") == 5
    assert bad.seen[0].body == bad.seen[1].body != b""


def test_a_path_missing_in_both_forms_is_missing(bad: BadNailgun, meets: NailgunClient) -> None:
    bad.script = [says(404, b"Release not found"), says(404, b"")]
    error = refusal(lambda: meets.release(7))
    assert (error.path, error.status) == ("/api/v1/releases/7/", 404)
    assert "Release not found" in error.what


def test_a_form_that_worked_is_not_doubted_at_a_404(bad: BadNailgun, meets: NailgunClient) -> None:
    bad.script = [says(204, b""), says(404, b"Release not found")]
    assert meets.delete_release(1)
    assert not meets.delete_release(2)
    assert len(bad.seen) == 2


def test_a_password_is_not_sent_where_keystone_redirects(
    bad: BadNailgun, meets: NailgunClient
) -> None:
    with bad_nailgun() as other:
        target = f"http://127.0.0.1:{other.port}/keystone/v2.0/tokens"
        bad.keystone = lambda handler, _seen: handler.reply(307, b"", Location=target)
        error = refusal(meets.releases)
        assert other.keystone_seen == []
    assert error.status == 307
    assert f"a redirect to {target}, which is not followed" in error.what
