"""Columns that fit a terminal, and lose nothing."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuel_upgrade.cli.text_columns import fold, lay_out_pairs, lay_out_table, terminal_width

WORDS = st.text("abc/:-", min_size=1, max_size=30)
CELLS = st.lists(WORDS, max_size=8).map(" ".join)
COLUMNS = ("id", "name", "what")
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5)


@settings(max_examples=40)
@given(ROWS, st.integers(20, 200) | st.none())
def test_a_table_keeps_every_word_whole_and_in_order(
    rows: list[tuple[str, ...]], width: int | None
) -> None:
    printed = "\n".join(lay_out_table(COLUMNS, rows, width)).split()
    words = iter(printed)
    for row in rows:
        for cell in row:
            for word in cell.split():
                assert word in words


@settings(max_examples=40)
@given(ROWS, st.integers(60, 200))
def test_only_a_word_that_is_too_long_makes_a_line_too_long(
    rows: list[tuple[str, ...]], width: int
) -> None:
    for line in lay_out_table(COLUMNS, rows, width):
        assert len(line) <= width


@settings(max_examples=40)
@given(CELLS, st.integers(10, 80), st.integers(0, 9))
def test_a_folded_text_has_its_words_and_its_indent(text: str, width: int, indent: int) -> None:
    first, *rest = fold(text, width, indent=indent)
    assert " ".join((first, *rest)).split() == text.split()
    assert all(line.startswith(" " * indent) for line in rest)


def test_a_table_that_fits_is_a_line_a_row() -> None:
    rows = [(1, "a", "b"), (22, "longer", "c d")]
    wide = ["id  name    what", "1   a       b", "22  longer  c d"]
    assert lay_out_table(COLUMNS, rows, 80) == wide
    assert lay_out_table(COLUMNS, rows, None) == wide


def test_the_last_column_is_folded_between_words() -> None:
    rows = [(1, "x" * 20, "five words of a reason and more")]
    assert lay_out_table(COLUMNS, rows, 44) == [
        "id  name                  what",
        "1   xxxxxxxxxxxxxxxxxxxx  five words of a",
        "                          reason and more",
    ]


def test_a_word_that_is_too_long_for_its_column_has_lines_of_its_own() -> None:
    rows = [(1, "x" * 20, "in http://a/very/long/place"), (2, "y", "short")]
    assert lay_out_table(COLUMNS, rows, 44) == [
        "id  name                  what",
        "1   xxxxxxxxxxxxxxxxxxxx",
        "    in http://a/very/long/place",
        "2   y                     short",
    ]


def test_columns_that_are_too_wide_together_become_records() -> None:
    rows = [(1, "x" * 30, "a"), (2, "y" * 30, "")]
    assert lay_out_table(COLUMNS, rows, 24) == [
        "id:   1", f"name: {'x' * 30}", "what: a", "", "id:   2", f"name: {'y' * 30}",
    ]  # fmt: skip


def test_lines_of_a_cell_stay_lines_of_it() -> None:
    assert lay_out_table(("id", "repos"), [(1, "a\nb")], None) == ["id  repos", "1   a", "    b"]


def test_characters_that_move_the_cursor_are_not_printed() -> None:
    (_, line) = lay_out_table(("id", "name"), [(1, "a\x1b[2Jb\rc\td")], None)
    assert line == "1   a [2Jb c d"
    assert lay_out_pairs({"a": "x\x1by"}, None) == ["a: x y"]


def test_a_value_is_folded_behind_its_name() -> None:
    assert lay_out_pairs({"a": "x y", "long": "one two three"}, 14) == [
        "a:    x y",
        "long: one two",
        "      three",
    ]


@pytest.mark.parametrize("stream", [io.StringIO(), io.BytesIO()])
def test_a_stream_without_a_terminal_has_no_width(stream: io.TextIOBase) -> None:
    assert terminal_width(stream) is None  # type: ignore[arg-type]
