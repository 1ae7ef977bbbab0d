"""Many concurrent clients of one registry, and a record of all responses."""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any
from urllib.parse import urlsplit

CLIENTS = 32
TIMEOUT_S = 60
#: Names that everybody creates, changes and deletes all the time.
POOL = 12
#: How often everybody tries to create one name that nobody had, and that nobody deletes.
CONTESTS_PER_S = 4
#: Fields of a release that lasts: each client owns one field of one, and nobody else sets it.
FIELDS = (
    "description", "roles", "can_update_from_versions", "roles_metadata", "modes_metadata",
    "attributes_metadata", "wizard_metadata", "operating_system",
)  # fmt: skip
_LISTS = {"roles", "can_update_from_versions"}
_TEXTS = {"description", "operating_system"}


def release_body(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": "2014.2-6.0",
        "operating_system": "Ubuntu",
        "orchestrator_data": {
            "repo_metadata": {"base": "http://{MASTER_IP}/base", "diff": "http://{MASTER_IP}/diff"},
            "puppet_manifests_source": "rsync://{MASTER_IP}:/puppet/manifests/",
            "puppet_modules_source": "rsync://{MASTER_IP}:/puppet/modules/",
        },
    }


def value_for(name: str, number: int) -> object:
    if name in _TEXTS:
        return f"value {number}"
    return [number] if name in _LISTS else {"value": number}


@dataclass
class Account:
    """The responses to all clients; thread-safe."""

    created: dict[int, str] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    wins: Counter[str] = field(default_factory=Counter)
    tries: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    durations_s: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, status: int, duration_s: float) -> None:
        with self._lock:
            self.statuses[status] += 1
            self.durations_s.append(duration_s)

    def tried(self, name: str, status: int, body: Any) -> None:
        with self._lock:
            self.tries[name] += 1
            if status == 201:
                self.wins[name] += 1
                if body["id"] in self.created:
                    self.faults.append(f"the id {body['id']} was given twice")
                self.created[body["id"]] = name

    def gone(self, release_id: int) -> None:
        with self._lock:
            if release_id in self.deleted:
                self.faults.append(f"the release {release_id} was deleted twice")
            self.deleted.add(release_id)

    def fault(self, text: str) -> None:
        with self._lock:
            self.faults.append(text)

    def alive(self) -> dict[int, str]:
        return {number: name for number, name in self.created.items() if number not in self.deleted}


class Client:
    """One client with one connection and one token."""

    def __init__(self, url: str, number: int, account: Account) -> None:
        parts = urlsplit(url)
        self._http = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        self._account = account
        self._token = ""
        self._random = random.Random(number)  # the same choices at every run
        self._number = number
        self._own: dict[int, str] = {}
        self._known: list[int] = []
        self.last_value: object = None

    def log_in(self) -> None:
        credentials = {"username": "admin", "password": "admin"}
        status, body = self.send(
            "POST", "/v2.0/tokens", {"auth": {"passwordCredentials": credentials}}
        )
        assert status == 200, body
        self._token = body["access"]["token"]["id"]

    def send(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"X-Auth-Token": self._token} if self._token else {}
        start = time.perf_counter()
        self._http.request(method, path, json.dumps(body) if body else None, headers)
        answer = self._http.getresponse()
        data = answer.read()
        self._account.answered(answer.status, time.perf_counter() - start)
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(data) if is_json else data.decode()

    def close(self) -> None:
        self._http.close()

    def run(self, lasting: int, name: str, seconds: float) -> None:
        """Do this and that until the time is over; ``lasting`` and ``name`` are the own field."""
        begin = time.monotonic()
        steps: list[tuple[Callable[[int], None], int]] = [
            (self._create_own, 4), (self._change_own, 3), (self._delete_own, 3),
            (self._create_of_pool, 3), (self._delete_of_pool, 3), (self._read, 6), (self._list, 1),
        ]  # fmt: skip
        actions, weights = zip(*steps, strict=True)
        count, contests = 0, -1
        while (passed_s := time.monotonic() - begin) < seconds:
            count += 1
            if int(passed_s * CONTESTS_PER_S) > contests:
                contests = int(passed_s * CONTESTS_PER_S)
                self._create(f"contest {contests}")
            if count % 8 == 0:
                self._change_lasting(lasting, name, count)
            (action,) = self._random.choices(actions, weights)
            action(count)

    def _expect(self, what: str, status: int, allowed: set[int], body: object) -> None:
        if status not in allowed:
            self._account.fault(f"{what}: {status} {body}")

    def _create(self, name: str) -> int | None:
        status, body = self.send("POST", "/api/v1/releases/", release_body(name))
        self._expect(f"create {name}", status, {201, 409}, body)
        self._account.tried(name, status, body)
        return int(body["id"]) if status == 201 else None

    def _create_own(self, count: int) -> None:
        name = f"own {self._number} {count}"
        made = self._create(name)
        if made is None:
            self._account.fault(f"{name} was refused, and nobody else creates it")
        else:
            self._own[made] = name

    def _change_own(self, count: int) -> None:
        for number in list(self._own)[:1]:
            body = {"description": f"{count}"}
            status, answer = self.send("PUT", f"/api/v1/releases/{number}/", body)
            self._expect(f"change {number}", status, {200}, answer)
            status, answer = self.send("GET", f"/api/v1/releases/{number}")
            if status != 200 or answer["description"] != f"{count}":
                self._account.fault(f"{number} was changed, and reads {answer}")

    def _delete_own(self, _count: int) -> None:
        for number in list(self._own)[:1]:
            status, answer = self.send("DELETE", f"/api/v1/releases/{number}/")
            self._expect(f"delete {number}", status, {204}, answer)
            self._account.gone(number)
            del self._own[number]
            status, answer = self.send("GET", f"/api/v1/releases/{number}")
            self._expect(f"read {number}, which was deleted", status, {404}, answer)

    def _create_of_pool(self, _count: int) -> None:
        self._create(f"pool {self._random.randrange(POOL)}")

    def _delete_of_pool(self, _count: int) -> None:
        if not self._known:
            self._list(0)
        for number in self._known[:1]:
            status, answer = self.send("DELETE", f"/api/v1/releases/{number}")
            self._expect(f"delete {number}", status, {204, 404}, answer)
            if status == 204:
                self._account.gone(number)
            self._known.remove(number)

    def _read(self, _count: int) -> None:
        for number in self._random.sample(list(self._own), min(1, len(self._own))):
            status, answer = self.send("GET", f"/api/v1/releases/{number}/")
            self._expect(f"read {number}", status, {200}, answer)
            if status == 200 and answer["name"] != self._own[number]:
                self._account.fault(f"{number} is {answer['name']}, not {self._own[number]}")

    def _list(self, _count: int) -> None:
        status, answer = self.send("GET", "/api/v1/releases/")
        self._expect("list", status, {200}, answer)
        names = [release["name"] for release in answer]
        if len(names) != len(set(names)):
            self._account.fault("a list has one name twice")
        self._known = [r["id"] for r in answer if r["name"].startswith("pool ")]
        self._random.shuffle(self._known)
        missing = self._own.keys() - {release["id"] for release in answer}
        if missing:
            self._account.fault(f"a list lacks {missing}")

    def _change_lasting(self, number: int, name: str, count: int) -> None:
        value = value_for(name, count)
        status, answer = self.send("PUT", f"/api/v1/releases/{number}", {name: value})
        self._expect(f"change {name} of {number}", status, {200}, answer)
        self.last_value = value


