"""The registry against whole sessions with real Nailguns 6.0, 6.1, 7.0 and 8.0.

Recorded requests are sent again in their order: those of a session with each server, and those of
python-fuelclient 6.1 and 11. A crash of a real server (500) must not be one here. Requests that are
not supported are listed in docs/registry.rst, with their answers; this is the list of the test too.
"""

import re
from collections import Counter
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.recordings import is_played, read_recording
from tests.replay import Outcome, replays
from tests.tools import shared_dir

#: Each with the least number of exchanges that must be equal.
RECORDINGS = {
    "nailgun-5.1-migrated.json": 170,
    "nailgun-6.0-more.json": 330,
    "nailgun-6.1.json": 300,
    "nailgun-7.0.json": 310,
    "fuelclient-6.1.json": 275,
    "fuelclient-11.json": 145,
}
DOCS = Path(__file__).parents[2] / "docs" / "registry.rst"


class Deviation(NamedTuple):
    """Exchanges that the registry answers in another way on purpose; ``names`` is a pattern."""

    route: str
    names: str
    status: int
    reason: str


NOT_DEPLOYED = "the content is that of a deployment, and nothing is deployed here"
GRAPH = "a graph of tasks is not checked; the rules differ between versions"
MIGRATED = "a cluster that was there before the migration"
DEVIATIONS = (
    Deviation("GET /keystone/v3", "", 200, "the registry has Keystone v3 too"),
    Deviation("GET /api/v1/releases/ID", "in a cookie", 401, "a token is in a header"),
    Deviation("POST /api/v1/releases", "metadata a string", 400, "not the JSON type of a field"),
    Deviation("POST /api/v1/releases", "macro with attribute", 400, "it reaches into objects"),
    Deviation("P* /api/v1/releases*", "state|unavailable|209", 200, "deployable as in 7.0"),
    Deviation("POST /api/v1/releases", "state", 201, "deployable as in 7.0"),
    Deviation("GET /api/v1/releases", "is_deployable", 200, "5.x is not deployable for 6.0"),
    Deviation(
        "GET /api/v1/releases", "at the end", 200, "renumbered; the request was not recorded"
    ),
    Deviation("DELETE /api/v1/releases/ID", "step", 204, MIGRATED),
    Deviation("DELETE /api/v1/clusters/ID", "step", 202, MIGRATED),
    Deviation("POST /api/v1/notifications", "message empty", 201, "an empty message is null"),
    Deviation("PUT /api/v1/clusters/ID", "pending_release_id with", 400, "no cluster is upgraded"),
    Deviation("POST /api/v1/clusters", "cluster on it", 400, "the text None in a URL"),
    Deviation("POST /api/v1/clusters", "multinode", 400, "the text is that of 7.0"),
    Deviation("GET /api/v1/clusters/ID/attributes", "rendered", 200, "an id in a text"),
    Deviation("PUT /api/v1/clusters/ID/attributes", "while it deploys", 200, NOT_DEPLOYED),
    Deviation("GET /api/v1/releases/ID/deployment_tasks", "GET|slash", 200, GRAPH),
    Deviation("PUT /api/v1/releases/ID/deployment_tasks", "PUT", 200, GRAPH),
    Deviation("* /api/v1/releases/ID/deployment_tasks", "of tasks", 405, "the text of a method"),
    Deviation("GET /api/v1/clusters/ID/deployment_tasks", "", 200, "the recording has the first"),
    Deviation("GET /api/v1/tasks*", "", 200, NOT_DEPLOYED),
    Deviation("DELETE /api/v1/tasks/ID", "ended task", 400, NOT_DEPLOYED),
    Deviation(
        "GET /api/v1/clusters*", "deploys|migration|env|list|none|end|node", 200, NOT_DEPLOYED
    ),
    Deviation("GET /api/v1/nodes*", "of a cluster|node|deploy", 200, NOT_DEPLOYED),
    Deviation("GET /api/v1/networks", "", 200, "clusters have no networks here"),
    Deviation("GET /api/v1/nodegroups", "", 200, "clusters have no networks here"),
    Deviation("GET /api/v1/releases/ID/attributes_metadata", "", 200, "as below"),
    Deviation("GET /api/v1/transactions*", "", 200, "of Nailgun 9, which was not recorded"),
    Deviation("DELETE /api/v1/transactions/ID", "", 204, "of Nailgun 9, which was not recorded"),
    Deviation("PATCH /keystone/v2.0/OS-KSCRUD/users/ID", "", 403, "the test Keystone had none"),
)


