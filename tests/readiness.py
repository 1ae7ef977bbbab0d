"""Waits until a daemon is ready, by its notification to systemd."""

import os
import select
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from uuid import uuid4

from tests.programs import Program

TIMEOUT_S = 120  # no test is about it


@dataclass(frozen=True, slots=True)
class Readiness:
    """The abstract socket of sd_notify(3) of one daemon: a path could be too long."""

    address: str
    listener: socket.socket

    def environment(self) -> dict[str, str]:
        return {**os.environ, "NOTIFY_SOCKET": self.address}

    def wait(self, process: "subprocess.Popen[bytes] | Program | None" = None) -> None:
        """Return when the daemon is ready; fail when ``process``, if it is known, ends before."""
        ends = [os.pidfd_open(process.pid)] if process else []
        try:
            own = self.listener.fileno()
            heard: list[int] = []
            while not heard or b"READY=1" not in self.listener.recv(4096).splitlines():
                heard, _, _ = select.select([own, *ends], [], [], TIMEOUT_S)
                assert own in heard, "the daemon did not come up"
        finally:
            for end in ends:
                os.close(end)


@contextmanager
def readiness() -> Iterator[Readiness]:
    name = f"fuel-upgrade-tests-{uuid4()}"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
        listener.bind(f"\0{name}")
        yield Readiness(f"@{name}", listener)
