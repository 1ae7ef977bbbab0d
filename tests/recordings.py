"""Recorded exchanges with real Nailguns, as ``shared/contract`` has them."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from fuel_upgrade.release.fixture import parse_fixture
from tests.tools import shared_dir

MASTER_IP = "10.20.0.2"
OMITTED = "<omitted>"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the answer of the real server.

    ``part`` names the server and its mode: each has a database of its own.
    """

    name: str
    part: str
    request: Mapping[str, Any]
    response: Mapping[str, Any]

    @property
    def route(self) -> str:
        """The method and the path, without query and slash at the end; ids are ``ID``."""
        path = self.request["path"].split("?")[0].rstrip("/")
        return f"{self.request['method']} {re.sub(r'/[0-9]+(?=/|$)', '/ID', path)}"


@dataclass(frozen=True, slots=True)
class Start:
    """The content of a Nailgun at the start of a part.

    ``fixtures`` are bodies of its version, for the large objects that the recording omits.
    """

    fixtures: tuple[dict[str, Any], ...]
    releases: list[dict[str, Any]]
    clusters: list[dict[str, Any]]
    nodes: list[dict[str, Any]]
    tasks: list[Any]
    message: str


def read_recording(name: str) -> tuple[Exchange, ...]:
    """Return the exchanges of a recording of ``shared/contract``.

    Repeated logins of a command-line client are given once.
    """
    entries = json.loads((shared_dir() / "contract" / name).read_text(encoding="utf-8"))
    if "exchanges" in entries[0]:
        return tuple(_of_commands(entries))
    return tuple(
        _with_restarts(
            Exchange(f"{e['n']}: {e['note']}", e["server"], e["request"], e["response"])
            for e in entries
        )
    )


def _of_commands(entries: list[dict[str, Any]]) -> Iterator[Exchange]:
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        for exchange in entry["exchanges"]:
            if not isinstance(exchange, dict) or "request" not in exchange:
                continue  # long polling that was cut
            request, response = exchange["request"], exchange["response"]
            key = json.dumps([request, response["status"]])
            if not request["path"].endswith("/tokens") or key not in seen:
                yield Exchange(f"{number}: {entry['command']}", entry["server"], request, response)
            seen.add(key)


def _with_restarts(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    """Begin a new part where a server began with a new database: its ids begin again."""
    highest: dict[str, int] = {}
    restarts = 0
    for exchange in exchanges:
        body, made = exchange.request["body"], exchange.response["body"]
        if exchange.route == "POST /api/v1/releases" and exchange.response["status"] == 201:
            if made["id"] <= highest.get(exchange.part, 0):
                restarts += 1
                highest.clear()
            if not isinstance(body, dict) or "id" not in body:
                highest[exchange.part] = made["id"]
        yield replace(exchange, part=f"{exchange.part} {restarts}")


def is_played(part: str) -> bool:
    """Say whether this registry has the mode of a server: a line from 6.0 on, with tokens."""
    return not part.startswith("5.1") and "authentication none" not in part


def start_of(own: tuple[Exchange, ...], recorded: tuple[Exchange, ...]) -> Start:
    """Return the content at the start of a part, from its first lists and the fixtures."""
    is_migrated = "migrated" in own[0].part
    fixtures = fixture_releases("5.1" if is_migrated else own[0].part[:3])
    source = tuple(e for e in recorded if "migrated" in e.part) if is_migrated else own
    shown = [r for r in _first(source, "releases") if "attributes_metadata" in r]
    is_new = any(e.route == "POST /api/v1/clusters" for e in _before(own, "clusters"))
    return Start(
        fixtures,
        sorted(shown, key=lambda release: int(release["id"])) or [*fixtures],
        [] if is_new else _first(own, "clusters"),
        _first(own, "nodes"),
        _first(recorded, "releases/ID/deployment_tasks"),
        (_first(recorded, "notifications") or [{"message": ""}])[0]["message"],
    )


def _first(exchanges: Iterable[Exchange], path: str) -> list[Any]:
    """Return the first list that a path answered."""
    bodies = (e.response["body"] for e in exchanges if e.route == f"GET /api/v1/{path}")
    body = next((body for body in bodies if isinstance(body, list)), [])
    return [item for item in body if not is_omitted(item)]


def _before(exchanges: Iterable[Exchange], path: str) -> Iterator[Exchange]:
    """Yield the exchanges before the first list of a path."""
    return takewhile(lambda exchange: exchange.route != f"GET /api/v1/{path}", exchanges)


def fixture_releases(fuel: str) -> tuple[dict[str, Any], ...]:
    """Return the bodies of the two releases that a Nailgun of this version begins with."""
    path = shared_dir() / "data" / "openstack.yaml" / f"{fuel}.yaml"
    text = path.read_text(encoding="utf-8").replace("{{settings.MASTER_IP}}", MASTER_IP)
    releases = parse_fixture(text, source=path.name)
    return tuple(json.loads(json.dumps(release.fields)) for release in releases)


def is_omitted(value: Any) -> bool:
    """Say whether a value of a recording only says that it was left out."""
    if isinstance(value, str):
        return value.startswith(("<omitted", "<traceback", "<HTML"))
    return isinstance(value, dict) and value.keys() == {OMITTED}
