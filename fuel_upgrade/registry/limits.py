"""The limits that all databases share, so that each gives the same answers."""

from typing import Any

from sqlalchemy import Column, String, UniqueConstraint

LARGEST_ID = 2**31 - 1  # of an integer column in PostgreSQL
#: An entry of an index of PostgreSQL takes 2704 bytes.
_INDEXED_MAX_BYTES = 2000


def text_fault(value: str, column: Column[Any]) -> str:
    """Return why a column cannot store a text (its length, or a character); empty if it can.

    SQLite would store any text. PostgreSQL stores no NUL, and enforces the declared lengths.
    """
    longest = column.type.length if isinstance(column.type, String) else None
    if longest is not None and len(value) > longest:
        return f"is longer than {longest} characters"
    if "\0" in value:
        return "has a NUL character, which no database stores"
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return "has half a surrogate pair, which no database stores"
    if size > _INDEXED_MAX_BYTES and _is_indexed(column):
        return f"is longer than {_INDEXED_MAX_BYTES} bytes"
    return ""


def _is_indexed(column: Column[Any]) -> bool:
    constraints = column.table.constraints
    return any(column.name in c.columns for c in constraints if isinstance(c, UniqueConstraint))
