"""A server of ours answers beside a flood of connections, and ends those that never ask."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from fuel_upgrade.registry.server import RegistryServer
from fuel_upgrade.system import http_limits

_TIMEOUT_S = 60
_FLOOD = 300


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(body)(scope, receive, send)


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    with RegistryServer(echo, "127.0.0.1", 0) as server:
        place = urlsplit(server.url)
        assert place.hostname
        assert place.port
        yield place.hostname, place.port


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
    except BlockingIOError:
        return False


def test_idle_connections_keep_nobody_out(address: tuple[str, int]) -> None:
    with ExitStack() as stack:
        idle = []
        for _ in range(_FLOOD):
            idle.append(stack.enter_context(socket.create_connection(address)))
            idle[-1].sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Le")
        url = f"http://{address[0]}:{address[1]}/"
        assert requests.post(url, data="asked", timeout=_TIMEOUT_S).text == "asked"
        for connection in idle:
            connection.settimeout(0)
        closed = [is_closed(connection) for connection in idle]
        assert closed.count(False) <= 200
        assert closed[0]
        assert not closed[-1]


@pytest.mark.parametrize("begun", [b"", b"POST /", b"POST / HTTP/1.1\r\nHost: x\r\n"
                                   b"Content-Length: 9\r\n\r\n12345"])  # fmt: skip
def test_a_request_that_never_ends_is_cut_off(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    # the time of an honest client is too long for a test
    monkeypatch.setattr(http_limits, "_REQUEST_S", 0.1)
    with socket.create_connection(address, timeout=_TIMEOUT_S) as connection:
        connection.sendall(begun)
        assert is_closed(connection)


def test_a_kept_connection_may_pause_for_longer(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_limits, "_REQUEST_S", 0.2)
    kept = http.client.HTTPConnection(*address, timeout=_TIMEOUT_S)
    for _ in range(2):
        kept.request("POST", "/", b"again")
        assert kept.getresponse().read() == b"again"
        with socket.create_connection(address, timeout=_TIMEOUT_S) as idle:
            assert is_closed(idle)  # its time passes meanwhile
    kept.close()
