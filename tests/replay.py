"""Recorded exchanges with real Nailguns, sent again to a registry.

A recording is sent in its order. Ids, tokens, dates and builds differ from one server to the next:
ids are followed from the answer that gave them, the others are left out of the comparison.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import requests

from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from tests.recordings import (
    MASTER_IP,
    OMITTED,
    Exchange,
    Start,
    is_omitted,
    is_played,
    read_recording,
    start_of,
)

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


@dataclass(frozen=True, slots=True)
class Outcome:
    """The registry's answer to an exchange, and its differences from the recorded one."""

    exchange: Exchange
    status: int
    content_type: str | None
    body: Any
    differences: tuple[str, ...]


@dataclass
class Replay:
    """One registry, and the ids and the token that it gave in place of the recorded ones."""

    url: str
    store: Store
    start: Start
    ids: dict[tuple[str, int], int] = field(default_factory=dict)
    token: str = ""

    def set_up(self) -> None:
        """Log in, and register the content that the real server had at its start."""
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
        """Store the result of an exchange that this registry does not have.

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
        """Remember the id that this registry gave; remove a thing that the real server refused."""
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
        if is_omitted(body):
            return self.start.tasks
        if isinstance(body, dict):
            body = self.completed(body)
        return self._with_our_ids(body, _kind(exchange))

    def _with_our_ids(self, value: Any, kind: str) -> Any:
        if isinstance(value, list):
            return [self._with_our_ids(item, kind) for item in value if not is_omitted(item)]
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
        if is_omitted(recorded) or (recorded == "None" and ours == []):  # a text in place of JSON
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
        partial = partial or OMITTED in recorded
        differences = []
        if place.endswith("repo_metadata") and list(recorded) != list(ours):
            differences.append(f"{place}: the order {list(ours)}, recorded {list(recorded)}")
        for name in sorted(recorded.keys() | ours.keys()):
            inner = f"{place}.{name}".removeprefix(".")
            if name == OMITTED or name in VARYING or _is_left_out(kind, inner):
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
            recorded = [{"id": n, OMITTED: ""} if type(n) is int else n for n in recorded]
            if recorded and is_omitted(recorded[-1]):
                recorded = recorded[:-1]
                ours = ours[: len(recorded)]
        if kind in _KINDS:  # things that the recording does not create are not here
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
        with _replay(folder / f"{number}.sqlite", fuel, start_of(own, recorded)) as replay:
            for exchange in filter(replay.can_send, own):
                outcome = replay.send(exchange)
                if outcome.status >= 400 and exchange.response["status"] < 300:
                    replay.add(exchange)
                yield outcome


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
    # of a deployment and of the web interface
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
    if value.keys() == {OMITTED}:
        return {} if original is None else original
    inner = original if isinstance(original, dict) else {}
    return {name: _completed(part, inner.get(name)) for name, part in value.items()}


def _has_id(item: Any) -> bool:
    return isinstance(item, dict) and type(item.get("id")) is int


def _kind(exchange: Exchange) -> str:
    match = re.match(r"/api/v1/(\w+)/?(?:[0-9]+/?)?(?:\?|$)", exchange.request["path"])
    return match[1] if match else exchange.route.rpartition("/")[2]


def _main_type(content_type: str | None) -> str | None:
    return content_type.split(",")[0].split(";")[0].strip() if content_type else None


def _short(value: Any) -> str:
    return json.dumps(value)[:80]
