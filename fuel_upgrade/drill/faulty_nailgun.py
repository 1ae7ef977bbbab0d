"""A proxy of the embedded registry that fails on purpose while it is armed."""

import threading
import time
from collections.abc import Iterable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from fuel_upgrade.drill.verdict_table import Fault

REFUSALS = 2
"""The number of requests that a busy Nailgun refuses: less than the client's attempts."""
_POLL_S = 0.02
_UPSTREAM_TIMEOUT_S = 30.0
_UNAVAILABLE = 503
_PASSED_ON = ("content-type", "accept", "x-auth-token", "x-subject-token", "retry-after")

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


class FlakyProxy:
    """Forwards requests to ``upstream``, with ``fault`` while the file ``armed`` exists.

    BUSY refuses the first requests, DOWN refuses all, SILENT neither executes nor answers any.
    LOST executes the first change and does not answer. TWICE executes each change two times and
    sends the second response.
    """

    def __init__(self, upstream: str, fault: Fault | None, armed: Path) -> None:
        self._fault, self._armed = fault, armed
        self._upstream = urlsplit(upstream).netloc
        self._lock = threading.Lock()
        self._failed = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="flaky", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.socket.close()  # not server_close: that waits for connections kept open
        self._thread.join()

    @property
    def url(self) -> str:
        """The URL for clients."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer | None:
        """Return the response; None closes the connection instead."""
        if self._fault is None or not self._armed.exists():
            return self._ask(method, path, headers, body)
        if self._fault is Fault.SILENT:
            self._wait()
            return None
        if self._fault is Fault.DOWN or (self._fault is Fault.BUSY and self._may_fail(REFUSALS)):
            return _UNAVAILABLE, {"Content-Type": "text/plain"}, b"drill: unavailable"
        answer = self._ask(method, path, headers, body)
        is_change = method != "GET"
        if is_change and self._fault is Fault.TWICE:
            answer = self._ask(method, path, headers, body)
        is_lost = is_change and self._fault is Fault.LOST and self._may_fail(1)
        return None if is_lost else answer

    def _wait(self) -> None:
        while self._armed.exists():
            time.sleep(_POLL_S)

    def _may_fail(self, times: int) -> bool:
        with self._lock:
            self._failed += 1
            return self._failed <= times

    def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        connection = HTTPConnection(self._upstream, timeout=_UPSTREAM_TIMEOUT_S)
        try:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            return response.status, _passed_on(response.getheaders()), response.read()
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # connections are kept open, as Nailgun does
            disable_nagle_algorithm = True

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:  # the client was killed, or timed out
                    self.close_connection = True

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                forwarded = _passed_on(self.headers.items())
                answer = proxy.answer(self.command, self.path, forwarded, body)
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, data = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
                """Log nothing: the registry and the journal have the requests."""

        return Handler


def _passed_on(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() in _PASSED_ON}