class Unsupported(NamedTuple):
    """A row of the table in the documentation: patterns of routes, and their statuses."""

    routes: tuple[str, ...]
    statuses: tuple[int, ...]


@cache
def unsupported() -> tuple[Unsupported, ...]:
    text = DOCS.read_text(encoding="utf-8")
    section = text.split("Requests that are not supported\n===")[1].split("\nDeployment info\n")[0]
    rows = re.findall(
        r"^   \* - (.*?)\n     - ([0-9, ]+)\n     - \w", section, re.MULTILINE | re.DOTALL
    )
    return tuple(
        Unsupported(tuple(re.findall("``(.+?)``", routes)), tuple(map(int, statuses.split(","))))
        for routes, statuses in rows
    )


def row_of(outcome: Outcome) -> Unsupported | None:
    route = outcome.exchange.route
    rows = (r for r in unsupported() if any(fnmatch(route, pattern) for pattern in r.routes))
    return next(rows, None)


def deviation_of(outcome: Outcome) -> Deviation | None:
    exchange = outcome.exchange
    for deviation in DEVIATIONS:
        is_route = fnmatch(exchange.route, deviation.route) and deviation.status == outcome.status
        if is_route and re.search(deviation.names, exchange.name):
            return deviation
    return None


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Outcome]]:
    shared_dir()
    folder = tmp_path_factory.mktemp("replay")
    played: dict[str, list[Outcome]] = {}
    for name in RECORDINGS:
        (own := folder / name).mkdir()
        played[name] = list(replays(name, own))
    return played


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recorded_session_gets_the_recorded_answers(
    outcomes: dict[str, list[Outcome]], name: str
) -> None:
    faults = []
    counts: Counter[str] = Counter()
    for outcome in outcomes[name]:
        row = row_of(outcome)
        crashed = outcome.exchange.response["status"] == 500
        if row is not None:
            counts["not supported"] += 1
            if outcome.status not in row.statuses:
                faults.append(f"{outcome.exchange.name}: {outcome.status} not {row.statuses}")
        elif not outcome.differences:
            counts["equal"] += 1
        elif crashed and outcome.status < 500:
            counts["crashed there"] += 1
        elif deviation_of(outcome) is not None:
            counts["different on purpose"] += 1
        else:
            faults.append(f"{outcome.exchange.name}: {'; '.join(outcome.differences)}")
    print(f"\n{name}: {dict(counts)}")  # noqa: T201 - counts for people
    assert faults == [], faults
    assert counts["equal"] >= RECORDINGS[name]


def test_no_request_of_a_session_fails_here(outcomes: dict[str, list[Outcome]]) -> None:
    assert not [o for played in outcomes.values() for o in played if o.status >= 500]


def test_every_entry_of_the_lists_is_in_a_recording(outcomes: dict[str, list[Outcome]]) -> None:
    every = [outcome for played in outcomes.values() for outcome in played]
    routes = {outcome.exchange.route for outcome in every}
    listed = [pattern for row in unsupported() for pattern in row.routes]
    assert len(listed) > 20
    assert [pattern for pattern in listed if not any(fnmatch(r, pattern) for r in routes)] == []
    different = {deviation_of(o) for o in every if o.differences and row_of(o) is None}
    assert [deviation for deviation in DEVIATIONS if deviation not in different] == []


def test_a_server_that_is_left_out_is_a_mode_that_the_registry_lacks() -> None:
    parts = {e.part for name in RECORDINGS for e in read_recording(name)}
    left = {part for part in parts if not is_played(part)}
    assert left == {part for part in parts if part.startswith("5.1") or "authentication" in part}
