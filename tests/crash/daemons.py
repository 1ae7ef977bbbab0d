"""Real daemons that come up fast, and that can be killed at a time to the millisecond."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuel_upgrade.cli.client.daemon_client import DaemonClient
from fuel_upgrade.upgrade.transaction.failpoints import VARIABLE

_UP_S = 60.0
_POLL_S = 0.001


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon's process, and the socket at which it answers."""

    process: int
    handle: int
    socket: Path

    def client(self) -> DaemonClient:
        return DaemonClient(self.socket)

    def kill(self) -> None:
        """End it as a crash does; return when it is gone."""
        signal.pidfd_send_signal(self.handle, signal.SIGKILL)
        self.await_end()

    def await_end(self) -> None:
        """Wait for it to be killed, by us or by itself."""
        ended, _, _ = select.select([self.handle], [], [], _UP_S)
        assert ended, f"process {self.process} did not end"
        os.close(self.handle)

    def await_socket(self) -> None:
        """Wait for it to listen, which is just before it recovers."""
        deadline = time.monotonic() + _UP_S
        while not self.socket.exists():
            assert time.monotonic() < deadline, "the daemon did not come up"
            time.sleep(_POLL_S)

    def await_ready(self) -> None:
        """Wait for its first answer: its recovery is over by then."""
        self.await_socket()
        self.client().get("/releases")

    def do(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Have a job done to its end; return its last event."""
        client = self.client()
        job = client.post(path, body)["job"]
        last: dict[str, Any] = list(client.events(job))[-1]
        return last


class Daemons:
    """Starts daemons below a root, one after the other."""

    def __init__(self, loaded: subprocess.Popen[str], root: Path) -> None:
        self._loaded = loaded
        self._root = root

    def start(self, config: Path, *, fail_points: str = "") -> Daemon:
        socket = self._root / "run/fuel-upgrade/api.sock"
        socket.unlink(missing_ok=True)  # a dead daemon's
        order = {
            "argv": ["fuel-upgraded", "--root", str(self._root), "--config", str(config)],
            "environment": {VARIABLE: fail_points},
        }
        assert self._loaded.stdin is not None
        assert self._loaded.stdout is not None
        self._loaded.stdin.write(json.dumps(order) + "\n")
        self._loaded.stdin.flush()
        process = int(self._loaded.stdout.readline())
        return Daemon(process, os.pidfd_open(process), socket)


@contextmanager
def daemons(root: Path) -> Iterator[Daemons]:
    """Give a function that starts daemons below ``root``."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.preload"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as loaded:
        yield Daemons(loaded, root)
        assert loaded.stdin is not None
        loaded.stdin.close()
