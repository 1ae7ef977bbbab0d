"""A web server of a test on loopback, as a process."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

NGINX_USER = "user root;" if os.geteuid() == 0 else ""
"""A line of ``nginx.conf``: the folders of a test are its user's."""
_UP_S = 60


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def running(
    argv: Sequence[str], port: int, log: Path, *, address: str = "127.0.0.1"
) -> Iterator[None]:
    """Run a server, and wait until it listens at the port; its output goes to ``log``."""
    with log.open("wb") as output:
        server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        _await_port(server, address, port)
        yield
    finally:
        server.terminate()
        server.wait()


def _await_port(server: subprocess.Popen[bytes], address: str, port: int) -> None:
    deadline = time.monotonic() + _UP_S
    while True:
        assert server.poll() is None, "the web server did not start"
        assert time.monotonic() < deadline, "the web server does not answer"
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
