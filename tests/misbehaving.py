"""A Nailgun with its Keystone that plays scripted answers, over real sockets and real TLS."""

import gzip
import json
import logging
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest

from fuel_upgrade.errors import ControlPlaneError
from tests import servers
from tests.clock import Clock

TOKEN = "gAAAAAB-unmistakable-token"
PASSWORD = "correct horse battery"
TIMEOUT_S = 120  # no test is about it
DROPS = 40
Script = Callable[["Handler"], None]
"""Answers one request to Nailgun."""


@dataclass(frozen=True, slots=True)
class Seen:
    method: str
    path: str
    token: str
    body: bytes


class Handler(servers.Handler):
    """Plays one scripted answer after the other; gives tokens of Keystone beside."""

    server: "BadNailgun"

    def answer(self) -> None:
        token = self.headers.get("X-Auth-Token", "")
        seen = Seen(self.command, self.path, token, self.body())
        if "/api/" not in self.path:
            self.server.keystone_seen.append(seen)
            self.server.keystone(self, seen)
            return
        self.server.next_script(seen)(self)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  # http.server's names

    def reply(
        self, status: int, body: object, kind: str = "application/json", **headers: str
    ) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def handle_one_request(self) -> None:
        with suppress(OSError):  # the client had enough
            super().handle_one_request()
            return
        self.close_connection = True


Keystone = Callable[[Handler, Seen], None]
"""Answers one request to Keystone."""


def keystone_v2(handler: Handler, seen: Seen) -> None:
    """Be a Keystone of 2014, which has v2.0 alone."""
    if (seen.method, seen.path) != ("POST", "/keystone/v2.0/tokens"):
        handler.reply(404, b"", "text/html")
        return
    auth = json.loads(seen.body)["auth"]
    if auth["passwordCredentials"]["password"] != PASSWORD:
        handler.reply(401, b"")
        return
    handler.reply(200, {"access": {"token": {"id": handler.server.next_token()}}})


@dataclass(frozen=True, slots=True)
class KeystoneV3:
    """Be a Keystone of today, which has v3 alone, as the Identity API describes it."""

    user_domain: str = "Default"
    project: str = "admin"
    project_domain: str = "Default"

    def __call__(self, handler: Handler, seen: Seen) -> None:
        if (seen.method, seen.path) == ("GET", "/keystone/v3"):
            version = {"id": "v3.14", "status": "stable", "links": [], "media-types": []}
            handler.reply(200, {"version": version})
        elif (seen.method, seen.path) != ("POST", "/keystone/v3/auth/tokens"):
            handler.reply(404, {"error": {"code": 404, "title": "Not Found", "message": ""}})
        elif self.accepts(json.loads(seen.body)["auth"]):
            token = handler.server.next_token()
            body = {"token": {"methods": ["password"], "expires_at": "2030-01-01T00:00:00.000000Z"}}
            handler.reply(201, body, X_Subject_Token=token)
        else:
            handler.reply(401, {"error": {"code": 401, "title": "Unauthorized", "message": ""}})

    def accepts(self, auth: Any) -> bool:
        expected = {
            "identity": {
                "methods": ["password"],
                "password": {
                    "user": {
                        "name": "admin",
                        "domain": {"name": self.user_domain},
                        "password": PASSWORD,
                    }
                },
            },
            "scope": {"project": {"name": self.project, "domain": {"name": self.project_domain}}},
        }
        return bool(auth == expected)


