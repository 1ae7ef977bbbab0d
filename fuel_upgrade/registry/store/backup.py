"""A copy of the whole database, before its tables are changed."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, MetaData
from sqlalchemy.exc import SQLAlchemyError

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.registry.store.database import Database
from fuel_upgrade.registry.store.export import PARTS, USERS, export
from fuel_upgrade.system.files import sync_folder, write_file


def back_up(
    database: Database, connection: Connection, *, name: str, folder: Path | None, revision: str
) -> Path:
    """Write a durable backup for its owner only, and return where it is.

    For SQLite that is a database, ``FILE.NAME`` beside the file; for PostgreSQL, whose own tools
    may not be here, an export with the users: ``registry.postgresql.NAME.json`` in ``folder``.

    Raises:
        OutsideError: it could not be written.
    """
    try:
        if database.is_sqlite:
            target = database.file.with_name(f"{database.file.name}.{name}")
            _copy_sqlite(database.file, target)
            return target
        if folder is None:
            raise OSError("no folder for backups was named")  # noqa: TRY301 - one remedy for all
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"registry.postgresql.{name}.json"
        # the tables of the database, which are older than those of this code
        tables = MetaData()
        tables.reflect(connection, only=[*PARTS, USERS])
        exported = export(connection, with_users=True, revision=revision, tables=tables.tables)
        write_file(target, json.dumps(exported, indent=1).encode(), mode=0o600)
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        raise OutsideError(
            f"the registry's database {database.name} was not migrated, for it cannot be backed "
            f"up: {error}",
            remedy="free disk space, and make the folder of the backup writable",
            state="nothing was changed",
        ) from error
    return target


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy the committed data through a second connection, not the one that migrates."""
    unfinished = target.with_name(f".{target.name}.new")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    try:
        with (
            closing(sqlite3.connect(source)) as reader,
            closing(sqlite3.connect(unfinished)) as copy,
        ):
            copy.execute("PRAGMA synchronous=FULL")
            reader.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
            (verdict,) = copy.execute("PRAGMA quick_check").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(target.parent)
