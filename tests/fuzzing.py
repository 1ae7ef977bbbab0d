"""Draws requests from an OpenAPI description and sends them, good, wrong and hostile ones alike."""

import json
import os
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.tools import in_ci

Case = schemathesis.Case[Any]
Operation = APIOperation[Any, Any, Any, Any]
TIMEOUT_S = 60
#: How many cases there are to be in all. Those of the daemon cost more: they start jobs.
_CASES = int(os.environ.get("FUZZ_CASES", "180"))
REGISTRY_CASES, DAEMON_CASES = _CASES - _CASES // 5, _CASES // 5
#: Cases are drawn anew at each run, but in CI; a failed run is repeated by its number.
SEED = int(os.environ.get("FUZZ_SEED", "0" if in_ci() else str(secrets.randbelow(1 << 32))))
_AT_A_TIME = 4
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
_HOLE = "hole for a hostile value"
#: JSON texts that take a field's place.
HOSTILE_VALUES = (
    r'"\ud800"',
    r'"\u0000"',
    r'"/\u0000"',
    '"/' + "a" * 5000 + '"',
    '"/proc/self/mem/x"',
    '"../../etc"',
    '"<b>{NOPE}"',
    '" "',
    '""',
    "null",
    "true",
    "-1",
    "9" * 25,
    "-" + "9" * 25,
    "9" * 5000,
    "1e400",
    "NaN",
    "-Infinity",
    "[]",
    "{}",
    r'{"\ud800": 1}',
    r'{"\u0000": [null]}',
    "[" * 90 + "]" * 90,
    "[" * 900 + "]" * 900,
)
#: Bytes that take a whole body's place.
HOSTILE_BODIES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'""',
    b"NaN",
    b"\xff\xfe\xfa",
    b'{"name": "\xff"}',
    b"\xef\xbb\xbf{}",
    "{}".encode("utf-16"),
    b'"\\ud800"',
    b'{"auth": {}, "auth": []}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"-" * 1000,
)
HOSTILE_PATH_PARTS = (
    "0",
    "9" * 12,
    "9" * 5000,
    "-1",
    "%00",
    "%FF",
    "%2F",
    "%2E%2E%2Fstatus",
    "%D9%A3",
    "1%20",
    "1.0",
    "x",
)
HOSTILE_HEADERS: tuple[Mapping[str, bytes], ...] = (
    {"Accept": b"text/html"},
    {"Accept": b"\xff"},
    {"Accept": b""},
    {"Content-Type": b"\xff/\xfe; charset=nothing"},
    {"Content-Type": b"text/plain"},
    {"Content-Type": b"multipart/form-data"},
    {"Host": b"["},
    {"Host": b"\xff:99999999"},
    {"Cookie": b"=;=\xff"},
    {"X-Auth-Token": b""},
    {"X-Auth-Token": b"\xff\xfe"},
    {"X-Auth-Token": b"0" * 64},
    {"X-Subject-Token": b"\xff"},
    {"X-Forwarded-For": b"10.0.0.1"},
)


@dataclass
class Target:
    """The target: a server, its description, bodies that go deep, and ids that exist.

    ``bodies`` are by operation, such as ``POST /v1/plans``; ``known`` by path parameter.
    """

    url: str
    document: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    bodies: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    known: Mapping[str, list[str]] = field(default_factory=dict)
    learn: Callable[[requests.Response], None] = lambda _response: None
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)

    def __str__(self) -> str:
        shown = sorted(self.statuses.items())
        lines = "".join(f"\n  {label}: {status} x {n}" for (label, status), n in shown)
        return f"{self.cases} cases (FUZZ_SEED={SEED}){lines}"

    @property
    def cases(self) -> int:
        """How many requests were sent."""
        return sum(self.statuses.values())

    def fuzz(self, cases: int) -> None:
        """Send at least so many requests: alike many to each operation, a few at a time."""
        load_all_checks()
        schema = schemathesis.openapi.from_dict(self.document)
        schema.validate()
        actual = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
        assert len(actual) == sum(map(len, self.document["paths"].values()))
        first = SEED
        with requests.Session() as session:
            senders = [self._sender(operation, session) for operation in actual]
            while self.cases < cases:
                for send in senders:
                    first += 1
                    seed(first)(send)()

    def _sender(self, operation: Operation, session: requests.Session) -> Callable[[], None]:
        """Return a function that sends a few requests to an operation, others with each seed."""
        label = f"{operation.method.upper()} {operation.path}"

        @settings(
            max_examples=_AT_A_TIME,
            database=None,
            deadline=None,
            phases=[Phase.generate],  # an answer depends on earlier requests
            suppress_health_check=list(HealthCheck),
        )
        @given(_cases(operation), _twists(self.bodies.get(label, ())), st.data())
        def send(case: Case, twist: "Twist", data: st.DataObject) -> None:
            request = twist.apply(case, self, data)
            response = session.send(request, timeout=TIMEOUT_S, allow_redirects=False)
            self.statuses[label, response.status_code] += 1
            self.learn(response)
            case.validate_response(response, checks=CHECKS)

        return send


