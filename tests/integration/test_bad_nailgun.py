"""The client against a Nailgun that is slow, busy, broken or wrong."""

import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.nailgun.keystone import TokenKeeper
from tests.misbehaving import (
    PASSWORD,
    TIMEOUT_S,
    TOKEN,
    BadNailgun,
    Handler,
    Script,
    Seen,
    announces_too_much,
    bad_nailgun,
    begins,
    begins_chunked,
    bomb,
    drips,
    ends_in_the_headers,
    floods,
    floods_chunked,
    hangs_up,
    has_a_broken_head,
    is_slow,
    is_slow_halfway,
    no_secret_logged,
    refusal,
    says,
    tells_the_token,
)
from tests.recorded_nailgun import recording

LIMIT_BYTES = 10_000
RELEASE = {"id": 1, "name": "n", "version": "v", "operating_system": "o"}


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
    with made_for(bad) as made:
        yield made


@pytest.fixture
def hurries(bad: BadNailgun) -> Iterator[NailgunClient]:
    """A client that gives up soon, and is logged in; for answers that never come."""
    with made_for(bad, timeout_s=0.1, keeper=TokenKeeper(TOKEN)) as made:
        yield made


def made_for(
    bad: BadNailgun,
    *,
    keeper: TokenKeeper | None = None,
    sleep: Callable[[float], None] | None = None,
    **settings: float,
) -> NailgunClient:
    base = NailgunSettings(url=bad.url, password=PASSWORD, timeout_s=TIMEOUT_S, retries=2)
    return NailgunClient(
        replace(base, **settings),  # type: ignore[arg-type]
        answer_max_bytes=LIMIT_BYTES,
        keeper=keeper,
        monotonic=bad.clock,
        sleep=sleep or bad.clock.sleep,
    )


# FailedLogins


@pytest.mark.parametrize(
    "script",
    [
        says(500, b"restarting", "text/html"),
        says(502, b"", "text/html"),
        says(503, b""),
        says(504, b""),
        hangs_up,
        ends_in_the_headers,
        has_a_broken_head,
        begins,
        begins_chunked,
    ],
)
def test_a_read_is_tried_again(bad: BadNailgun, meets: NailgunClient, script: Script) -> None:
    bad.script = [script, says(200, [])]
    assert meets.releases() == ()
    assert [seen.method for seen in bad.seen] == ["GET", "GET"]


@pytest.mark.parametrize("script", [is_slow, is_slow_halfway])
def test_a_read_that_was_not_answered_in_time_is_tried_again(
    bad: BadNailgun, script: Script
) -> None:
    """The client gives up soon at the first try alone: the second answer may take its time."""

    def be_patient(_seconds: float) -> None:
        client._transport._timeout_s = TIMEOUT_S

    bad.script = [script, says(200, [])]
    client = made_for(bad, timeout_s=0.1, keeper=TokenKeeper(TOKEN), sleep=be_patient)
    with client:
        assert client.releases() == ()
    assert [seen.method for seen in bad.seen] == ["GET", "GET"]


@pytest.mark.parametrize("script", [says(502, b""), hangs_up, begins])
def test_a_delete_is_tried_again(bad: BadNailgun, meets: NailgunClient, script: Script) -> None:
    bad.script = [script, says(204, b"")]
    assert meets.delete_release(1)


@pytest.mark.parametrize(
    ("script", "status", "message"),
    [
        (says(500, b""), 500, "empty"),
        (says(503, b"later"), 503, "later"),
        (hangs_up, None, "closed without an answer"),
        (begins, None, "before the answer was complete"),
    ],
)
def test_a_create_is_sent_once(
    bad: BadNailgun, meets: NailgunClient, script: Script, status: int | None, message: str
) -> None:
    bad.script = [script]
    error = refusal(lambda: meets.create_release({"name": "n"}))
    assert (error.method, error.status) == ("POST", status)
    assert message in error.what
    assert [seen.method for seen in bad.seen] == ["POST"]


def test_a_create_that_is_not_answered_in_time_is_sent_once(
    bad: BadNailgun, hurries: NailgunClient
) -> None:
    bad.script = [is_slow]
    error = refusal(lambda: hurries.create_release({"name": "n"}))
    assert (error.method, error.status) == ("POST", None)
    assert "no answer in time" in error.what
    bad.await_script_end()
    assert [seen.method for seen in bad.seen] == ["POST"]


def test_tries_come_to_an_end(bad: BadNailgun, meets: NailgunClient) -> None:
    bad.script = [says(500, b"traceback")] * 3
    error = refusal(meets.releases)
    assert "GET /api/v1/releases/ answered 500: traceback" in error.what
    assert bad.script == []