@dataclass(frozen=True, slots=True)
class Figures:
    """The result of a run; durations in milliseconds."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    conflicts: int
    faults: tuple[str, ...]


def run_clients(urls: Sequence[str], seconds: float) -> Figures:
    """Let all clients loose on the services of one database, and settle the account."""
    account = Account()
    clients = [Client(urls[number % len(urls)], number, account) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(Client.log_in, clients))
        first = clients[0]
        lasting = [first._create(f"lasting {n}") or 0 for n in range(CLIENTS // len(FIELDS))]
        owned = [(lasting[n // len(FIELDS)], FIELDS[n % len(FIELDS)]) for n in range(CLIENTS)]
        begin, before = time.monotonic(), len(account.durations_s)
        for run in [
            pool.submit(client.run, *own, seconds)
            for client, own in zip(clients, owned, strict=True)
        ]:
            run.result()
        passed_s = time.monotonic() - begin
    durations = account.durations_s[before:]
    _, listed = first.send("GET", "/api/v1/releases")
    account.faults.extend(settle(account, listed))
    shown = {release["id"]: release for release in listed}
    for client, (number, name) in zip(clients, owned, strict=True):
        if client.last_value is not None and shown[number][name] != client.last_value:
            account.fault(f"an update of {name} of {number} was lost")
        client.close()
    cuts = quantiles(durations, n=100)
    return Figures(
        requests=len(durations),
        per_second=len(durations) / passed_s,
        p50_ms=cuts[49] * 1000,
        p99_ms=cuts[98] * 1000,
        conflicts=account.statuses[409],
        faults=tuple(account.faults),
    )


def settle(account: Account, listed: list[dict[str, Any]]) -> list[str]:
    """Compare the registry with the responses; return the differences."""
    actual = {release["id"]: release["name"] for release in listed}
    faults = []
    if len(actual) != len(listed):
        faults.append("an id is there twice")
    if len(set(actual.values())) != len(actual):
        faults.append("a name is there twice")
    if actual != (alive := account.alive()):
        lost, doubled = alive.items() - actual.items(), actual.items() - alive.items()
        faults.append(f"lost: {sorted(lost)}; unreported: {sorted(doubled)}")
    for name, count in account.wins.items():
        if name.startswith("contest ") and count != 1:
            faults.append(f"{name} was created {count} times")
    faults.extend(
        f"{name}: {count} tries, and nobody created it"
        for name, count in account.tries.items()
        if not account.wins[name]
    )
    faults.extend(
        f"{count} answers {code}" for code, count in account.statuses.items() if code >= 500
    )
    return faults
