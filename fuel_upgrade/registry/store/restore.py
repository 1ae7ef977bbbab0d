"""An export on its way back into a registry: all of it is checked, then all of it is written."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Integer, LargeBinary, delete, func, insert, select, text
from sqlalchemy import Table as AnyTable
from sqlalchemy.exc import IntegrityError

from fuel_upgrade.errors import ConfigError, PreflightError
from fuel_upgrade.registry.limits import LARGEST_ID, text_fault
from fuel_upgrade.registry.lines import LINES
from fuel_upgrade.registry.resources import TOPICS, JsonObject
from fuel_upgrade.registry.store.database import Database
from fuel_upgrade.registry.store.export import (
    FORMAT,
    PARTS,
    TABLES,
    USERS,
    VERSION,
    last_id,
    sequence,
)
from fuel_upgrade.registry.store.tables import JSON_COLUMNS

_CHOICES = {
    # a registry of any line may have written the export
    ("releases", "state"): tuple(dict.fromkeys(s for line in LINES.values() for s in line.states)),
    ("notifications", "topic"): TOPICS,
    ("notifications", "status"): ("read", "unread"),
}
_REMEDY = "name a file that fuel-upgrade registry export wrote"
_KINDS = {dict: "an object", list: "a list", str: "text", int: "a number"}


@dataclass(frozen=True, slots=True)
class Content:
    """The checked content of an export: rows as the tables take them, parents first."""

    rows: Mapping[str, tuple[JsonObject, ...]]
    last_ids: Mapping[str, int]

    def counts(self) -> dict[str, int]:
        """Return how many rows each part has."""
        return {part: len(rows) for part, rows in self.rows.items()}


class _Fault(Exception):  # noqa: N818 - never leaves this module
    """A fault and its place."""


def parse(data: bytes, *, source: str) -> Content:
    """Return the content of an export.

    Raises:
        ConfigError: it is none, or one of another version, or a row does not fit its table; with
            the actual and the expected value.
    """
    try:
        return _content(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{source}: not JSON: {error}", remedy=_REMEDY) from error
    except _Fault as fault:
        raise ConfigError(f"{source}: {fault}", remedy=_REMEDY) from fault


def restore(database: Database, content: Content, *, replace: bool) -> None:
    """Write the content, with its ids, as one transaction.

    Users, and whoever is logged in, stay as they are where the export has no users. Ids that
    either registry ever gave are not given again.

    Raises:
        PreflightError: the registry has rows of these parts, and ``replace`` is not set.
        ConfigError: the rows contradict each other, such as two releases of one name and version.
    """

    def write(connection: Connection) -> None:
        tables = {part: TABLES[part] for part in content.rows}
        _keep_others_out(connection, tables)
        if not replace:
            _refuse_filled(connection, tables)
        given = {part: last_id(connection, table) for part, table in tables.items()}
        for table in reversed(tables.values()):
            connection.execute(delete(table))
        for part, table in tables.items():
            if content.rows[part]:
                connection.execute(insert(table), [*content.rows[part]])
            _go_on_after(connection, table, max(given[part], content.last_ids[part]))

    try:
        database.write(lambda session: write(session.connection()))
    except IntegrityError as error:
        raise ConfigError(
            f"the rows of the export contradict each other: {error.orig}", remedy=_REMEDY
        ) from error


def _keep_others_out(connection: Connection, tables: Mapping[str, AnyTable]) -> None:
    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
        connection.exec_driver_sql(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")


def _refuse_filled(connection: Connection, tables: Mapping[str, AnyTable]) -> None:
    counts = {
        part: connection.scalar(select(func.count()).select_from(table))
        for part, table in tables.items()
    }
    filled = ", ".join(f"{count} {part}" for part, count in counts.items() if count)
    if filled:
        raise PreflightError(
            f"the registry is not empty: it has {filled}",
            remedy="import into an empty registry, or give --replace to discard its content",
        )


def _go_on_after(connection: Connection, table: AnyTable, used: int) -> None:
    """Let the next id be a later one than ``used`` and than every row's."""
    last = max(used, last_id(connection, table))
    if not last:
        return
    values = {"name": table.name, "last": last}
    if connection.dialect.name == "postgresql":
        # This is not undone with the transaction: then some ids are left out, which harms nobody.
        values["name"] = sequence(connection, table)
        connection.execute(text("SELECT setval(CAST(:name AS regclass), :last)"), values)
        return
    connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
    connection.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :last)"), values)


def _content(document: Any) -> Content:
    _expect(document, dict, "the document")
    for name, expected in (("format", FORMAT), ("version", VERSION)):
        if document.get(name) != expected:
            raise _Fault(f"{name}: expected {expected!r}, found {document.get(name)!r}")
    parts = [*PARTS, USERS] if USERS in document else [*PARTS]
    unknown = document.keys() - {"format", "version", "revision", "last_ids", *parts}
    if unknown:
        raise _Fault(f"unknown parts: {', '.join(sorted(unknown))} (known: {', '.join(parts)})")
    last_ids = _expect(document.get("last_ids"), dict, "last_ids")
    return Content(
        {part: tuple(_rows(document.get(part), TABLES[part])) for part in parts},
        {part: _id(last_ids.get(part), f"last_ids.{part}", least=0) for part in parts},
    )


def _rows(value: Any, table: AnyTable) -> Iterator[JsonObject]:
    seen: set[object] = set()
    # columns that an export of an earlier revision lacks
    added: JsonObject = {c.name: {} for c in table.c if c.server_default is not None}
    for number, given in enumerate(_expect(value, list, table.name)):
        place = f"{table.name}[{number}]"
        row = added | _expect(given, dict, place)
        if row.keys() != set(table.c.keys()):
            fields, columns = ", ".join(sorted(row)), ", ".join(sorted(table.c.keys()))
            raise _Fault(f"{place}: expected the fields {columns}, found {fields}")
        if row["id"] in seen:
            raise _Fault(f"{place}.id: {row['id']} is there twice")
        seen.add(row["id"])
        yield {c.name: _value(row[c.name], c, f"{place}.{c.name}") for c in table.c}


def _value(value: Any, column: Column[Any], place: str) -> object:
    if value is None and column.nullable:
        return None
    if column.name in JSON_COLUMNS:
        return json.dumps(_expect(value, dict, place))
    if isinstance(column.type, LargeBinary):
        return _bytes(value, place)
    if isinstance(column.type, Integer):
        return _id(value, place, least=1 if column.primary_key or column.foreign_keys else 0)
    _expect(value, str, place)
    fault = text_fault(value, column)
    if fault:
        raise _Fault(f"{place}: {fault}")
    choices = _CHOICES.get((column.table.name, column.name), (value,))
    if value not in choices:
        raise _Fault(f"{place}: expected {' or '.join(choices)}, found {value!r}")
    return value


def _bytes(value: Any, place: str) -> bytes:
    try:
        return bytes.fromhex(_expect(value, str, place))
    except ValueError as error:
        raise _Fault(f"{place}: expected hex digits") from error  # a hash is not shown


def _id(value: Any, place: str, *, least: int) -> int:
    number: int = _expect(value, int, place)
    if not least <= number <= LARGEST_ID:
        raise _Fault(f"{place}: expected {least} to {LARGEST_ID}, found {number}")
    return number


def _expect(value: Any, kind: type, place: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _Fault(f"{place}: expected {_KINDS[kind]}, found {_shorten(value)}")
    return value


def _shorten(value: object) -> str:
    text_of = json.dumps(value)
    return text_of if len(text_of) <= 40 else f"{text_of[:40]}..."  # noqa: PLR2004 - for a line
