"""The repos that ``node sources --format astute`` names."""

from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.cli.client.daemon_client import DaemonClient
from fuel_upgrade.cli.node.node_chain import Asked, find_map
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.sources import render_astute

URL = "http://10.20.0.2:8080"
MAP = {
    "zz02-2014.1.1-5.1": f"{URL}/2014.1.1-5.1/centos/x86_64",
    "2014.2-6.0": f"{URL}/2014.2-6.0/centos/x86_64",
    "Mirror": f"{URL}/mirror",
}
LISTED = {
    "id": 7,
    "name": "Juno",
    "version": "2014.2-6.0",
    "operating_system": "CentOS",
    "state": "available",
    "repos": [
        {"name": "2014.2-6.0", "location": MAP["2014.2-6.0"], "priority": None},
        {"name": "2014.1.1-5.1", "location": MAP["zz02-2014.1.1-5.1"], "priority": None},
    ],
    "other_repos": [{"name": "Mirror", "location": MAP["Mirror"], "priority": None}],
}


class Daemon(DaemonClient):
    """A daemon with one release, whose map Nailgun returns in an order of its own."""

    def __init__(self, repos: dict[str, str] | None) -> None:
        super().__init__(Path("/nonexistent"))
        self.body = {} if repos is None else {"orchestrator_data": {"repo_metadata": repos}}

    def get(self, path: str) -> Any:
        return [LISTED] if path == "/releases" else {**LISTED, "body": self.body}


def texts(daemon: Daemon, asked: Asked) -> str:
    (text,) = render_astute(asked.os_key, find_map(lambda: daemon, asked)).values()
    return text


def test_a_map_has_its_keys_and_its_order_as_astute_writes_them() -> None:
    """Astute iterates over the map that it gets (update_repo_sources.rb)."""
    asked = Asked("7", None, None, "centos")
    assert texts(Daemon(MAP), asked) == "\n".join(
        f"[{key.lower()}]\nname={key}\nbaseurl={url}\ngpgcheck=0" for key, url in MAP.items()
    )


def test_a_list_has_its_chain() -> None:
    asked = Asked("2014.2-6.0", None, None, "centos")
    lines = texts(Daemon(None), asked).splitlines()
    assert [line for line in lines if line.startswith("[")] == ["[2014.2-6.0]", "[2014.1.1-5.1]"]


def test_given_repos_are_written_as_they_are() -> None:
    asked = Asked(None, f"{URL}/a  precise main,{URL}/b precise main", None, "ubuntu")
    assert texts(Daemon(MAP), asked) == f"deb {URL}/a precise main\ndeb {URL}/b precise main"


def test_a_release_beside_given_repos_is_refused() -> None:
    with pytest.raises(ConfigError, match="either RELEASE or --repos"):
        texts(Daemon(MAP), Asked("7", f"{URL}/a", None, "centos"))
