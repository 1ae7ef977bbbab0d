"""The socket of the API appears when it can be connected to, never before."""

import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fuel_upgrade.daemon.api_socket import listening
from fuel_upgrade.errors import OutsideError

NO_GROUP = "a-group-that-nobody-has"


@contextmanager
def connected(path: Path) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(str(path))
        yield


def test_a_visible_socket_accepts_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "api.sock"
    bind, seen = socket.socket.listen, []

    def listen(self: socket.socket, backlog: int) -> None:
        # patched because no client can be made to come exactly now
        seen.append(path.exists())
        bind(self, backlog)

    monkeypatch.setattr(socket.socket, "listen", listen)
    with listening(path, NO_GROUP), connected(path):
        assert seen == [False]
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert list(tmp_path.iterdir()) == []


def test_the_socket_of_a_dead_daemon_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
    with listening(path, NO_GROUP), connected(path):
        pass


def test_a_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(OutsideError, match="cannot listen there") as caught,
        listening(tmp_path / ("x" * 120), NO_GROUP),
    ):
        pass
    assert "paths.socket" in caught.value.remedy
