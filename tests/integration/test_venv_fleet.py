"""The checks of many hosts that have the published venv, beside the scheme of 2016.

``VENV_HOSTS`` is the number of hosts. Prints figures, and asserts no time.
"""

import hashlib
import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fuel_upgrade.venv.host.request import DeployRequest
from tests.integration.test_venv_build import Builder
from tests.integration.test_venv_deploy import Node
from tests.tools import needs
from tests.venv_wheels import RepoServer, serving_repo

pytestmark = needs("uv", "git", "nginx")
_SHORT = 200
_AT_ONCE = 16
_PROCESSES = 3
_MOST_BYTES = 200


def load(server: RepoServer, hosts: int, check: Callable[[int], object]) -> dict[str, float]:
    """Check on all hosts, at most 16 at once; return requests and bytes of each as nginx counts."""
    first = len(server.sent())
    began, used = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(check, range(hosts)))
    sent = server.sent()[first:]
    return {
        "requests_per_host": len(sent) / hosts,
        "most_bytes": max(size for *_, size in sent),
        "bytes_per_host": round(sum(size for *_, size in sent) / hosts, 1),
        "seconds": round(time.monotonic() - began, 2),
        "cpu_ms_per_host": round((time.process_time() - used) / hosts * 1000, 2),
    }


def scheme_of_2016(server: RepoServer, node: Node) -> Callable[[int], object]:
    """Return the check of a host of 2016: the checksum file, compared with the cached archive."""
    (archive,) = (node.builder.repo / "venvs/1").glob("*-*/api-1.tgz")
    path = archive.with_suffix(".checksum").relative_to(node.builder.repo)

    def check(_: int) -> None:
        with urllib.request.urlopen(f"{server.url}/{path}") as answer:
            checksum = answer.read().decode().strip()
        data = archive.read_bytes()
        assert hashlib.sha1(data, usedforsecurity=False).hexdigest() == checksum

    return check


def test_a_host_without_a_change_costs_one_request_and_at_most_200_bytes(tmp_path: Path) -> None:
    hosts = int(os.environ.get("VENV_HOSTS") or _SHORT)
    builder = Builder(tmp_path)
    builder.build()
    with serving_repo(tmp_path / "nginx", builder.repo) as server:
        node = Node(builder, server)
        node.run()
        request = DeployRequest(
            "deploy", "api", "1", directory=node.directory, url=server.url, check_only=True
        )

        def check(_: int) -> None:
            assert not request.carry_out()["changed"]

        ours = load(server, hosts, check)
        first = len(server.sent())
        for _ in range(_PROCESSES):
            assert not node.run()["changed"]
        whole = server.sent()[first:]
        original = load(server, hosts, scheme_of_2016(server, node))
    report = {"hosts": hosts, "conditional request": ours, "checksum file": original}
    sys.stdout.write(json.dumps(report, indent=1) + "\n")

    assert ours["requests_per_host"] == 1
    assert ours["most_bytes"] <= _MOST_BYTES
    assert [status for _, _, status, _ in whole] == ["304"] * _PROCESSES
    assert all(size <= _MOST_BYTES for *_, size in whole)