class BadNailgun(servers.Server):
    """Has a clock for clients that are to see time pass."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(Handler)
        self.script: list[Script] = []
        self.seen: list[Seen] = []
        self.keystone: Keystone = keystone_v2
        self.keystone_seen: list[Seen] = []
        self.tokens: list[str] = []
        self.clock = Clock()
        self._asked = threading.Condition()
        self._tls = tls

    def next_token(self) -> str:
        self.tokens.append(f"{TOKEN}-{len(self.tokens) + 1}")
        return self.tokens[-1]

    def next_script(self, seen: Seen) -> Script:
        with self._asked:
            self.seen.append(seen)
            self._asked.notify_all()
            return self.script.pop(0)

    def await_script_end(self) -> None:
        """Wait until every answer was asked for: a client may give up before that is seen here."""
        with self._asked:
            assert self._asked.wait_for(lambda: self.script == [], timeout=TIMEOUT_S)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self._tls is not None:
            with suppress(OSError):  # a client that does not like the certificate leaves
                request = self._tls.wrap_socket(request, server_side=True)
                super().finish_request(request, client_address)
                request.close()
            return
        super().finish_request(request, client_address)


@contextmanager
def no_secret_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """See to it that no log of ours or of a library has a secret, whatever a test does."""
    caplog.set_level(logging.DEBUG)
    yield
    assert TOKEN not in caplog.text
    assert PASSWORD not in caplog.text


def bad_nailgun(tls: ssl.SSLContext | None = None) -> AbstractContextManager[BadNailgun]:
    return servers.serving(BadNailgun(tls))


def refusal(ask: Callable[[], object], *, secret: str = PASSWORD) -> ControlPlaneError:
    """Return the error that asking ends with; neither the password nor a token is in its text."""
    with pytest.raises(ControlPlaneError) as caught:
        ask()
    shown = "".join(traceback.format_exception(caught.value))
    shown += repr(caught.value) + json.dumps(caught.value.to_json())
    assert TOKEN not in shown
    assert secret not in shown
    return caught.value


# Its possible faults


def says(status: int, body: object, kind: str = "application/json", **headers: str) -> Script:
    return lambda handler: handler.reply(status, body, kind, **headers)


def tells_the_token(status: int, kind: str = "text/html") -> Script:
    """Show the request's headers, as the debug pages of frameworks do."""
    return lambda handler: handler.reply(
        status, f"you sent {handler.headers['X-Auth-Token']}".encode(), kind
    )


def begins(handler: Handler) -> None:
    """Close amid the body."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"[")
    handler.close_connection = True


def begins_chunked(handler: Handler) -> None:
    """Close in the middle of a body without a declared length."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"10\r\n[")
    handler.close_connection = True


def ends_in_the_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    handler.close_connection = True


def has_a_broken_head(handler: Handler) -> None:
    """Show the token behind a line that is no header, where parsers do not find it any more."""
    token = handler.headers["X-Auth-Token"]
    head = f"HTTP/1.1 200 OK\r\nno header\r\nX-Seen: {token}\r\nContent-Length: 2\r\n\r\n[]"
    handler.wfile.write(head.encode())
    handler.close_connection = True


def hangs_up(handler: Handler) -> None:
    handler.close_connection = True


def is_slow(handler: Handler) -> None:
    """Send nothing until the client has had enough."""
    handler.close_connection = True
    handler.connection.settimeout(TIMEOUT_S)
    handler.connection.recv(1)


def is_slow_halfway(handler: Handler) -> None:
    begins(handler)
    is_slow(handler)


def drips(head: bytes, drop: bytes) -> Script:
    """Send drop after drop, each a tenth of a second of the clock after the last; then nothing."""

    def drip(handler: Handler) -> None:
        handler.wfile.write(head)
        for _ in range(DROPS):
            handler.wfile.write(drop)
            handler.server.clock.advance(0.1)
        is_slow(handler)

    return drip


def floods(status: int, **headers: str) -> Script:
    """Send a hundred megabytes, and not say that they come."""

    def flood(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("Connection", "close")
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.close_connection = True
        for _ in range(1000):
            handler.wfile.write(b"[" * 100_000)

    return flood


def floods_chunked(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.close_connection = True
    for _ in range(1000):
        handler.wfile.write(b"186a0\r\n" + b"[" * 100_000 + b"\r\n")


def announces_too_much(handler: Handler) -> None:
    """Say that a gigabyte comes, and send nothing of it."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(1 << 30))
    handler.end_headers()


def bomb(size_bytes: int) -> Script:
    """Send few bytes that unpack to many."""
    packed = gzip.compress(b" " * size_bytes)
    return says(200, packed, Content_Encoding="gzip")
