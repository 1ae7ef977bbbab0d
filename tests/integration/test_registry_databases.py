"""The store on SQLite and on a real PostgreSQL: writers at once, and a server that goes away."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
import requests
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.refusal import RefusedError, UnavailableError
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.resources import ReleaseFields
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from fuel_upgrade.registry.store.tables import ReleaseRow
from tests.postgres import GUARDED, KINDS, NewUrl, PostgresServer, needs_postgres, running_postgres

WORKERS = 8
TIMEOUT_S = 120
RELEASE = ReleaseFields(name="Juno", version="2014.2-6.0", operating_system="Ubuntu")


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, new_url: NewUrl) -> Iterator[Store]:
    with closing(Store.open(new_url(request.param))) as made:
        yield made


def all_at_once(*works: Callable[[], object]) -> list[str]:
    """Run these at once; return how each ended: ``done``, or the status of the refusal."""

    def run(work: Callable[[], object]) -> str:
        try:
            work()
        except RefusedError as error:
            return str(int(error.status))
        return "done"

    with ThreadPoolExecutor(WORKERS) as pool:
        return sorted(pool.map(run, works))


def test_no_update_is_lost(store: Store) -> None:
    made = store.add_release(RELEASE)

    def add(number: int) -> None:
        def change(current: ReleaseFields, _refuse: object) -> ReleaseFields:
            details = {**(current.details or {}), f"field {number}": []}
            return replace(current, details=details)

        store.change_release(made.id, change)

    assert all_at_once(*(partial(add, n) for n in range(40))) == ["done"] * 40
    assert len(store.release(made.id).fields.details or {}) == 40


def test_of_concurrent_creates_of_one_name_one_succeeds(store: Store) -> None:
    assert all_at_once(*[lambda: store.add_release(RELEASE)] * 16) == ["409"] * 15 + ["done"]
    assert len(store.releases()) == 1


def test_of_concurrent_deletes_of_one_release_one_succeeds(store: Store) -> None:
    made = store.add_release(RELEASE)
    works = [lambda: store.delete_release(made.id)] * 16
    assert all_at_once(*works) == ["404"] * 15 + ["done"]


def test_of_a_delete_and_a_new_cluster_one_wins(store: Store) -> None:
    for number in range(20):
        made = store.add_release(replace(RELEASE, name=f"release {number}"))
        add = partial(store.add_cluster, f"c {number}", made.id, fuel_version="6.0")
        assert all_at_once(add, partial(store.delete_release, made.id)) == ["400", "done"]


def test_an_update_of_a_release_deleted_meanwhile_is_404(store: Store) -> None:
    for number in range(10):
        made = store.add_release(replace(RELEASE, name=f"release {number}"))
        change = partial(store.change_release, made.id, lambda now, _refuse: now)
        ended = all_at_once(change, partial(store.delete_release, made.id))
        assert ended in (["404", "done"], ["done", "done"])


def test_releases_that_take_each_others_names_end_without_a_deadlock(store: Store) -> None:
    """On PostgreSQL each waits for the other, and the server ends one of them: it tries again."""
    names = ["one", "two", "three"]
    ids = [store.add_release(replace(RELEASE, name=name)).id for name in names]

    def rename(number: int) -> None:
        to = replace(RELEASE, name=names[(number + 1) % 3])
        store.change_release(ids[number % 3], lambda _now, _refuse: to)

    ended = all_at_once(*(partial(rename, n) for n in range(60)))
    assert set(ended) <= {"409", "done"}
    assert sorted(release.fields.name for release in store.releases()) == sorted(
        {release.fields.name for release in store.releases()}
    )


@needs_postgres()
def test_a_deadlock_is_tried_again(new_url: NewUrl) -> None:
    with closing(Store.open(new_url("postgresql"))) as store:
        one, two = (store.add_release(replace(RELEASE, name=name)).id for name in ("one", "two"))
        both_hold_one = Barrier(2)
        runs: list[int] = []

        def lock(first: int, second: int) -> None:
            def work(session: Session) -> None:
                runs.append(first)
                session.get(ReleaseRow, first, with_for_update=True)
                if len(runs) <= 2:  # the first time only: a second try has no competitor
                    both_hold_one.wait(TIMEOUT_S)
                session.get(ReleaseRow, second, with_for_update=True)

            store.database.write(work)

        assert all_at_once(lambda: lock(one, two), lambda: lock(two, one)) == ["done"] * 2
        assert len(runs) == 3


@pytest.mark.parametrize(
    "fields",
    [
        replace(RELEASE, name="a\0b"),
        replace(RELEASE, name="n" * 2001),
        replace(RELEASE, operating_system="o" * 51),
        replace(RELEASE, description="\0"),
    ],
)
def test_text_that_one_database_cannot_store_is_refused_by_all(
    store: Store, fields: ReleaseFields
) -> None:
    with pytest.raises(RefusedError) as caught:
        store.add_release(fields)
    assert caught.value.status == 400
    assert store.releases() == ()


def test_ids_are_never_given_again_also_after_a_restart(new_url: NewUrl, store: Store) -> None:
    url = store.database.engine.url.render_as_string(hide_password=False)
    store.delete_release(store.add_release(RELEASE).id)
    store.accounts.add_user("one", "x")
    store.accounts.delete_user("one")
    store.close()
    with closing(Store.open(url)) as again:
        assert again.add_release(RELEASE).id == 2
        again.accounts.add_user("two", "x")
        assert again.accounts.users() == ((2, "two"),)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of the test's own, which it may stop."""
    with running_postgres() as made:
        yield made