@pytest.mark.parametrize(
    ("scripts", "message"),
    [
        ([begins, begins], "before the answer was complete"),
        ([begins_chunked, begins], "before the answer was complete"),
        ([hangs_up, hangs_up], "without an answer"),
        ([hangs_up, ends_in_the_headers], "the head of the answer is damaged or cut short"),
        ([begins, has_a_broken_head], "the head of the answer is damaged or cut short"),
    ],
)
def test_no_whole_answer_has_no_status(
    bad: BadNailgun, meets: NailgunClient, scripts: list[Script], message: str
) -> None:
    bad.script = list(scripts)
    error = refusal(meets.releases)
    assert error.status is None
    assert f"{message} (127.0.0.1:{bad.port})" in error.what
    assert error.__cause__ is not None
    assert bad.script == []


@pytest.mark.parametrize("script", [is_slow, is_slow_halfway])
def test_no_answer_in_time_has_no_status(
    bad: BadNailgun, hurries: NailgunClient, script: Script
) -> None:
    bad.script = [script, script]
    error = refusal(hurries.releases)
    assert error.status is None
    assert f"no answer in time (127.0.0.1:{bad.port})" in error.what
    assert error.__cause__ is not None
    bad.await_script_end()


@pytest.mark.parametrize(
    "drip",
    [
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b" "),
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        drips(b"HTTP/1.1 200 OK\r\n", b"X-More: of it\r\n"),
        drips(b"HTTP/1.1 2", b"0"),
    ],
    ids=["body", "chunks", "headers", "status"],
)
def test_a_server_that_drips_does_not_hold_the_client(bad: BadNailgun, drip: Script) -> None:
    """Each drop comes in time; without a limit over all of them the client would wait on."""
    bad.script = [drip]
    with made_for(bad, deadline_s=1.5) as client:
        error = refusal(client.releases)
    assert error.status is None
    assert "no whole answer within 1.5 s (nailgun.deadline_s)" in error.what
    assert len(bad.seen) == 1


def test_tries_share_the_deadline(bad: BadNailgun) -> None:
    bad.script = [says(503, b"")] * 50
    with made_for(bad, deadline_s=1.5, retries=49) as client:
        error = refusal(client.releases)
    assert error.status == 503
    assert bad.script != []


def test_a_deadline_is_for_one_exchange_and_not_for_a_client(bad: BadNailgun) -> None:
    bad.script = [says(200, [])] * 2
    with made_for(bad, deadline_s=1.5) as client:
        assert client.releases() == ()
        bad.script.insert(0, drips(b"HTTP/1.1 200 OK\r\n", b"X-More: of it\r\n"))
        refusal(client.releases)
        assert client.releases() == ()


# Tokens


def test_a_token_is_renewed_once_and_the_request_sent_again(
    bad: BadNailgun, meets: NailgunClient
) -> None:
    notification = {"id": 5, "topic": "release", "message": "m", "status": "unread"}
    bad.script = [says(200, []), says(401, b""), says(201, notification)]
    assert meets.releases() == ()
    assert meets.notify("m") == 5
    assert [seen.token for seen in bad.seen] == [bad.tokens[0], bad.tokens[0], bad.tokens[1]]
    assert bad.seen[1].body == bad.seen[2].body != b""


def test_a_second_401_is_final(bad: BadNailgun, meets: NailgunClient) -> None:
    bad.script = [says(401, b""), says(401, b"")]
    error = refusal(meets.releases)
    assert (error.status, len(bad.tokens)) == (401, 2)
    assert "administrator" in error.remedy


@pytest.mark.parametrize("ask", [NailgunClient.releases, lambda c: c.notify("m")])
@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_an_answer_does_not_show_the_token(
    bad: BadNailgun, meets: NailgunClient, ask: Callable[[NailgunClient], object], status: int
) -> None:
    bad.script = [tells_the_token(status)] * 3
    error = refusal(lambda: ask(meets))
    assert error.status == status
    assert "you sent ******" in error.what


def test_a_token_in_a_field_is_not_shown(bad: BadNailgun, meets: NailgunClient) -> None:
    """Reading the field fails with an exception that quotes it."""
    bad.script = [lambda h: h.reply(200, [{**RELEASE, "id": h.headers["X-Auth-Token"]}])]
    assert "******" in refusal(meets.releases).what


# Wrong answers


def test_a_conflict_is_reported_with_its_reason(bad: BadNailgun, meets: NailgunClient) -> None:
    bad.script = [says(409, b"Release with the same name and version already exists", "text/html")]
    error = refusal(lambda: meets.create_release({"name": "n"}))
    assert (error.status, len(bad.seen)) == (409, 1)
    assert "already exists" in error.what


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (says(200, b"<html>It works!</html>", "text/html"), "expected JSON, found text/html"),
        (says(200, b""), "expected JSON"),
        (says(200, b"\xff\xfe{"), "expected JSON"),
        (says(200, b"[" * 9_999), "expected JSON"),
        (says(200, b"[NaN"), "expected JSON"),
        (says(200, {"releases": []}), "not a list"),
        (says(200, "releases"), "not a list"),
        (says(200, None), "not a list"),
        (says(200, [1]), "unexpected JSON"),
        (says(200, [{}]), "KeyError"),
        (says(200, [{**RELEASE, "id": "x"}]), "ValueError"),
        (says(200, [{**RELEASE, "orchestrator_data": {"repo_metadata": []}}]), "unexpected JSON"),
        (says(204, b""), "answered 204"),
    ],
)
def test_an_answer_outside_the_contract_names_the_exchange(
    bad: BadNailgun, meets: NailgunClient, script: Script, message: str
) -> None:
    bad.script = [script]
    error = refusal(meets.releases)
    assert (error.method, error.path) == ("GET", "/api/v1/releases/")
    assert error.status in (200, 204)
    assert message in error.what
    assert len(error.what) < 400


