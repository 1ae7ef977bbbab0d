"""A daemon with one job and scripted events, for tests of clients."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

JOB = "7f3a0001"
Script = Callable[[], Iterable[dict[str, Any]]]


class ScriptedDaemon:
    """Its requests; ``script`` gives the events, from the first on, to every client."""

    def __init__(self, script: Script, answers: Mapping[str, Any]) -> None:
        self.script = script
        self.answers = {"/v1/releases": [], "/v1/installs": {"job": JOB}, **answers}
        self.cancelled = threading.Event()
        self.asked: list[tuple[str, str]] = []

    def answer(self, method: str, path: str) -> Any:
        self.asked.append((method, path))
        if path.endswith("/cancel"):
            self.cancelled.set()
        return self.answers.get(path, {"job": JOB})


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path, daemon: ScriptedDaemon) -> None:
        self.daemon = daemon
        super().__init__(str(path), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if not self.path.endswith("/events"):
            self._answer("GET")
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.end_headers()
        with suppress(OSError):  # the client went away
            for event in self.server.daemon.script():
                self.wfile.write(json.dumps(event).encode() + b"\n")
                self.wfile.flush()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer("POST")

    def _answer(self, method: str) -> None:
        data = json.dumps(self.server.daemon.answer(method, self.path)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: object) -> None:
        """Print nothing."""

    def address_string(self) -> str:
        return "a unix socket"


@contextmanager
def scripted_daemon(
    path: Path, script: Script = tuple, *, answers: Mapping[str, Any] | None = None
) -> Iterator[ScriptedDaemon]:
    """Serve at a unix socket; ``answers`` are those of paths."""
    daemon = ScriptedDaemon(script, answers or {})
    with _Server(path, daemon) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield daemon
        finally:
            server.shutdown()
            thread.join()