@needs_postgres()
def test_clients_get_503_while_the_server_is_away(server: PostgresServer) -> None:
    with closing(Store.open(server.new_database())) as store:
        ensure_user(store, "admin", "admin")
        token, _ = store.accounts.issue_token(1)
        app = create_app(store, master_ip="10.20.0.2", fuel_version=lambda: "6.0")
        with RegistryServer(app, "127.0.0.1", 0) as registry:
            auth = {"auth": {"passwordCredentials": {"username": "admin", "password": "admin"}}}
            releases = partial(
                requests.get,
                f"{registry.url}/api/v1/releases",
                headers={"X-Auth-Token": token},
                timeout=TIMEOUT_S,
            )
            login = partial(
                requests.post, f"{registry.url}/v2.0/tokens", json=auth, timeout=TIMEOUT_S
            )
            assert [releases().status_code, login().status_code] == [200, 200]
            server.stop()
            for answer in (releases(), login()):
                assert answer.status_code == 503
                assert answer.headers["Content-Type"].startswith("text/html")
                assert answer.text == UnavailableError.reason
            server.start()
            assert [releases().status_code, login().status_code] == [200, 200]


@needs_postgres()
def test_a_restart_between_two_requests_is_not_noticed(server: PostgresServer) -> None:
    with closing(Store.open(server.new_database())) as store:
        store.add_release(RELEASE)
        server.stop()
        server.start()
        assert len(store.releases()) == 1
        store.delete_release(1)


@needs_postgres()
def test_a_start_without_the_server_is_an_error_with_a_remedy(server: PostgresServer) -> None:
    url = server.new_database()
    server.stop()
    with pytest.raises(OutsideError) as caught:
        Store.open(url)
    assert "start the PostgreSQL server" in caught.value.remedy


@needs_postgres()
def test_a_password_of_libpqs_file_is_used_and_never_shown(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = make_url(postgres.new_database()).database or ""
    postgres.execute(f"DROP ROLE IF EXISTS {GUARDED}")
    postgres.execute(f"CREATE ROLE {GUARDED} SUPERUSER LOGIN PASSWORD 's3cr3t'")
    file = tmp_path / "pgpass"
    file.write_text(f"*:*:*:{GUARDED}:wrong-s3cr3t\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    with pytest.raises(OutsideError) as caught:
        Store.open(postgres.url(name, user=GUARDED))
    assert "s3cr3t" not in caught.value.what
    file.write_text(f"*:*:*:{GUARDED}:s3cr3t\n")
    Store.open(postgres.url(name, user=GUARDED)).close()
    monkeypatch.delenv("PGPASSFILE")
    monkeypatch.setenv("PGPASSWORD", "s3cr3t")
    Store.open(postgres.url(name, user=GUARDED)).close()