def test_an_answer_that_is_packed_unasked_is_unpacked(
    bad: BadNailgun, meets: NailgunClient
) -> None:
    bad.script = [bomb(LIMIT_BYTES - 2), says(200, [])]
    assert "expected JSON" in refusal(meets.releases).what  # blanks, all of them
    assert meets.releases() == ()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (says(200, b"[]", Content_Encoding="gzip"), "not in the coding that it names: 'gzip'"),
        (says(200, b"[]", Content_Encoding="br"), "not in the coding that it names: 'br'"),
    ],
)
def test_a_coding_that_is_not_there_is_refused(
    bad: BadNailgun, meets: NailgunClient, script: Script, message: str
) -> None:
    bad.script = [script]
    error = refusal(meets.releases)
    assert error.status == 200
    assert message in error.what


@pytest.mark.parametrize(
    ("script", "status"),
    [
        (floods(200), 200),
        (floods(500), 500),
        (floods(302, Location="/elsewhere"), 302),
        (floods_chunked, 200),
        (announces_too_much, 200),
        (bomb(LIMIT_BYTES + 1), 200),
        (bomb(1 << 26), 200),
    ],
)
def test_an_answer_that_is_too_large_takes_no_memory(
    bad: BadNailgun, meets: NailgunClient, script: Script, status: int
) -> None:
    bad.script = [script]
    tracemalloc.start()
    try:
        error = refusal(meets.releases)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert error.status == status
    assert f"larger than {LIMIT_BYTES} bytes" in error.what
    assert peak_bytes < 8 << 20


# A Keystone that misbehaves


@pytest.mark.parametrize(
    "token", [None, {"access": {}}, [], {"access": {"token": {"id": 5}}},
              {"access": {"token": {"id": "a\nb"}}}, {"access": {"token": {"id": ""}}},
              {"access": {"token": {"id": f" {TOKEN}"}}}]
)  # fmt: skip
def test_keystone_must_give_a_token(bad: BadNailgun, meets: NailgunClient, token: object) -> None:
    bad.keystone = lambda handler, _seen: handler.reply(200, token)
    error = refusal(meets.releases)
    assert error.status == 200
    assert "token in it" in error.what
    assert bad.seen == []


@pytest.mark.parametrize("status", [200, 400, 401, 404, 413])
def test_keystone_that_echoes_the_password_is_not_quoted(
    bad: BadNailgun, meets: NailgunClient, status: int
) -> None:
    bad.keystone = lambda handler, seen: handler.reply(status, seen.body)
    if status == 404:  # the client asks Nailgun whether it needs a login at all
        bad.script = [says(200, {"auth_required": True})]
    error = refusal(meets.releases)
    assert error.status == status
    assert "/keystone/v2.0/tokens" in error.path


def test_a_wrong_password_is_reported_with_its_user(bad: BadNailgun) -> None:
    settings = NailgunSettings(url=bad.url, password="wrong horse", timeout_s=TIMEOUT_S)
    with NailgunClient(settings) as client:
        error = refusal(client.releases, secret="wrong horse")
    assert error.status == 401
    assert "does not accept the password of user 'admin' (tenant 'admin')" in error.what


def test_a_login_is_sent_once(bad: BadNailgun, meets: NailgunClient) -> None:
    def fails(handler: Handler, seen: Seen) -> None:
        handler.reply(404 if seen.method == "GET" else 500, b"")

    bad.keystone = fails
    assert refusal(meets.releases).status == 500
    assert [seen.method for seen in bad.keystone_seen] == ["GET", "POST"]


@pytest.mark.parametrize("fuel", ["6.0-more", "6.1", "7.0"])
def test_an_answer_500_is_reported_with_the_body_that_caused_it(fuel: str) -> None:
    exchanges = recording(fuel)
    crash = next(e for e in exchanges if e["note"] == "state nope")
    assert crash["response"]["status"] == 500
    body = {**crash["request"]["body"], "admin_password": PASSWORD}
    with bad_nailgun() as server:
        server.script = [says(500, b"internal server error", "text/html")]
        settings = NailgunSettings(url=server.url, password=PASSWORD, timeout_s=TIMEOUT_S)
        with NailgunClient(settings) as client:
            error = refusal(lambda: client.create_release(body))
    assert "POST /api/v1/releases/ answered 500: internal server error (sent: " in error.what
    assert 'state: "nope"' in error.what
    assert f'name: "{body["name"]}"' in error.what
    assert len(error.what) < 1500
