"""The work of the registry grows with its rows, and a list takes one number of statements."""

import json
from contextlib import closing
from pathlib import Path

from sqlalchemy import event

from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.resources import ReleaseFields
from fuel_upgrade.registry.store.export import export
from fuel_upgrade.registry.store.restore import parse, restore
from tests.growth import assert_all_n_log_n, lines_of
from tests.master import ScratchMaster, scratch_master


def add_rows(master: ScratchMaster, count: int) -> None:
    for number in range(count):
        version = f"2014.2-6.0.{number}"
        added = master.store.add_release(ReleaseFields(version, version, "Ubuntu", "available"))
        master.client.create_cluster(f"cluster {number}", added.id)
        master.client.notify(f"message {number}")


def statements_of_lists(master: ScratchMaster) -> list[str]:
    """Return the statements that all lists take, in order."""
    statements: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    engine = master.store.database.engine
    event.listen(engine, "before_cursor_execute", keep)
    master.client.releases()
    master.client.clusters()
    master.client.notifications()
    master.client.tasks()
    event.remove(engine, "before_cursor_execute", keep)
    return statements


def test_the_statements_of_lists_do_not_depend_on_the_rows(tmp_path: Path) -> None:
    with scratch_master(tmp_path / "few") as master:
        add_rows(master, 2)
        few = statements_of_lists(master)
    with scratch_master(tmp_path / "many") as master:
        add_rows(master, 20)
        assert statements_of_lists(master) == few


def test_the_rows_of_an_export_and_its_import(tmp_path: Path) -> None:
    def count(n: int) -> dict[str, int]:
        document: dict[str, object] = {}
        with closing(Store.open(f"sqlite:///{tmp_path}/{n}")) as store:
            for number in range(n):
                version = f"2014.2-6.0.{number}"
                store.add_release(ReleaseFields(version, version, "Ubuntu", "available"))
                store.add_notification("release", version)
            with store.database.engine.connect() as connection:

                def write() -> None:
                    document.update(export(connection, with_users=True, revision=""))

                written = lines_of(write)
        data = json.dumps(document).encode()
        with closing(Store.open(f"sqlite:///{tmp_path}/{n}.new")) as store:

            def read() -> None:
                restore(store.database, parse(data, source="export"), replace=False)

            return {"export": written, "import": lines_of(read)}

    assert_all_n_log_n(count, 64)
