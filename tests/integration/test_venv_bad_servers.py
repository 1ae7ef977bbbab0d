"""The deployer's client before repo servers that cut, damage, delay or refuse."""

import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fuel_upgrade.venv.host.deploy_error import DeployError
from fuel_upgrade.venv.host.repo_server import RepoServer
from tests import servers

DATA = random.Random(1).randbytes(600_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
HALF = 1 << 18
SHORT_S = 0.3  # of clients that are to give up


class Handler(servers.Handler):
    """Plays a fault, if there is one left; else it serves ``DATA``, or the asked rest."""

    server: "BadServer"

    def do_GET(self) -> None:  # noqa: N802  # the name in http.server
        self.server.ranges.append(self.headers.get("Range"))
        if self.server.faults:
            self.server.faults.pop(0)(self)
        else:
            self.serve(DATA)

    def serve(self, data: bytes, *, declared: int | None = None) -> None:
        """Send the asked range of ``data``."""
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str((declared or len(data)) - start))
        self.end_headers()
        self.wfile.write(data[start:])


Fault = Callable[[Handler], None]


class BadServer(servers.Server):
    def __init__(self) -> None:
        super().__init__(Handler)
        self.faults: list[Fault] = []
        self.ranges: list[str | None] = []


@pytest.fixture
def server() -> Iterator[BadServer]:
    with servers.serving(BadServer()) as server:
        yield server


def cuts(handler: Handler) -> None:
    handler.serve(DATA[:HALF], declared=len(DATA))
    handler.close_connection = True


def cuts_a_chunk(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"186a0\r\n" + DATA[:50_000])
    handler.close_connection = True


def is_late(handler: Handler) -> None:
    """Send a half, and wait until the client disconnects."""
    handler.serve(DATA[:HALF], declared=len(DATA))
    handler.close_connection = True
    handler.connection.settimeout(120)
    handler.connection.recv(1)


def hangs_up(handler: Handler) -> None:
    handler.close_connection = True


def has_a_broken_head(handler: Handler) -> None:
    handler.wfile.write(b"no status line\r\n\r\n")
    handler.close_connection = True


def is_busy(handler: Handler) -> None:
    handler.send_response(503)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def damages(handler: Handler) -> None:
    handler.serve(DATA[:1000] + b"?" + DATA[1001:])


def ignores_ranges(handler: Handler) -> None:
    del handler.headers["Range"]
    handler.serve(DATA)


@pytest.mark.parametrize(
    "fault", [cuts, cuts_a_chunk, is_late, hangs_up, has_a_broken_head, is_busy, damages]
)
def test_a_download_continues_after_a_fault(
    server: BadServer, tmp_path: Path, fault: Fault
) -> None:
    server.faults.append(fault)
    target = tmp_path / "part"
    client = RepoServer(server.url, timeout_s=SHORT_S if fault is is_late else 60)
    client.download("/x", target, sha256=SHA256, size=len(DATA))

    assert target.read_bytes() == DATA


@pytest.mark.parametrize("fault", [cuts, is_late])
def test_the_received_part_is_not_sent_again(
    server: BadServer, tmp_path: Path, fault: Fault
) -> None:
    server.faults.append(fault)
    client = RepoServer(server.url, timeout_s=SHORT_S if fault is is_late else 60)
    moved = client.download("/x", tmp_path / "part", sha256=SHA256, size=len(DATA))

    assert server.ranges == [None, f"bytes={HALF}-"]
    assert moved == len(DATA)


def test_a_server_without_ranges_sends_everything_again(server: BadServer, tmp_path: Path) -> None:
    server.faults += [cuts, ignores_ranges]
    target = tmp_path / "part"
    RepoServer(server.url).download("/x", target, sha256=SHA256, size=len(DATA))

    assert target.read_bytes() == DATA


def test_a_file_that_is_always_damaged_is_refused_and_removed(
    server: BadServer, tmp_path: Path
) -> None:
    server.faults += [damages] * 9
    target = tmp_path / "part"
    with pytest.raises(DeployError, match=SHA256):
        RepoServer(server.url).download("/x", target, sha256=SHA256, size=len(DATA))

    assert not target.exists()
    assert len(server.ranges) == 2


@pytest.mark.parametrize("fault", [cuts, cuts_a_chunk, is_late])
def test_a_small_file_that_is_cut_is_an_error_of_the_server(
    server: BadServer, fault: Fault
) -> None:
    server.faults.append(fault)
    client = RepoServer(server.url, timeout_s=SHORT_S if fault is is_late else 60)
    with pytest.raises(DeployError):
        client.ask("/x", None)
