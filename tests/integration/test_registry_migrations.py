"""Databases of older code are brought up to date after a backup, once, or left as they were."""

import json
import multiprocessing
import re
import resource
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.store.database import Database
from fuel_upgrade.registry.store.migrate import HEAD, MIGRATIONS, Migration, migrate
from fuel_upgrade.registry.store.tables import Table
from tests import released_registry
from tests.postgres import KINDS, NewUrl

NEXT = """
revision = "0004"
down_revision = "0003"

from alembic import op

def upgrade():
    op.execute("CREATE TABLE half_done (n INTEGER)")
    op.execute("DELETE FROM clusters")
    op.execute("this is no SQL")
"""


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, new_url: NewUrl) -> str:
    return new_url(request.param)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    made = Database.connect(url)
    yield made
    made.close()


def describe(database: Database) -> dict[str, Any]:
    """Return all that the database knows of its tables but for Alembic's own."""
    looked = inspect(database.engine)
    actual: dict[str, Any] = {
        name: (
            [{**column, "type": str(column["type"])} for column in looked.get_columns(name)],
            looked.get_pk_constraint(name),
            sorted(looked.get_foreign_keys(name), key=str),
            sorted(looked.get_unique_constraints(name), key=str),
            sorted(looked.get_indexes(name), key=str),
        )
        for name in looked.get_table_names()
        if name != "alembic_version"
    }
    if database.is_sqlite:
        with database.engine.connect() as connection:
            rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql != ''"))
            actual["sql"] = {
                name: re.sub(r"\s+", " ", sql) for name, sql in rows if name != "alembic_version"
            }
    return actual


def only(folder: Path, *names: str) -> Path:
    """Return a folder of migrations that has these revisions only."""
    shutil.copytree(MIGRATIONS, folder)
    for path in (folder / "versions").glob("r*.py"):
        if path.stem not in names:
            path.unlink()
    return folder


def with_next(folder: Path) -> Path:
    shutil.copytree(MIGRATIONS, folder)
    (folder / "versions/r0004_next.py").write_text(NEXT)
    return folder


def backups_of(database: Database, tmp_path: Path) -> list[Path]:
    if database.is_sqlite:
        return sorted(database.file.parent.glob(f"{database.file.name}.before-*"))
    return sorted((tmp_path / "backups").glob("registry.postgresql.before-*.json"))


def test_the_first_revision_has_the_tables_of_the_released_code(
    request: pytest.FixtureRequest, new_url: NewUrl, database: Database, tmp_path: Path
) -> None:
    kind = "sqlite" if database.is_sqlite else "postgresql"
    with closing(Database.connect(new_url(kind))) as released:
        released_registry.make(released, filled=False)
        migrate(database, folder=only(tmp_path / "m", "r0001_tables"), head="0001")
        assert describe(database) == describe(released)


def test_the_tables_are_those_that_the_code_describes(database: Database) -> None:
    assert migrate(database) == Migration(None, HEAD, None)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_an_upgraded_database_is_as_a_new_one(
    database: Database, new_url: NewUrl, tmp_path: Path
) -> None:
    with closing(
        Database.connect(new_url("sqlite" if database.is_sqlite else "postgresql"))
    ) as new:
        released_registry.make(database)
        migrate(database, backups=tmp_path / "backups")
        migrate(new)
        actual, expected = describe(database), describe(new)
    if database.is_sqlite:  # a table that was renamed has its name in quotes
        actual["sql"]["users"] = actual["sql"]["users"].replace('"users"', "users")
        expected["sql"]["users"] = expected["sql"]["users"].replace('"users"', "users")
    assert actual == expected


def test_the_newest_revision_is_the_one_that_the_code_names() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


