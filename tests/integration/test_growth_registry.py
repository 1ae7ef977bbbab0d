"""A list of the registry takes as many statements for many rows as for one."""

from pathlib import Path

from sqlalchemy import event

from fuel_upgrade.registry.resources import ReleaseFields
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
