"""The daemon's description of its API, and the faults that requests by it revealed."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from fuel_upgrade.daemon.jobs import Jobs
from tests.fuzzing import TIMEOUT_S
from tests.integration.test_daemon_fuzz import serving
from tests.master import scratch_master

ERROR = {"format", "error", "what", "state", "remedy", "exit_code", "failures"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    jobs = Jobs()
    root = tmp_path_factory.mktemp("master") / "root"
    with scratch_master(root) as master, serving(master, jobs) as server:
        yield server.url
        jobs.wait()


@pytest.fixture(scope="module")
def document(url: str) -> Any:
    return requests.get(f"{url}/openapi.json", timeout=TIMEOUT_S).json()


def test_every_refusal_is_described_with_the_error_schema(document: Any) -> None:
    for path, item in document["paths"].items():
        for operation in item.values():
            refusals = {s: a for s, a in operation["responses"].items() if int(s) >= 400}
            assert {"409", "500", "502"} <= refusals.keys(), path
            may_be_wrong = "{release_id}" in path or any(
                parameter["in"] == "header" for parameter in operation.get("parameters", ())
            )
            may_be_wrong |= path == "/v1/reloads"  # for a setting that is wrong
            takes = "requestBody" in operation or may_be_wrong
            assert ("400" in refusals) == takes, path
            # not ready is an answer, not a refusal
            for answer in (a for s, a in refusals.items() if (path, s) != ("/health", "503")):
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorForm"}, path
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_the_event_stream_is_described_as_ndjson(document: Any) -> None:
    answer = document["paths"]["/v1/jobs/{job}/events"]["get"]["responses"]["200"]
    assert list(answer["content"]) == ["application/x-ndjson"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"tarball": "/' + b"a" * 400 + b'"}', "File name too long"),
        (b'{"tarball": "/' + b"a" * 5000 + b'"}', "malformed request"),
        (b'{"tarball": "/a\\u0000b"}', "cannot be looked at"),
        (b'{"tarball": "a"}', "expected an absolute path"),
        (b'{"tarball": "\xff"}', "the body is malformed"),
        (b'{"tarball": "\\ud800"}', "malformed request"),
        (b"[" * 100_000, "the body is malformed"),
        (b"{", "malformed request"),
        (b"", "malformed request"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/plans", "/v1/installs", "/v1/repair-requests"])
def test_a_malformed_body_is_refused_with_a_reason(
    url: str, path: str, body: bytes, message: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = requests.post(url + path, data=body, headers=headers, timeout=TIMEOUT_S)
    assert answer.status_code == 400, answer.text
    assert answer.json().keys() == ERROR
    assert message in answer.json()["what"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/status/", 404),  # and not a redirect to where the socket is not
        ("GET", "/v1/installs/a%2Fb", 404),
        ("GET", "/v1/installs/%00", 404),
        ("GET", "/v1/jobs/%FF/events", 404),
        ("DELETE", "/v1/status", 405),
        ("POST", "/v1/squash-plans", 404),
        ("POST", "/v1/gc-plans", 404),
    ],
)
def test_a_missing_object_gets_an_error_of_the_usual_form(
    url: str, method: str, path: str, status: int
) -> None:
    body = {"releases": ["nope"]} if path == "/v1/gc-plans" else {"release": "nope"}
    answer = requests.request(
        method, url + path, json=body, timeout=TIMEOUT_S, allow_redirects=False
    )
    assert (answer.status_code, answer.json().keys()) == (status, ERROR)
