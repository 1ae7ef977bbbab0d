"""32 clients of ``fuel-upgrade registry serve`` at once lose nothing and double nothing.

REGISTRY_SECONDS says for how long; ``make test-registry`` takes a minute for each run.
"""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from fuel_upgrade.registry.release_store import Store
from tests.postgres import KINDS, NewUrl
from tests.registry_load import CLIENTS, Account, run_clients, settle
from tests.registry_service import serving

SECONDS = float(os.environ.get("REGISTRY_SECONDS", "3"))
#: How many processes serve one database; the short run has the case with more that can go wrong.
SERVICES = [1, 2] if "REGISTRY_SECONDS" in os.environ else [2]


@pytest.mark.parametrize("services", SERVICES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_release_is_lost_or_doubled(
    kind: str, services: int, new_url: NewUrl, tmp_path: Path
) -> None:
    url = new_url(kind)
    store = Store.open(url)
    store.accounts.add_user("admin", "admin")
    store.close()
    with ExitStack() as stack:
        started = [
            stack.enter_context(serving(tmp_path, "--database", url)) for _ in range(services)
        ]
        figures = run_clients([service.url for service in started], SECONDS)
    print(  # noqa: T201 - the figures of the run, under -s
        f"\n{kind}, {services} process(es): {CLIENTS} clients, {SECONDS:.0f} s: "
        f"{figures.requests} requests, "
        f"{figures.per_second:.0f} a second, p50 {figures.p50_ms:.0f} ms, "
        f"p99 {figures.p99_ms:.0f} ms, {figures.conflicts} conflicts"
    )
    assert figures.faults == ()
    assert figures.conflicts > CLIENTS
    assert figures.requests > 10 * CLIENTS


def test_the_check_detects_a_lost_and_a_doubled_release() -> None:
    account = Account()
    for number, name in ((1, "a"), (2, "contest 1"), (3, "contest 1")):
        account.tried(name, 201, {"id": number})
    account.tried("b", 409, None)
    account.answered(500, 0.1)
    listed = [{"id": 2, "name": "contest 1"}, {"id": 3, "name": "contest 1"}]
    assert settle(account, listed) == [
        "a name is there twice",
        "lost: [(1, 'a')]; unreported: []",
        "contest 1 was created 2 times",
        "b: 1 tries, and nobody created it",
        "1 answers 500",
    ]
    account.gone(1)
    account.gone(1)
    account.tried("a", 201, {"id": 1})
    assert account.faults == ["the release 1 was deleted twice", "the id 1 was given twice"]
