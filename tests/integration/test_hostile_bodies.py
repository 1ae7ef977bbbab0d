"""Every writing endpoint refuses hostile bodies: early, without a traceback, in bounded memory."""

import http.client
import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from fuel_upgrade.config import Config
from fuel_upgrade.system.http_limits import BODY_MAX_BYTES
from tests.host import Host
from tests.hostile_bodies import hostile_bodies
from tests.readiness import readiness

_MIB = 1 << 20
_LEAST = 40
_SERVER_ERROR = 500
Connect = Callable[[], http.client.HTTPConnection]


class UnixConnection(http.client.HTTPConnection):
    """A connection to a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=20)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@pytest.fixture
def daemon(host: Host) -> Iterator[int]:
    """A running daemon; its process id."""
    with readiness() as notified, host.daemon(notified=notified) as running:
        # a queue that is never emptied would block the reloads
        Thread(target=_empty, args=(notified.listener,), daemon=True).start()
        yield running.pid


def _empty(listener: socket.socket) -> None:
    with suppress(OSError):  # closed
        while listener.recv(4096):
            pass


def peak_bytes(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def writing(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return method and path of each endpoint that may have a body, and a key that it knows."""
    actual = []
    for path, item in sorted(document["paths"].items()):
        for method, operation in item.items():
            if method in ("post", "put", "patch", "delete"):
                schema = str(operation.get("requestBody", ""))
                model = re.search(r"schemas/(\w+)", schema)
                known = document["components"]["schemas"].get(model.group(1), {}) if model else {}
                fields = [*known.get("properties", {}), "name"]
                concrete = re.sub(r"\{\w+\}", "1", path)
                actual.append((method.upper(), concrete, fields[0]))
    return actual


def ask(
    connect: Connect, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    with closing(connect()) as connection:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()


def refuse_all(connect: Connect, document: dict[str, Any], headers: Mapping[str, str]) -> None:
    """Send all bodies to all endpoints, and check that each is answered and none breaks."""
    for method, path, field in writing(document):
        got = {
            name: ask(connect, method, path, body, {**headers, "Content-Type": kind})[0]
            for name, kind, body in hostile_bodies(field, BODY_MAX_BYTES)
        }
        assert len(got) >= _LEAST
        broken = {name: status for name, status in got.items() if status >= _SERVER_ERROR}
        assert not broken, (method, path)
        takes_body = got["half an object"] != got["an unknown key"] or method == "POST"
        if takes_body and method != "DELETE":
            assert got["one byte over the limit"] in (404, 413), (method, path)


def test_the_daemon_refuses_every_hostile_body(host: Host, daemon: int) -> None:
    path = Config().under(host.root).paths.socket

    def connect() -> http.client.HTTPConnection:
        return UnixConnection(path)

    document = json.loads(ask(connect, "GET", "/openapi.json", None, {})[1])
    assert len(writing(document)) >= 13
    refuse_all(connect, document, {})
    assert peak_bytes(daemon) < 256 * _MIB
    assert "request broke" not in host.log()


def test_the_registry_refuses_every_hostile_body(host: Host, daemon: int) -> None:
    place = urlsplit(host.json("status")["control_plane"].rpartition(" ")[2])

    def connect() -> http.client.HTTPConnection:
        return http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)

    password = (host.root / "var/lib/fuel_upgrade/registry.password").read_text()
    credentials = {"username": "fuel-upgrade", "password": password}
    login = json.dumps({"auth": {"passwordCredentials": credentials}}).encode()
    token = json.loads(ask(connect, "POST", "/v2.0/tokens", login, {})[1])["access"]["token"]["id"]
    headers = {"X-Auth-Token": token}
    document = json.loads(ask(connect, "GET", "/openapi.json", None, headers)[1])
    assert len(writing(document)) >= 12
    refuse_all(connect, document, headers)
    assert peak_bytes(daemon) < 256 * _MIB
    assert "Traceback" not in host.log()


@pytest.mark.parametrize("is_chunked", [False, True])
def test_half_a_gigabyte_is_refused_before_it_is_sent(
    host: Host, daemon: int, *, is_chunked: bool
) -> None:
    with closing(UnixConnection(Config().under(host.root).paths.socket)) as connection:
        connection.putrequest("POST", "/v1/rollbacks")
        connection.putheader("Content-Type", "application/json")
        if is_chunked:
            connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders()
            chunk = b"100000\r\n" + b" " * _MIB + b"\r\n"
            for _ in range(BODY_MAX_BYTES // _MIB + 1):
                connection.send(chunk)
        else:
            connection.putheader("Content-Length", str(512 * _MIB))
            connection.endheaders()
        assert connection.getresponse().status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert peak_bytes(daemon) < 256 * _MIB


def test_an_empty_guard_does_not_undo_the_last_install(host: Host, daemon: int) -> None:
    def connect() -> http.client.HTTPConnection:
        return UnixConnection(Config().under(host.root).paths.socket)

    assert daemon
    headers = {"Content-Type": "application/json"}
    for path, body in (
        ("/v1/rollbacks", {"install": ""}),
        ("/v1/rollbacks", {"install": " \t"}),
        ("/v1/rollbacks", {"Install": "0a1b2c3d"}),
        ("/v1/repairs", {"install": "", "accept": True}),
        ("/v1/gc-plans", {"releases": [""]}),
        ("/v1/squashes", {"release": " "}),
        ("/v1/plans", {"tarballs": ["", "/x"]}),
        ("/v1/installs", {"tarball": ""}),
    ):
        status, answer = ask(connect, "POST", path, json.dumps(body).encode(), headers)
        assert (status, json.loads(answer)["error"]) == (400, "bad-request"), (path, body)
