"""HTTP servers of tests: their threads print nothing, and an error in them fails the test."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

_POLL_S = 0.02


class Handler(BaseHTTPRequestHandler):
    """Keeps connections open, sends at once, and logs nothing."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        """Keep quiet."""


class Server(ThreadingHTTPServer):
    """Listens on a free port of loopback."""

    daemon_threads = True
    request_queue_size = 128  # no connection is refused because the machine is busy

    def __init__(self, handler: Any) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.broken: list[BaseException] = []

    @property
    def port(self) -> int:
        return int(self.server_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep the error of a response, except a client that disconnected.

        To format a traceback here, as the base does, parses source beside the main thread. Where
        that formats one too, CPython 3.11 raises SystemError and ends the whole run of pytest.
        """
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.broken.append(error)


AnyServer = TypeVar("AnyServer", bound=Server)


@contextmanager
def serving(server: AnyServer) -> Iterator[AnyServer]:
    """Serve in a thread; at the end raise the error of a response."""
    with server:
        threading.Thread(target=server.serve_forever, args=(_POLL_S,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
    if server.broken:
        raise server.broken[0]
