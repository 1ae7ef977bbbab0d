"""Text in columns that fits a terminal without cutting anything off."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

_GAP = 2
_LEAST = 24  # columns; a last column that would be narrower goes on lines of its own
_INDENT = 4


def terminal_width(stream: TextIO) -> int | None:
    """Return how many columns a stream has; None, which is no limit, where it is no terminal."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):  # no descriptor, or no terminal behind it
        return None
    return columns or None


def fold(text: str, width: int | None, *, indent: int = 0, first: int = 0) -> list[str]:
    """Break a text between words, so that lines have at most ``width`` columns.

    A word that is longer, such as a URL, stays whole. Lines behind the first are indented by
    ``indent``; ``first`` is how many columns stand before the first one already.
    """
    if width is None or first + len(text) <= width:
        return [text]
    stem = text[: len(text) - len(text.lstrip(" "))]
    lines: list[str] = []
    line, used = stem, first + len(stem)
    is_empty = True
    for word in text.split():
        if not is_empty and used + 1 + len(word) > width:
            lines.append(line)
            line, used, is_empty = " " * indent, indent, True
        line += word if is_empty else f" {word}"
        used += len(word) + (0 if is_empty else 1)
        is_empty = False
    return [*lines, line]


def lay_out_pairs(pairs: Mapping[str, object], width: int | None) -> list[str]:
    """Return the lines of names and values in two columns."""
    names = max(len(name) for name in pairs) + 1
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

    Where the table is too wide its last column is folded between words, or goes on lines of its
    own below the rest of the row; where the rest is too wide itself, each row becomes a record of
    names and values.
    """
    table = [tuple(columns), *(tuple(row) for row in rows)]
    sizes = [max(_width(row[i]) for row in table) for i in range(len(columns))]
    head = sum(sizes[:-1]) + _GAP * (len(columns) - 1)
    if width is None or head + sizes[-1] <= width:
        return [line for row in table for line in _row(row, sizes, None)]
    room = width - head
    longest = max(len(word) for row in table for line in _lines(row[-1]) for word in line.split())
    if room >= max(_LEAST, longest):
        return [line for row in table for line in _row(row, sizes, width)]
    if head - _GAP <= width:
        return [line for row in table for line in _two_lines(row, sizes, width)]
    return _records(columns, rows, width)


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
    found: list[str] = []
    for row in rows:
        shown = {n: cell for n, cell in zip(names, row, strict=True) if _text(cell)}
        found += [*([""] if found else []), *lay_out_pairs(shown, width)]
    return found


def _text(cell: object) -> str:
    """Return a cell on one line, without what would move a terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in str(cell))


def _lines(cell: object) -> list[str]:
    return [_text(line) for line in str(cell).split("\n")]


def _width(cell: object) -> int:
    return max(map(len, _lines(cell)))
