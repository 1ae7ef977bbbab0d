"""Guesses of other local users: refused, in bounded memory, and no harm to the daemon itself."""

import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tests.host import Host

_MIB = 1 << 20


def registry_url(host: Host) -> str:
    url: str = host.json("status")["control_plane"].rpartition(" ")[2]
    return url


def guess(url: str, name: str, source: str = "127.0.0.1") -> int:
    """Send a wrong password from an address of this host; return the status."""
    place = urlsplit(url)
    auth = {"tenantName": "admin", "passwordCredentials": {"username": name, "password": "x"}}
    body = requests.Request("POST", f"{url}/v2.0/tokens", json={"auth": auth}).prepare().body
    assert isinstance(body, bytes)
    head = f"POST /v2.0/tokens HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    address = (str(place.hostname), place.port)
    with socket.create_connection(address, source_address=(source, 0)) as connection:
        connection.sendall(head + body)
        return int(connection.makefile("rb").readline().split()[1])


def test_wrong_passwords_of_others_do_not_delay_the_daemon(host: Host) -> None:
    with host.daemon():
        url = registry_url(host)
        statuses = [guess(url, "fuel-upgrade") for _ in range(11)]
        statuses += [guess(url, f"user {number}") for number in range(60)]
        assert statuses[-1] == statuses[10] == 429
        assert host.json("releases", "list")["releases"] == []


def test_all_addresses_of_loopback_are_one(host: Host) -> None:
    with host.daemon():
        url = registry_url(host)
        statuses = [guess(url, f"user {n}", f"127.0.1.{n + 1}") for n in range(60)]
        assert statuses.count(429) == 10


def test_the_daemons_own_socket_is_closed_to_others(host: Host) -> None:
    path = host.root / "run/fuel-upgrade/reg.sock"
    with host.daemon():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.is_socket()


def test_a_flood_of_logins_takes_little_memory(host: Host) -> None:
    with host.daemon() as daemon:
        url = registry_url(host)
        with ThreadPoolExecutor(48) as pool:
            list(pool.map(lambda n: guess(url, f"user {n}"), range(48)))
        peak = Path(f"/proc/{daemon.pid}/status").read_text().partition("VmHWM:")[2].split()[0]
        assert int(peak) * 1024 < 256 * _MIB
