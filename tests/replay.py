"""Recorded exchanges with real Nailguns, sent again to a registry.

A recording is sent in its order. Ids, tokens, dates and builds differ from one server to the next:
ids are followed from the answer that gave them, the others are left out of the comparison.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any

import requests

from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from fuel_upgrade.release.fixture import parse_fixture
from tests.tools import shared_dir

MASTER_IP = "10.20.0.2"
TIMEOUT_S = 120
_FEW_BLOCKS = 16  # of a password's hash: a recording has hundreds of logins
_KINDS = ("releases", "clusters", "nodes", "tasks", "notifications")
#: Fields that hold an id, and the kind of thing that it is of.
_REFERENCES = {
    "release_id": "releases",
    "release": "releases",
    "pending_release_id": "releases",
    "cluster": "clusters",
    "cluster_id": "clusters",
    "node_id": "nodes",
}
#: These differ from one server and one moment to the next.
VARYING = {"date", "time", "expires", "issued_at", "uuid"}
_OMITTED = "<omitted>"


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """The registry's answer to an exchange, and its differences from the recorded one."""

    exchange: Exchange
    status: int
    content_type: str | None
    body: Any
    differences: tuple[str, ...]


def read_recording(name: str) -> tuple[Exchange, ...]:
    """Return the exchanges of a recording of ``shared/contract``.

    Repeated requests of a command-line client are given once.
    """
    entries = json.loads((shared_dir() / "contract" / name).read_text(encoding="utf-8"))
    if "exchanges" not in entries[0]:
        return _with_restarts(
            Exchange(f"{e['n']}: {e['note']}", e["server"], e["request"], e["response"])
            for e in entries
        )
    seen: set[str] = set()
    exchanges = []
    for number, entry in enumerate(entries):
        for exchange in entry["exchanges"]:
            if not isinstance(exchange, dict) or "request" not in exchange:
                continue  # long polling that was cut
            is_login = exchange["request"]["path"].endswith("/tokens")
            key = json.dumps([exchange["request"], exchange["response"]["status"]])
            if is_login and key in seen:
                continue
            seen.add(key)
            name = f"{number}: {entry['command']}"
            exchanges.append(
                Exchange(name, entry["server"], exchange["request"], exchange["response"])
            )
    return tuple(exchanges)


def _with_restarts(exchanges: Iterable[Exchange]) -> tuple[Exchange, ...]:
    """Begin a new part where a server began with a new database: its ids begin again."""
    highest: dict[str, int] = {}
    restarts = 0
    parts = []
    for exchange in exchanges:
        made = exchange.response["body"]
        if exchange.route == "POST /api/v1/releases" and exchange.response["status"] == 201:
            if made["id"] <= highest.get(exchange.part, 0):
                restarts += 1
                highest.clear()
            if "id" not in (
                exchange.request["body"] if isinstance(exchange.request["body"], dict) else {}
            ):
                highest[exchange.part] = made["id"]
        parts.append(replace(exchange, part=f"{exchange.part} {restarts}"))
    return tuple(parts)


def fixture_releases(fuel: str) -> tuple[dict[str, Any], ...]:
    """Return the bodies of the two releases that a Nailgun of this version begins with."""
    path = shared_dir() / "data" / "openstack.yaml" / f"{fuel}.yaml"
    text = path.read_text(encoding="utf-8").replace("{{settings.MASTER_IP}}", MASTER_IP)
    releases = parse_fixture(text, source=path.name)
    return tuple(json.loads(json.dumps(release.fields)) for release in releases)


