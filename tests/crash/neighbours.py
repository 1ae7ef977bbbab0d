"""An ordinary local user who tries to stop installs: every way in a loop, without rights."""

import fcntl
import os
import select
import signal
import socket
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.config import Paths
from tests.ordinary_user import as_nobody

_CONNECTIONS = 300  # more than a server takes
_PAUSE_S = 0.01  # each way in turn: the point is not to take the CPU
_WRONG = (
    b'{"auth": {"tenantName": "admin", "passwordCredentials":'
    b' {"username": "fuel-upgrade", "password": "guess"}}}'
)
_LOGIN = b"POST /v2.0/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b"


@dataclass(frozen=True, slots=True)
class Target:
    """What the neighbour knows of a master: its paths, the port of its registry, shared folders."""

    paths: Paths
    port: int
    shared: Path


@contextmanager
def neighbour(target: Target) -> Iterator[Callable[[], Counter[str]]]:
    """Run the neighbour; give a function that ends it and returns how often it tried each way."""
    reading, writing = os.pipe()
    child = as_nobody(lambda: _annoy(target, writing))
    os.close(writing)
    counts: Counter[str] = Counter()

    def end() -> Counter[str]:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
        if not counts:
            with os.fdopen(reading, encoding="utf-8") as report:
                lines = (line.split() for line in report)
                counts.update({name: int(count) for name, count in lines})
            os.waitpid(child, 0)
        return counts

    try:
        yield end
    finally:
        end()


def _annoy(target: Target, report: int) -> None:
    """Try every way in turn until SIGTERM; report the tries, and the successes as ``NAME!``."""
    is_ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: is_ended.append(number))
    counts: Counter[str] = Counter()
    flood: list[socket.socket] = []
    ways: dict[str, Callable[[], object]] = {
        "flock": lambda: _lock(target.paths.lock),
        "record-lock": lambda: _record_lock(target.paths.journal),
        "pid-file": lambda: _lock(target.paths.pid_file),
        "transaction": lambda: _transaction(target.paths.journal),
        "registry-transaction": lambda: _transaction(target.paths.registry),
        "read": target.paths.log.read_bytes,
        "list": lambda: list(target.paths.state.iterdir()),
        "api-socket": lambda: _connect(target.paths.socket),
        "own-socket": lambda: _connect(target.paths.socket.with_name("reg.sock")),
        "write-live": (target.paths.repos / "mine").mkdir,
    }
    floods: dict[str, Callable[[], object]] = {
        "connections": lambda: _flood(target.port, flood),
        "passwords": lambda: _guess(target.port),
        "symlinks": lambda: _links(target),
    }
    while not is_ended:
        for name, way in {**ways, **floods}.items():
            counts[name] += 1
            with suppress(OSError, sqlite3.Error):
                way()
                counts[f"{name}!"] += name in ways
        time.sleep(_PAUSE_S)
    os.write(report, "".join(f"{name} {count}\n" for name, count in counts.items()).encode())


def _lock(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # and kept: never closed


def _record_lock(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def _transaction(path: Path) -> None:
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0)
    db.execute("BEGIN")
    db.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _connect(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))


def _flood(port: int, kept: list[socket.socket]) -> None:
    """Keep hundreds of idle connections open, and begin requests that never end."""
    for _ in range(20):
        connection = socket.create_connection(("127.0.0.1", port), timeout=1)
        connection.sendall(b"POST /v2.0/tokens HTTP/1.1\r\nHost: x\r\nContent-Le")
        kept.append(connection)
    for old in kept[:-_CONNECTIONS]:
        old.close()
    del kept[:-_CONNECTIONS]


def _guess(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(_LOGIN % (len(_WRONG), _WRONG))
        select.select([connection], [], [], 1)


def _links(target: Target) -> None:
    """Lay links to files of the system where a program might write, in folders that all share."""
    for folder in (target.shared, Path(tempfile.gettempdir())):
        for name in ("fuel-upgrade", "journal.sqlite", f"fuel_upgrade.{os.getppid()}.new"):
            link = folder / f"{name}.{target.port}"
            link.unlink(missing_ok=True)
            link.symlink_to(target.paths.journal)
