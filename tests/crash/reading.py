"""Has a reader, and a web server, at work on a master's repos while these are switched."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.web_server import NGINX_USER, free_port, running

_UP_S = 60.0
_NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; {user}
events {{}}
http {{
  access_log off; root {top};
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port}; }}
}}
"""


@dataclass(frozen=True, slots=True)
class Walk:
    """The observations of a repo, with counts; ``overtaken`` if it was switched meanwhile."""

    repo: str
    files: dict[str, str]
    overtaken: bool
    count: int


@dataclass(frozen=True, slots=True)
class Report:
    """All that a reader saw."""

    walks: tuple[Walk, ...]
    missing: dict[str, int]
    fetched: tuple[tuple[str, str, int], ...]


class Reading:
    """A reader at work; its report comes when it ends."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process = process
        self._folder = folder

    def await_looks(self, count: int = 2) -> None:
        """Wait until it has read everything so often (one may have begun before the call)."""
        expected = self._looks() + count
        deadline = time.monotonic() + _UP_S
        while self._looks() < expected:
            assert self._process.poll() is None, "the reader failed"
            assert time.monotonic() < deadline, "the reader does not get on"
            time.sleep(0.002)

    def _looks(self) -> int:
        try:
            return int((self._folder / "count").read_text() or 0)
        except FileNotFoundError:
            return 0

    def end(self) -> Report:
        """Let it end, and return its observations."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(_UP_S) == 0
        actual: dict[str, Any] = json.loads((self._folder / "report").read_text())
        walks = (Walk(repo, actual["sights"][name], *rest) for repo, name, *rest in actual["walks"])
        return Report(tuple(walks), actual["missing"], tuple(map(tuple, actual["fetched"])))


@contextmanager
def reading(
    folder: Path, top: Path, repos: Sequence[str], files: Sequence[str]
) -> Iterator[Reading]:
    """Let a reader read the repos below ``top``, and these files of them over HTTP."""
    folder.mkdir()
    with web_server(folder, top) as port:
        order = folder / "order"
        order.write_text(
            json.dumps(
                {
                    "top": str(top),
                    "repos": list(repos),
                    "files": list(files),
                    "port": port,
                    "count": str(folder / "count"),
                    "report": str(folder / "report"),
                }
            )
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.reader", str(order)],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        try:
            actual = Reading(process, folder)
            actual.await_looks(1)
            yield actual
        finally:
            process.kill()
            process.wait()


@contextmanager
def web_server(folder: Path, top: Path) -> Iterator[int]:
    """Serve ``top`` on loopback by nginx, as a master does, or else by Python; give the port."""
    port = free_port()
    argv = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "-d", str(top), str(port)]
    if nginx := shutil.which("nginx"):
        text = _NGINX.format(folder=folder, top=top, port=port, user=NGINX_USER)
        (folder / "nginx.conf").write_text(text)
        argv = [nginx, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with running(argv, port, folder / "server.log"):
        yield port