@dataclass
class Replay:
    """One registry, and the ids and the token that it gave in place of the recorded ones."""

    url: str
    store: Store
    start: Start
    ids: dict[tuple[str, int], int] = field(default_factory=dict)
    token: str = ""

    def set_up(self) -> None:
        """Log in, and register what the real server had at its start."""
        credentials = {"username": "admin", "password": "admin"}
        login = {"auth": {"tenantName": "admin", "passwordCredentials": credentials}}
        answer = requests.post(f"{self.url}/v2.0/tokens", json=login, timeout=TIMEOUT_S)
        self.token = answer.json()["access"]["token"]["id"]
        headers = {"X-Auth-Token": self.token}
        for body in self.start.releases:
            made = self._create("releases", {**self.fixture_of(body), **self.completed(body)})
            place = f"{self.url}/api/v1/releases/{made}/deployment_tasks"
            requests.put(place, json=self.start.tasks, headers=headers, timeout=TIMEOUT_S)
        for body in self.start.clusters:
            self._create("clusters", self._with_our_ids(body, "clusters"))
        for node in self.start.nodes:
            self._add(node)
        first = self.store.add_notification("done", self.start.message)
        self.ids["notifications", first.id] = first.id

    def _create(self, kind: str, body: dict[str, Any]) -> int:
        place, headers = f"{self.url}/api/v1/{kind}/", {"X-Auth-Token": self.token}
        answer = requests.post(place, json=body, headers=headers, timeout=TIMEOUT_S)
        assert answer.status_code == 201, answer.text
        made: int = answer.json()["id"]
        self.ids[kind, body.get("id", made)] = made
        return made

    def fixture_of(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fixture for the operating system of a release."""
        systems = {f["operating_system"]: f for f in self.start.fixtures}
        return systems.get(body.get("operating_system", ""), self.start.fixtures[-1])

    def completed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Fill in the large objects that the recording omits."""
        completed: dict[str, Any] = _completed(body, self.fixture_of(body))
        return completed

    def can_send(self, exchange: Exchange) -> bool:
        """Say whether the recording has the creation of the thing that a request is about."""
        match = re.match(rf"/api/v1/({'|'.join(_KINDS)})/([0-9]+)", exchange.request["path"])
        is_there = exchange.response["status"] < 300
        return not (match and is_there) or (match[1], int(match[2])) in self.ids

    def send(self, exchange: Exchange) -> Outcome:
        """Send a recorded request, with the ids of this registry, and compare the answers."""
        sent = exchange.request
        headers = {**(sent.get("headers") or {})}
        if sent["auth"]:
            headers["X-Auth-Token"] = sent.get("token") or self.token
        if sent.get("content_type", "application/json"):
            headers["Content-Type"] = sent.get("content_type", "application/json")
        body = sent.get("body")
        before = self._before(exchange)
        data = body if isinstance(body, str | None) else json.dumps(self._our_body(exchange))
        response = requests.request(
            sent["method"],
            self.url + self._our_path(sent["path"]),
            data=data.encode() if data is not None else None,
            headers=headers,
            timeout=TIMEOUT_S,
        )
        content_type = _main_type(response.headers.get("Content-Type"))
        if before is not None and response.status_code == 200:
            place = self.url + self._our_path(sent["path"])
            requests.put(place, json=before, headers=headers, timeout=TIMEOUT_S)
        return self._compared(exchange, response, content_type)

    def add(self, exchange: Exchange) -> None:
        """Store what the real server made by an exchange that this registry does not have.

        Nodes come from their agents and tasks from a deployment, which are both left out.
        """
        made = exchange.response["body"]
        for entry in made if isinstance(made, list) else [made]:
            if isinstance(entry, dict) and {"id", "progress"} <= entry.keys():
                self._add(entry)

    def _add(self, entry: dict[str, Any]) -> None:
        kind = "nodes" if "mac" in entry else "tasks"
        if (kind, entry["id"]) in self.ids:
            return
        cluster = self.ids.get(("clusters", entry.get("cluster") or 0))
        add = self.store.add_node if kind == "nodes" else self.store.add_task
        row = add(entry["name"], entry["status"], cluster_id=cluster)
        self.ids[kind, entry["id"]] = row.id

    def _before(self, exchange: Exchange) -> Any:
        """Return the release that a change is about on which the real server crashed."""
        if exchange.route != "PUT /api/v1/releases/ID" or exchange.response["status"] != 500:
            return None
        place, headers = self._our_path(exchange.request["path"]), {"X-Auth-Token": self.token}
        return requests.get(self.url + place, headers=headers, timeout=TIMEOUT_S).json()

    def _compared(
        self, exchange: Exchange, response: requests.Response, content_type: str | None
    ) -> Outcome:
        body = response.text
        if body and (content_type == "application/json" or body.startswith('{"message"')):
            body = response.json()
        expected = exchange.response
        self._follow(exchange, response.status_code, body)
        differences = []
        if response.status_code != expected["status"]:
            differences.append(f"status {response.status_code}, recorded {expected['status']}")
        recorded_type = _main_type(expected.get("content_type"))
        if content_type != recorded_type:
            differences.append(f"content type {content_type}, recorded {recorded_type}")
        if not differences:
            differences += self._differences(_kind(exchange), expected["body"], body)
        return Outcome(exchange, response.status_code, content_type, body, tuple(differences))

    def _follow(self, exchange: Exchange, status: int, ours: Any) -> None:
        """Remember the id that this registry gave, or remove what the real server refused."""
        theirs, kind = exchange.response["body"], _kind(exchange)
        if exchange.request["method"] == "PUT" and _has_id(theirs) and _has_id(ours):
            self.ids[kind, theirs["id"]] = ours["id"]  # some versions let a client choose another
        if not isinstance(ours, dict) or status != 201 or kind not in _KINDS:
            return
        if exchange.response["status"] == 201:
            self.ids[(kind, theirs["id"])] = ours["id"]
            return
        place = f"{self.url}/api/v1/{kind}/{ours['id']}"
        requests.delete(place, headers={"X-Auth-Token": self.token}, timeout=TIMEOUT_S)

    def _our_path(self, path: str) -> str:
        def ours(match: re.Match[str]) -> str:
            kind, number = match[1], int(match[2])
            return f"/{kind}/{self.ids.get((kind, number), number)}"

        path = re.sub(rf"/({'|'.join(_KINDS)})/([0-9]+)(?![0-9])", ours, path)
        return re.sub(
            r"cluster_id=([0-9]+)",
            lambda m: f"cluster_id={self.ids.get(('clusters', int(m[1])), m[1])}",
            path,
        )

    def _our_body(self, exchange: Exchange) -> Any:
        body = exchange.request["body"]
        if isinstance(body, dict) and "auth" in body:
            return json.loads(re.sub(r"token[0-9]{8,}", self.token, json.dumps(body)))
        if _is_omitted(body):
            return self.start.tasks
        if isinstance(body, dict):
            body = self.completed(body)
        return self._with_our_ids(body, _kind(exchange))

    def _with_our_ids(self, value: Any, kind: str) -> Any:
        if isinstance(value, list):
            return [self._with_our_ids(item, kind) for item in value if not _is_omitted(item)]
        if not isinstance(value, dict):
            return value
        changed = dict(value)
        for name in value.keys() & {"id", *_REFERENCES}:
            number = value[name]
            if type(number) is int:
                changed[name] = self.ids.get((_REFERENCES.get(name, kind), number), number)
        return changed

    def _differences(
        self, kind: str, recorded: Any, ours: Any, place: str = "", *, partial: bool = False
    ) -> list[str]:
        if _is_omitted(recorded) or (recorded == "None" and ours == []):  # a text in place of JSON
            return []
        if isinstance(recorded, dict) and isinstance(ours, dict):
            return self._in_objects(kind, recorded, ours, place, partial=partial)
        if isinstance(recorded, list) and isinstance(ours, list):
            return self._in_lists(kind, recorded, ours, place)
        if isinstance(recorded, str):  # without the schema that a text was checked against
            recorded = re.sub(r"\bu'", "'", recorded.split("\n\nFailed validating")[0])
        if recorded != ours:
            return [f"{place or 'body'}: {_short(ours)}, recorded {_short(recorded)}"]
        return []

    def _in_objects(
        self,
        kind: str,
        recorded: dict[str, Any],
        ours: dict[str, Any],
        place: str,
        *,
        partial: bool,
    ) -> list[str]:
        partial = partial or _OMITTED in recorded
        differences = []
        for name in sorted(recorded.keys() | ours.keys()):
            inner = f"{place}.{name}".removeprefix(".")
            if name == _OMITTED or name in VARYING or _is_left_out(kind, inner):
                continue
            if name not in recorded:
                is_more = partial or (kind == "releases" and inner in _ADDED)
                differences += [] if is_more else [f"{inner}: {_short(ours[name])}, not recorded"]
            elif name not in ours:
                differences.append(f"{inner}: missing, recorded {_short(recorded[name])}")
            else:
                theirs = self._expected(kind, name, recorded[name])
                differences += self._differences(kind, theirs, ours[name], inner, partial=partial)
        return differences

    def _in_lists(self, kind: str, recorded: list[Any], ours: list[Any], place: str) -> list[str]:
        if ours and isinstance(ours[0], dict):  # a list that was cut to ids, or to its first items
            recorded = [{"id": n, _OMITTED: ""} if type(n) is int else n for n in recorded]
            if recorded and _is_omitted(recorded[-1]):
                recorded = recorded[:-1]
                ours = ours[: len(recorded)]
        if kind in _KINDS:  # what the recording does not create is not in the registry
            recorded = [i for i in recorded if not _has_id(i) or (kind, i["id"]) in self.ids]
        if kind in ("nodes", "clusters") and ours and _has_id(ours[0]):  # in any order
            recorded = sorted(recorded, key=lambda item: self._expected(kind, "id", item["id"]))
            ours = sorted(ours, key=lambda item: item["id"])
        if len(recorded) != len(ours):
            return [f"{place or 'body'}: {len(ours)} items, recorded {len(recorded)}"]
        pairs = zip(recorded, ours, strict=True)
        return [d for theirs, own in pairs for d in self._differences(kind, theirs, own, place)]

    def _expected(self, kind: str, name: str, value: Any) -> Any:
        if type(value) is int and (name == "id" or name in _REFERENCES):
            return self.ids.get((_REFERENCES.get(name, kind), value), value)
        return value


def replays(name: str, folder: Path) -> Iterator[Outcome]:
    """Send every exchange of a recording, each part to a registry of its own."""
    recorded = read_recording(name)
    parts = groupby(recorded, key=lambda exchange: exchange.part)
    for number, (part, exchanges) in enumerate(parts):
        if not is_played(part):
            continue
        own = tuple(exchanges)
        fuel = part[:3]
        with _replay(folder / f"{number}.sqlite", fuel, _start(own, recorded)) as replay:
            for exchange in filter(replay.can_send, own):
                outcome = replay.send(exchange)
                if outcome.status >= 400 and exchange.response["status"] < 300:
                    replay.add(exchange)
                yield outcome


def is_played(part: str) -> bool:
    """Say whether this registry has the mode of a server: a line from 6.0 on, with tokens."""
    return not part.startswith("5.1") and "authentication none" not in part


def _start(own: tuple[Exchange, ...], recorded: tuple[Exchange, ...]) -> Start:
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
    return [item for item in body if not _is_omitted(item)]


def _before(exchanges: Iterable[Exchange], path: str) -> Iterator[Exchange]:
    """Yield the exchanges before the first list of a path."""
    return takewhile(lambda exchange: exchange.route != f"GET /api/v1/{path}", exchanges)


@contextmanager
def _replay(path: Path, fuel: str, start: Start) -> Iterator[Replay]:
    dialect = "6.0" if fuel == "6.0" else "6.1"
    store = Store.open(f"sqlite:///{path}", hash_blocks=_FEW_BLOCKS)
    ensure_user(store, "admin", "admin")
    app = create_app(store, master_ip=MASTER_IP, fuel_version=lambda: fuel, dialect=dialect)
    with RegistryServer(app, "127.0.0.1", 0) as server:
        replay = Replay(server.url, store, start)
        replay.set_up()
        yield replay
    store.close()


#: Fields that stay out of the comparison, by the kind of thing.
_LEFT_OUT = {
    # of the build; this registry has none
    "version": re.compile(
        r".*_sha|api|build_.*|feature_groups|openstack_version|production|release_versions"
    ),
    # of one server
    "tokens": re.compile(r"access\.(token\.id|token\.tenant\.id|user\.id|metadata\.roles)"),
    "v2.0": re.compile(r"version\.(links|media-types)"),
    # hardware
    "nodes": re.compile(r"(?!id|status|progress|error_type|roles|pending_deletion).*"),
    # of what a deployment would change, and of the web interface
    "clusters": re.compile(r"changes|grouping|ui_settings|is_locked|components"),
}
#: Fields of a release that Nailgun forgets or hides in some versions, and this registry shows.
_ADDED = {
    "roles",
    "modes",
    "extensions",
    "components_metadata",
    "network_roles_metadata",
    "node_attributes",
}


def _is_left_out(kind: str, place: str) -> bool:
    return kind in _LEFT_OUT and _LEFT_OUT[kind].fullmatch(place) is not None


def _completed(value: Any, original: Any) -> Any:
    """Fill in from a fixture the large objects that the recording omits."""
    if not isinstance(value, dict):
        return value
    if value.keys() == {_OMITTED}:
        return {} if original is None else original
    inner = original if isinstance(original, dict) else {}
    return {name: _completed(part, inner.get(name)) for name, part in value.items()}


def _is_omitted(value: Any) -> bool:
    if isinstance(value, str):
        return value.startswith(("<omitted", "<traceback", "<HTML"))
    return isinstance(value, dict) and value.keys() == {_OMITTED}


def _has_id(item: Any) -> bool:
    return isinstance(item, dict) and type(item.get("id")) is int


def _kind(exchange: Exchange) -> str:
    match = re.match(r"/api/v1/(\w+)/?(?:[0-9]+/?)?(?:\?|$)", exchange.request["path"])
    return match[1] if match else exchange.route.rpartition("/")[2]


def _main_type(content_type: str | None) -> str | None:
    return content_type.split(",")[0].split(";")[0].strip() if content_type else None


def _short(value: Any) -> str:
    return json.dumps(value)[:80]