def test_a_migration_keeps_the_data_of_the_released_code(
    database: Database, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    released_registry.make(database)
    store = Store.open(url, backups=tmp_path / "backups")
    (release,) = store.releases()
    assert (release.id, release.fields.name) == (1, "Juno")
    assert json.dumps(release.fields.orchestrator_data) == '{"repo_metadata": {"b": "1", "a": "2"}}'
    assert [cluster.release_id for cluster in store.clusters()] == [1]
    assert store.accounts.authenticate("admin", "old") == 1
    assert store.accounts.knows_token(released_registry.TOKEN)
    assert store.add_release(replace(release.fields, name="new")).id == 3
    store.close()
    (backup,) = backups_of(database, tmp_path)
    assert str(backup) in caplog.text


def test_the_backup_is_whole_and_for_its_owner_only(database: Database, tmp_path: Path) -> None:
    released_registry.make(database)
    done = migrate(database, backups=tmp_path / "backups")
    assert done is not None
    assert (done.before, done.after) == ("0001", HEAD)
    assert done.backup is not None
    assert backups_of(database, tmp_path) == [done.backup]
    assert stat.S_IMODE(done.backup.stat().st_mode) == 0o600
    if database.is_sqlite:
        with closing(sqlite3.connect(done.backup)) as copy:
            assert copy.execute("SELECT name FROM releases").fetchall() == [("Juno",)]
            assert copy.execute("SELECT count(*) FROM tokens").fetchone() == (1,)
            assert not copy.execute(
                "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
            ).fetchall()
    else:
        actual = json.loads(done.backup.read_text())
        assert [row["name"] for row in actual["releases"]] == ["Juno"]
        assert [row["name"] for row in actual["users"]] == ["admin"]
        assert (actual["revision"], actual["last_ids"]["releases"]) == ("0001", 2)


def test_a_second_start_changes_nothing(database: Database, tmp_path: Path) -> None:
    released_registry.make(database)
    migrate(database, backups=tmp_path / "backups")
    assert migrate(database, backups=tmp_path / "backups") is None
    assert len(backups_of(database, tmp_path)) == 1


def test_a_database_of_newer_code_is_left_alone(database: Database, url: str) -> None:
    migrate(database)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(OutsideError, match=r"revision 9999.*knows 0001, 0002") as caught:
        Store.open(url)
    assert "update fuel-upgrade" in caught.value.remedy
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_a_migration_that_fails_leaves_everything(database: Database, tmp_path: Path) -> None:
    released_registry.make(database)
    migrate(database, backups=tmp_path / "backups")
    before = describe(database)
    with pytest.raises(OutsideError, match="cannot be used"):
        migrate(
            database,
            backups=tmp_path / "backups",
            folder=with_next(tmp_path / "next"),
            head="0004",
        )
    assert describe(database) == before
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM clusters")) == 1
    assert migrate(database) is None
    assert len(backups_of(database, tmp_path)) == 1  # of the first migration only


@contextmanager
def no_room() -> Iterator[None]:
    """Let no file of this process become larger than 8 KiB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_without_a_backup_there_is_no_migration(database: Database, tmp_path: Path) -> None:
    released_registry.make(database)
    before = describe(database)
    (tmp_path / "backups").write_text("a file where the folder should be")
    with no_room(), pytest.raises(OutsideError, match="cannot be backed up") as caught:
        migrate(database, backups=tmp_path / "backups")
    assert caught.value.state == "nothing was changed"
    assert describe(database) == before
    assert backups_of(database, tmp_path) == []


def start(url: str, backups: Path) -> int:
    with closing(Store.open(url, backups=backups)) as store:
        return len(store.releases())


def test_of_processes_that_start_at_once_one_migrates(
    database: Database, url: str, tmp_path: Path
) -> None:
    released_registry.make(database)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert pool.starmap(start, [(url, tmp_path / "backups")] * 4, chunksize=1) == [1] * 4
    assert len(backups_of(database, tmp_path)) == 1


def test_processes_that_start_at_once_on_nothing_make_it_once(url: str, tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert pool.starmap(start, [(url, tmp_path / "backups")] * 4, chunksize=1) == [0] * 4
