"""A Nailgun that fails on request: a proxy of a real registry."""

import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlsplit

from tests.clock import Clock
from tests.servers import Handler, Server, serving

TIMEOUT_S = 120  # no test is about it
_PASSED_ON = ("content-type", "x-auth-token", "x-subject-token")


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/html"})


@dataclass(frozen=True, slots=True)
class Request:
    """A client's request to forward, and its connection."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: socket.socket = field(repr=False)

    def passed_to(self, upstream: str) -> Reply:
        with closing(HTTPConnection(urlsplit(upstream).netloc, timeout=TIMEOUT_S)) as connection:
            connection.request(self.method, self.path, self.body or None, self.headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read(), _passed(answer.getheaders()))

    def carried_out_by(self, upstream: str) -> None:
        reply = self.passed_to(upstream)
        assert reply.status < 400, reply


Fault = Callable[[Request, str], Reply | None]
"""Answers a request in the registry's stead; None closes the connection without an answer."""


def answers(status: int) -> Fault:
    """Answer without doing anything."""
    return lambda _request, _upstream: Reply(status, b"restarting")


def loses_the_answer(request: Request, upstream: str) -> None:
    """Execute the request, and close without a response."""
    request.carried_out_by(upstream)


def closes(_request: Request, _upstream: str) -> None:
    """Do nothing, and close without an answer."""


@dataclass
class Late:
    """Two answers: the first request is dropped, and carried out just before the second."""

    held: list[Request] = field(default_factory=list)

    def drop(self, request: Request, _upstream: str) -> None:
        self.held.append(request)

    def conflict(self, request: Request, upstream: str) -> Reply:
        self.held.pop().carried_out_by(upstream)
        return request.passed_to(upstream)


@dataclass
class Held:
    """Passes a request on only when it is let go."""

    arrived: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    carried_out: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: Request, upstream: str) -> Reply:
        self.arrived.set()
        self.let_go.wait(TIMEOUT_S)
        reply = request.passed_to(upstream)
        self.carried_out.set()
        return reply

    def carry_out(self) -> None:
        """Let the request go, and wait until it is carried out."""
        self.let_go.set()
        assert self.carried_out.wait(TIMEOUT_S)


@dataclass(frozen=True, slots=True)
class Slow:
    """Takes ``seconds`` of the client's clock."""

    clock: Clock
    seconds: float

    def answers(self, request: Request, upstream: str) -> Reply:
        """Answer after that time."""
        self.clock.advance(self.seconds)
        return request.passed_to(upstream)

    def gives_no_answer(self, request: Request, _upstream: str) -> None:
        """Do nothing, and begin an answer after that time; wait until the client has left."""
        self.clock.advance(self.seconds)
        with suppress(OSError):
            request.connection.sendall(b"HTTP/1.1")  # it looks at its clock when something comes
            request.connection.settimeout(TIMEOUT_S)
            request.connection.recv(1)


def _passed(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() in _PASSED_ON}


class FlakyNailgun(Server):
    """Passes requests on to ``upstream``, but for those that a fault was set for, in order."""

    def __init__(self, upstream: str) -> None:
        super().__init__(_Handler)
        self.upstream = upstream
        self.faults: dict[tuple[str, str], list[Fault]] = defaultdict(list)
        self.seen: list[str] = []

    def set(self, method: str, resource: str, *faults: Fault) -> None:
        self.faults[method, resource].extend(faults)


class _Handler(Handler):
    server: FlakyNailgun

    def answer(self) -> None:
        headers = _passed(self.headers.items())
        request = Request(self.command, self.path, headers, self.body(), self.connection)
        resource = self.path.removeprefix("/api/v1/").partition("/")[0]
        self.server.seen.append(f"{self.command} {resource}")
        faults = self.server.faults[self.command, resource]
        fault = faults.pop(0) if faults else Request.passed_to
        reply = fault(request, self.server.upstream)
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  # http.server's names


def flaky_nailgun(upstream: str) -> AbstractContextManager[FlakyNailgun]:
    return serving(FlakyNailgun(upstream))
