import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.registry.refusal import UnavailableError
from fuel_upgrade.registry.store.database import Database


def insert_after_reading(number: int, session: Session) -> None:
    session.execute(text("SELECT count(*) FROM t")).all()
    session.execute(text("INSERT INTO t VALUES (:number)"), {"number": number})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database.connect(f"sqlite:///{tmp_path}/a.sqlite")
    made.write(lambda session: session.execute(text("CREATE TABLE t (n INTEGER UNIQUE)")))
    yield made
    made.close()


@pytest.mark.parametrize(
    "url", ["", "nothing", "sqlite://", "sqlite:///relative", "mysql://u:secret@h/d", "u:secret@h"]
)
def test_other_urls_are_refused_without_their_password(url: str) -> None:
    with pytest.raises(ConfigError, match="expected sqlite:////ABSOLUTE/PATH") as caught:
        Database.connect(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
def test_a_server_is_named_without_its_password(scheme: str) -> None:
    database = Database.connect(f"{scheme}://u:secret@h/d")
    assert database.name == "postgresql+psycopg://u:***@h/d"
    assert "secret" not in repr(database.engine)


def test_the_error_of_an_absent_server_hides_the_password(tmp_path: Path) -> None:
    database = Database.connect(f"postgresql://u:secret@/d?host={tmp_path}")
    with pytest.raises(UnavailableError, match=str(tmp_path)) as caught:
        database.read(lambda session: session.execute(text("SELECT 1")))
    assert "secret" not in caught.value.what
    assert "start the PostgreSQL server" in caught.value.remedy
    assert str(tmp_path) not in caught.value.reason


def test_a_writer_sees_the_changes_of_the_previous_writer(database: Database) -> None:
    """Each reads, then writes: without the lock from the start one of two would be lost."""
    database.write(lambda session: session.execute(text("INSERT INTO t VALUES (0)")))

    def count() -> None:
        for _ in range(10):
            database.write(lambda session: session.execute(text("UPDATE t SET n = n + 1")))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.read(lambda session: session.scalar(text("SELECT n FROM t"))) == 80


def test_two_pools_on_one_file_wait_for_each_other(database: Database) -> None:
    other = Database.connect(f"sqlite:///{database.file}")

    def fill(one: Database, start: int) -> None:
        for number in range(start, start + 40):
            one.write(partial(insert_after_reading, number))

    threads = [
        threading.Thread(target=fill, args=(one, start))
        for one, start in ((database, 0), (other, 100), (database, 200), (other, 300))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert database.read(lambda session: session.scalar(text("SELECT count(*) FROM t"))) == 160


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(IntegrityError):
        database.write(lambda s: [s.execute(text("INSERT INTO t VALUES (5)")) for _ in range(2)])
    assert database.read(lambda session: session.scalar(text("SELECT count(*) FROM t"))) == 0
    database.write(lambda session: session.execute(text("INSERT INTO t VALUES (5)")))


def test_a_broken_statement_shows_no_parameters(database: Database) -> None:
    statement = text("INSERT INTO missing VALUES (:hash)")
    with pytest.raises(UnavailableError, match="missing") as caught:
        database.write(lambda session: session.execute(statement, {"hash": "s3cr3t"}))
    assert "s3cr3t" not in caught.value.what
    assert "s3cr3t" not in str(caught.value.__cause__)
