"""The client of the daemon, at a socket behind which something is wrong."""

import json
import os
import re
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade import __version__
from fuel_upgrade.cli.client import daemon_errors
from fuel_upgrade.cli.client.daemon_client import DaemonClient, Target
from fuel_upgrade.cli.client.daemon_errors import unreachable
from fuel_upgrade.daemon import VERSION_HEADER
from fuel_upgrade.errors import ConfigError, NotFoundError, PreflightError, UpgradeError

STATUS = b'{"fuel_version": "6.0"}'
NOT_FOUND = json.dumps(NotFoundError("no such job", remedy="look").to_json()).encode()


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(*chunks: bytes, whole: bool = True) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head + body + (b"0\r\n\r\n" if whole else b"")


def read_request(connection: socket.socket) -> bytes:
    """Read a request with its body; nothing where there is none."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


class Listener:
    """Answers each connection to a socket with the same bytes, and hangs up."""

    def __init__(self, place: Path, data: bytes) -> None:
        self.requests: list[bytes] = []
        self._data = data
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(place))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                requested = read_request(connection)
                if not requested:
                    return
                self.requests.append(requested)
                connection.sendall(self._data)

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(self._socket.getsockname())
        self._thread.join()
        self._socket.close()


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Callable[[bytes], tuple[DaemonClient, Listener]]]:
    listeners: list[Listener] = []

    def start(data: bytes) -> tuple[DaemonClient, Listener]:
        place = tmp_path / "api.sock"
        listeners.append(Listener(place, data))
        return DaemonClient(place), listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


Listen = Callable[[bytes], tuple[DaemonClient, Listener]]


def refused(work: Callable[[], Any]) -> UpgradeError:
    with pytest.raises(UpgradeError) as caught:
        work()
    return caught.value


def test_an_answer_is_the_json_of_the_daemon(listen: Listen) -> None:
    client, listener = listen(answer(STATUS, "200 OK", f"{VERSION_HEADER}: 9.9"))
    assert client.get("/status") == {"fuel_version": "6.0"}
    assert client.daemon_version == "9.9"
    assert client.post("/plans", {"tarball": "/t"}, headers={"Idempotency-Key": "k"})
    assert listener.requests[0].startswith(b"GET /v1/status HTTP/1.1\r\n")
    assert b"Idempotency-Key: k\r\n" in listener.requests[1]
    assert listener.requests[1].endswith(b'{"tarball": "/t"}')


def test_a_refusal_comes_back_as_it_was_raised(listen: Listen) -> None:
    client, _ = listen(answer(NOT_FOUND, "404 Not Found"))
    error = refused(lambda: client.delete("/releases/9"))
    assert isinstance(error, NotFoundError)
    assert error.what == "no such job"


def test_events_are_whole_although_chunks_split_them(listen: Listen) -> None:
    client, _ = listen(chunked(b'{"event": "st', b'ep"}\n{"event": "result", "result": {}}', b"\n"))
    assert [event["event"] for event in client.events("j")] == ["step", "result"]


@pytest.mark.parametrize(
    "data",
    [
        chunked(b'{"event": "step"}\n', b'{"event": "res'),
        chunked(b'{"event": "step"}\n')[:-9],
    ],
    ids=["in a line", "in a chunk"],
)
def test_a_stream_that_ends_in_a_line_is_a_lost_daemon(listen: Listen, data: bytes) -> None:
    client, _ = listen(data)
    error = refused(lambda: list(client.events("22b5")))
    assert (error.code, error.exit_code) == ("daemon-lost", 7)
    assert "22b5" in error.what
    assert "fuel-upgrade history" in error.remedy


def test_a_job_that_is_not_known_is_refused_before_its_events(listen: Listen) -> None:
    client, _ = listen(answer(NOT_FOUND, "404 Not Found"))
    assert isinstance(refused(lambda: list(client.events("x"))), NotFoundError)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        answer(b"<html>", "200 OK"),
        answer(b"<html>", "502 Bad Gateway"),
        answer(b'"text"', "404 Not Found"),
        answer(b"[1]", "500 Internal Server Error"),
    ],
)
def test_an_answer_of_another_server_is_reported(listen: Listen, data: bytes) -> None:
    client, _ = listen(data)
    error = refused(lambda: client.get("/status"))
    assert (error.code, error.exit_code) == ("bad-answer", 7)
    assert "GET /status" in error.what
    assert "--socket" in error.remedy


@pytest.mark.parametrize("data", [b"", answer(STATUS)[:-5]], ids=["at once", "in the answer"])
def test_a_daemon_that_goes_away_before_its_answer_is_named(listen: Listen, data: bytes) -> None:
    client, _ = listen(data)
    error = refused(lambda: client.post("/installs", {}))
    assert (error.code, error.exit_code) == ("daemon-lost", 7)
    assert "POST /installs" in error.what
    assert "fuel-upgrade history" in error.remedy


def test_a_request_that_the_daemon_does_not_know_is_reported_with_both_versions(
    listen: Listen,
) -> None:
    unknown = NotFoundError("GET /v1/new: Not Found", remedy="", code="no-route").to_json()
    body = json.dumps(unknown).encode()
    client, _ = listen(answer(body, "404 Not Found", f"{VERSION_HEADER}: 0.0.9"))
    error = refused(lambda: client.get("/new"))
    assert error.code == "other-version"
    assert "0.0.9" in error.what
    assert __version__ in error.what
    assert "systemctl restart fuel-upgrade" in error.remedy


def test_a_request_that_is_not_answered_in_time_is_named() -> None:
    error = daemon_errors.unanswered("POST /plans", TimeoutError("timed out"))
    assert (error.code, error.exit_code) == ("daemon-timeout", 7)
    assert "POST /plans" in error.what


def test_no_socket_says_how_to_start_the_daemon(tmp_path: Path) -> None:
    error = refused(lambda: DaemonClient(tmp_path / "none").get("/status"))
    assert (error.code, error.exit_code) == ("daemon-down", 7)
    assert "systemctl start fuel-upgrade" in error.remedy


def test_a_socket_that_nobody_listens_on_says_how_to_start_the_daemon(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "api.sock"))
    error = refused(lambda: DaemonClient(tmp_path / "api.sock").get("/status"))
    assert error.code == "daemon-down"


def test_a_path_that_is_too_long_for_a_socket_is_a_setting(tmp_path: Path) -> None:
    error = refused(lambda: DaemonClient(tmp_path / ("x" * 200)).get("/status"))
    assert isinstance(error, ConfigError)
    assert "paths.socket" in error.remedy


class Denied:
    """A folder and a socket with modes and a group, as the user who is refused sees them."""

    def __init__(self, folder: Path, *, mode: int, group: int) -> None:
        self.place = folder / "api.sock"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.place))
        os.chown(self.place, -1, group)
        self.place.chmod(mode)

    def error(self) -> UpgradeError:
        return unreachable(self.place, PermissionError(13, "Permission denied"))


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root gives a file to a group")


@needs_root
def test_a_denied_socket_names_the_group_that_may_use_it(tmp_path: Path) -> None:
    import grp  # noqa: PLC0415

    group = next(g for g in grp.getgrall() if g.gr_gid)
    error = Denied(tmp_path, mode=0o660, group=group.gr_gid).error()
    assert isinstance(error, PreflightError)
    assert error.code == "socket-denied"
    assert f"member of the group {group.gr_name}" in error.remedy
    assert f"usermod -aG {group.gr_name} " in error.remedy
    assert "start" not in error.remedy


@needs_root
@pytest.mark.parametrize(("mode", "group"), [(0o660, 0), (0o600, 1)])
def test_a_socket_for_root_alone_advises_no_group(tmp_path: Path, mode: int, group: int) -> None:
    error = Denied(tmp_path, mode=mode, group=group).error()
    assert error.remedy == "be root: sudo fuel-upgrade ..."


@needs_root
def test_a_folder_that_denies_access_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    Denied(folder, mode=0o666, group=0)
    tmp_path.chmod(0o755)
    folder.chmod(0o750)
    os.chown(folder, -1, 1)
    read, write = os.pipe()
    if os.fork() == 0:  # as another user, who is refused by the system itself
        try:
            for above in tmp_path.parents:
                if not above.stat().st_mode & stat.S_IXOTH:
                    above.chmod(above.stat().st_mode | stat.S_IXOTH)
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            error = refused(lambda: DaemonClient(folder / "api.sock").get("/status"))
            os.write(write, json.dumps(error.to_json()).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.wait()
    with os.fdopen(read) as stream:
        error = json.load(stream)
    assert error["error"] == "socket-denied"
    assert error["what"].startswith(f"{folder}: ")
    assert "usermod -aG daemon nobody" in error["remedy"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (None, "/run/fuel-upgrade/api.sock"),
        ("master_ip: 10.20.0.2\n", "/run/fuel-upgrade/api.sock"),
        ("# socket: /a\npaths:\n  # socket: /b\n  state: /s\n", "/run/fuel-upgrade/api.sock"),
        ("paths:\n  socket: /var/run/f.sock\n", "/var/run/f.sock"),
        ("paths: {state: /s, socket: /f.sock}\n", "/f.sock"),
        ('paths:\n  "\\x73ocket": /f.sock\n', "/f.sock"),
        ("paths:\n  !!str socket: /f.sock\n", "/f.sock"),
        ("x: &p\n  socket: /f\n", None),
        ("paths: [socket", None),
    ],
)
def test_the_socket_is_that_of_the_parsed_configuration(
    tmp_path: Path, text: str | None, place: str | None
) -> None:
    config = tmp_path / "etc/fuel-upgrade/config.yaml"
    config.parent.mkdir(parents=True)
    if text is not None:
        config.write_text(text)
    target = Target(None, tmp_path, None)
    if place is None:
        assert isinstance(refused(target.client), ConfigError)
    else:
        assert target.client().socket == tmp_path / place.lstrip("/")


def test_a_configuration_that_is_named_and_missing_is_refused(tmp_path: Path) -> None:
    assert isinstance(refused(Target(tmp_path / "none", None, None).client), ConfigError)
    assert Target(tmp_path / "none", None, Path("/s")).client().socket == Path("/s")
