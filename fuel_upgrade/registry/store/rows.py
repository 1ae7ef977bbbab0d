"""Operations on rows of any table, and their refusals."""

from typing import Any, ClassVar, Protocol, TypeVar

from sqlalchemy import Column, CursorResult, Delete
from sqlalchemy.orm import Session

from fuel_upgrade.registry.limits import LARGEST_ID, text_fault
from fuel_upgrade.registry.refusal import bad_request, not_found

Value_co = TypeVar("Value_co", covariant=True)
Value = TypeVar("Value")


class AnyRow(Protocol[Value_co]):
    """A row that turns into a value."""

    __table__: ClassVar[Any]
    id: Any  # a mapped column: a different type on the class and on its rows

    def value(self) -> Value_co:
        """Return the row as a value."""
        ...


Row = TypeVar("Row", bound=AnyRow[Any])


def get(session: Session, table: type[Row], row_id: int, kind: str, *, locked: bool = False) -> Row:
    """Return a row, or refuse with 404; ``locked`` keeps it as it is until the transaction ends."""
    possible = 0 < row_id <= LARGEST_ID
    row = session.get(table, row_id, with_for_update=locked or None) if possible else None
    if row is None:
        raise not_found(kind)
    return row


def insert(session: Session, row: AnyRow[Value]) -> Value:
    """Write a new row, and return it with its id; or refuse with 400."""
    check_texts(row)
    session.add(row)
    session.flush()  # gives the id
    return row.value()


def delete_one(session: Session, statement: Delete, kind: str) -> None:
    """Delete by one statement: of two concurrent calls, one deletes and one is refused with 404."""
    done = session.execute(statement)
    if isinstance(done, CursorResult) and done.rowcount == 0:
        raise not_found(kind)


def check_texts(row: AnyRow[Any]) -> None:
    """Refuse with 400 a row with a text that some database cannot store."""
    for column in row.__table__.columns:
        value = getattr(row, column.name)
        if isinstance(value, str):
            check_text(column, value)


def check_text(column: Column[Any], value: str) -> None:
    """Refuse with 400 a text that some database cannot store in this column."""
    fault = text_fault(value, column)
    if fault:
        raise bad_request(f"'{column.name}' field {fault}")
