"""Layout of text in columns that fit a terminal; nothing is cut off."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

_GAP = 2
_LEAST = 16  # columns; a narrower last column is printed on lines of its own
_INDENT = 4
_WORD = re.compile(r" *[^ ]+")


def terminal_width(stream: TextIO) -> int | None:
    """Return the number of columns of a stream, or None (no limit) if it is no terminal."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):  # no descriptor, or no terminal behind it
        return None
    return columns or None


def fold(text: str, width: int | None, *, indent: int = 0, first: int = 0) -> list[str]:
    """Break a text between words, so that lines have at most ``width`` columns.

    A longer word, such as a URL, is not broken. Lines after the first are indented by
    ``indent``; the first line begins at column ``first``.
    """
    if width is None or first + len(text) <= width:
        return [text]
    lines: list[str] = []
    line, used = "", first
    for word in _WORD.findall(text):
        if line.strip() and used + len(word) > width:
            lines.append(line)
            line, used = " " * indent + word.lstrip(" "), indent + len(word.lstrip(" "))
        else:
            line, used = line + word, used + len(word)
    return [*lines, line]


def lay_out_pairs(pairs: Mapping[str, object], width: int | None) -> list[str]:
    """Return the lines of names and values in two columns."""
    names = max(map(len, pairs), default=0) + 1
    return [line for name, value in pairs.items() for line in _pair(name, value, names, width)]


def _pair(name: str, value: object, names: int, width: int | None) -> Iterator[str]:
    head = f"{name + ':':<{names}} "
    for line in _lines(value):
        first, *rest = fold(line, width, indent=len(head), first=len(head))
        yield f"{head}{first}".rstrip()
        yield from rest
        head = " " * len(head)


def lay_out_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], width: int | None
) -> list[str]:
    """Return the lines of a table; the last cell of a row may have several lines.

    If the table is too wide, the last cell of a row is folded between words, or printed below the
    rest of the row if a word is too long. If the rest is too wide too, each row becomes a record
    of names and values.
    """
    table = [tuple(columns), *(tuple(row) for row in rows)]
    sizes = [max(_width(row[i]) for row in table) for i in range(len(columns))]
    head = sum(sizes[:-1]) + _GAP * (len(columns) - 1)
    if width is None or head + sizes[-1] <= width:
        return [line for row in table for line in _row(row, sizes, None)]
    if head - _GAP > width:
        return _records(columns, rows, width)
    free = width - head if width - head >= _LEAST else 0
    return [
        line
        for row in table
        for line in (_row if _longest(row[-1]) <= free else _two_lines)(row, sizes, width)
    ]


def _row(row: Sequence[object], sizes: Sequence[int], width: int | None) -> Iterator[str]:
    head = _head(row, sizes)
    for line in _lines(row[-1]):
        first, *rest = fold(line, width, indent=len(head), first=len(head))
        yield f"{head}{first}".rstrip()
        yield from rest
        head = " " * len(head)


def _head(row: Sequence[object], sizes: Sequence[int]) -> str:
    cells = zip(row[:-1], sizes[:-1], strict=True)
    return "".join(f"{_text(cell):<{size + _GAP}}" for cell, size in cells)


def _two_lines(row: Sequence[object], sizes: Sequence[int], width: int) -> Iterator[str]:
    yield _head(row, sizes).rstrip()
    for line in _lines(row[-1]):
        if line:
            yield from fold(" " * _INDENT + line, width, indent=_INDENT)


def _records(columns: Sequence[str], rows: Sequence[Sequence[object]], width: int) -> list[str]:
    names = [name or "#" for name in columns]
    lines: list[str] = []
    for row in rows:
        shown = {n: cell for n, cell in zip(names, row, strict=True) if _text(cell)}
        lines += [*([""] if lines else []), *lay_out_pairs(shown, width)]
    return lines


def _text(cell: object) -> str:
    """Return a cell without line breaks and without characters that move the cursor."""
    return "".join(c if c.isprintable() else " " for c in str(cell))


def _lines(cell: object) -> list[str]:
    return [_text(line) for line in str(cell).split("\n")]


def _longest(cell: object) -> int:
    return max((len(word) for word in str(cell).split()), default=0)


def _width(cell: object) -> int:
    return max(map(len, _lines(cell)))
