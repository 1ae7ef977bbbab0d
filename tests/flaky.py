"""A Nailgun that misbehaves when told: a proxy before a real registry."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

_PASSED_ON = ("content-type", "x-auth-token", "x-subject-token")


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent, to be passed on."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def forward(self, upstream: str) -> httpx.Response:
        return httpx.request(
            self.method,
            upstream + self.path,
            headers=self.headers,
            content=self.body,
            trust_env=False,
            timeout=30,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/html"})


Fault = Callable[[Request, str], Reply | None]
"""Answers a request in the registry's stead; None closes the connection without an answer."""


def answers(status: int) -> Fault:
    """Answer without doing anything."""
    return lambda _request, _upstream: Reply(status, b"restarting")


def loses_the_answer(request: Request, upstream: str) -> None:
    """Do what was asked, and close without an answer."""
    request.forward(upstream).raise_for_status()


def closes(_request: Request, _upstream: str) -> None:
    """Do nothing, and close without an answer."""


@dataclass
class Late:
    """Two answers: the first request is dropped, and carried out just before the second."""

    held: list[Request] = field(default_factory=list)

    def drop(self, request: Request, _upstream: str) -> None:
        self.held.append(request)

    def conflict(self, request: Request, upstream: str) -> Reply:
        self.held.pop().forward(upstream).raise_for_status()
        return passed_on(request, upstream)


@dataclass
class Held:
    """Passes a request on only when it is let go."""

    arrived: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: Request, upstream: str) -> Reply:
        self.arrived.set()
        self.let_go.wait(60)
        return passed_on(request, upstream)


def passed_on(request: Request, upstream: str) -> Reply:
    answer = request.forward(upstream)
    return Reply(answer.status_code, answer.content, _passed(answer.headers.items()))


def _passed(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() in _PASSED_ON}


class FlakyNailgun(ThreadingHTTPServer):
    """Passes requests on to ``upstream``, but for those that a fault was set for, in order."""

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.faults: dict[tuple[str, str], list[Fault]] = defaultdict(list)
        self.seen: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def set(self, method: str, resource: str, *faults: Fault) -> None:
        self.faults[method, resource].extend(faults)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FlakyNailgun

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, _passed(self.headers.items()), body)
        resource = self.path.removeprefix("/api/v1/").partition("/")[0]
        self.server.seen.append(f"{self.command} {resource}")
        faults = self.server.faults[self.command, resource]
        fault = faults.pop(0) if faults else passed_on
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

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        """Keep quiet."""


@contextmanager
def flaky_nailgun(upstream: str) -> Iterator[FlakyNailgun]:
    with FlakyNailgun(upstream) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield made
        made.shutdown()
