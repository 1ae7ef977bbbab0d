"""The registry as one JSON document: for people, for another database, and as a backup."""

import json
from collections.abc import Mapping

from sqlalchemy import Connection, LargeBinary, TableClause, func, select, text
from sqlalchemy import Table as AnyTable

from fuel_upgrade.registry.resources import JsonObject
from fuel_upgrade.registry.store.tables import JSON_COLUMNS, Table

FORMAT = "fuel-upgrade registry"
VERSION = 1
#: The tables of an export, parents first. Tokens are never exported.
PARTS = ("releases", "clusters", "nodes", "tasks", "notifications")
USERS = "users"

TABLES: Mapping[str, AnyTable] = Table.metadata.tables


def export(
    connection: Connection,
    *,
    with_users: bool,
    revision: str,
    tables: Mapping[str, AnyTable] = TABLES,
) -> JsonObject:
    """Return every row of every part, oldest first, and the last id that each part gave.

    Users come with salted hashes as hex digits, and only if asked for. ``tables`` describes
    those of the database, where they are not those of this code.
    """
    parts = [*PARTS, USERS] if with_users else [*PARTS]
    return {
        "format": FORMAT,
        "version": VERSION,
        "revision": revision,
        "last_ids": {part: last_id(connection, tables[part]) for part in parts},
        **{part: _rows(connection, tables[part]) for part in parts},
    }


def last_id(connection: Connection, table: AnyTable) -> int:
    """Return the highest id that the table ever gave, 0 for none."""
    highest = connection.scalar(select(func.max(table.c.id))) or 0
    if connection.dialect.name == "sqlite":
        query = "SELECT seq FROM sqlite_sequence WHERE name = :table"
        given = connection.scalar(text(query), {"table": table.name})
    else:
        name = sequence(connection, table)
        given = connection.scalar(
            text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}")  # noqa: S608
        )
    return max(int(highest), int(given or 0))


def sequence(connection: Connection, table: TableClause) -> str:
    """Return the quoted name of the sequence that gives a table of PostgreSQL its ids."""
    query = "SELECT pg_get_serial_sequence(:table, 'id')"
    return str(connection.scalar(text(query), {"table": table.name}))


def _rows(connection: Connection, table: AnyTable) -> list[JsonObject]:
    rows = connection.execute(select(table).order_by(table.c.id)).mappings()
    return [{name: _to_json(table, name, value) for name, value in row.items()} for row in rows]


def _to_json(table: AnyTable, name: str, value: object) -> object:
    if isinstance(table.c[name].type, LargeBinary) and isinstance(value, bytes):
        return value.hex()
    if name in JSON_COLUMNS:
        return json.loads(str(value))
    return value