@dataclass(frozen=True, slots=True)
class Twist:
    """A change of a request that was drawn."""

    body: object = None
    hole: int | None = None
    value: str = ""
    raw: bytes | None = None
    headers: Mapping[str, bytes] = field(default_factory=dict)
    is_known: bool = True
    part: str | None = None
    is_stranger: bool = False

    def apply(self, case: Case, target: Target, data: st.DataObject) -> requests.PreparedRequest:
        """Return the request to send."""
        headers = {} if self.is_stranger else dict(target.headers)
        sent = case.as_transport_kwargs(base_url=target.url, headers=headers)
        request = requests.Request(
            sent["method"],
            self._url(case, target, data) or sent["url"],
            headers=sent.get("headers"),
            params=sent.get("params"),
            cookies=sent.get("cookies"),
            data=sent.get("data"),
            json=sent.get("json"),
        ).prepare()
        body = self._body()
        if body is not None and case.operation.body:
            request.headers.pop("Content-Length", None)  # which stays where a body is empty
            request.prepare_body(body, None)
            request.headers["Content-Type"] = "application/json"
        for name, value in self.headers.items():
            request.headers[name] = value  # type: ignore[assignment]  # bytes go out as they are
        return request

    def _body(self) -> bytes | None:
        if self.raw is not None:
            return self.raw
        if self.body is None:
            return None
        text = json.dumps(self.body)
        if self.hole is None:
            return text.encode()
        holed = _with_hole(self.body, self.hole)
        return json.dumps(holed).replace(json.dumps(_HOLE), self.value).encode()

    def _url(self, case: Case, target: Target, data: st.DataObject) -> str | None:
        names = list(case.path_parameters or {})
        if not names or not (self.is_known or self.part):
            return None
        path = case.path
        for name in names:
            known = target.known.get(name) or ["1"]
            # of the newest, for those are not deleted yet
            part = self.part or known[-1 - data.draw(st.integers(0, 3)) % len(known)]
            path = path.replace(f"{{{name}}}", part)
        return target.url + path


def _cases(operation: Operation) -> st.SearchStrategy[Case]:
    good = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if not (operation.body or operation.query or operation.headers):
        return good
    wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    return st.one_of(good, wrong)


def _twists(bodies: Sequence[Any]) -> st.SearchStrategy[Twist]:
    body = st.sampled_from(bodies) if bodies else st.none()
    holes, values = st.integers(0, 99), st.sampled_from(HOSTILE_VALUES)
    good = st.builds(Twist, body=body)
    return st.one_of(
        st.builds(Twist, is_known=st.booleans()),
        good,
        good,
        st.builds(Twist, body=body, hole=holes, value=values),
        st.builds(Twist, body=body, hole=holes, value=values),
        st.builds(Twist, raw=st.sampled_from(HOSTILE_BODIES)),
        st.builds(Twist, body=body, headers=st.sampled_from(HOSTILE_HEADERS)),
        st.builds(Twist, body=body, part=st.sampled_from(HOSTILE_PATH_PARTS)),
        st.builds(Twist, body=body, is_stranger=st.just(value=True)),
    )


def _with_hole(body: Any, number: int) -> Any:
    """Return a copy of a body in which one of its values, at any depth, gave way to the hole."""
    places = list(_places(body))
    if not places:
        return _HOLE
    copy = json.loads(json.dumps(body))
    *way, last = places[number % len(places)]
    inner = copy
    for key in way:
        inner = inner[key]
    inner[last] = _HOLE
    return copy


def _places(value: Any) -> list[tuple[Any, ...]]:
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    return [(key, *rest) for key, inner in pairs for rest in [(), *_places(inner)]]
