"""The line of a bar, and the plain lines in its place."""

import pytest

from fuel_upgrade.cli.progress_bar import Plain, Shown, render_bar
from fuel_upgrade.outside_text import printable

GIB = 1 << 30
FULL = Shown(
    "unpacking", "[1/11]", 45.7, GIB, 4 * GIB, bytes_per_s=85 << 20, remaining_s=125
)  # fmt: skip


def test_a_wide_bar_has_everything() -> None:
    line = render_bar(FULL, 110)
    assert line.startswith("[1/11] unpacking  ━━━━")
    assert line.endswith("  45 %  1.00 of 4.00 GiB  85.0 MiB/s  2:05 left")


@pytest.mark.parametrize("doing", ["x", "a title that is far too long for any bar " * 3])
def test_no_bar_is_wider_than_its_place(doing: str) -> None:
    full = Shown(doing, "[10/11]", 45.7, GIB, 4 * GIB, bytes_per_s=85 << 20, remaining_s=125)
    bars = (full, Shown(doing), Shown(doing, "[10/11]", 100.0))
    too_wide = [
        (width, line)
        for width in range(10, 120)
        for line in (render_bar(bar, width, age_s=99) for bar in bars)
        if len(line) > width
    ]
    assert too_wide == []


def test_a_narrow_bar_keeps_percentage_and_remaining_time() -> None:
    line = render_bar(FULL, 44)
    assert "45 %" in line
    assert "2:05 left" in line
    assert "MiB/s" not in line


def test_80_columns_are_enough_for_a_tarball_of_many_gigabytes() -> None:
    large = Shown(
        "unpacking", "[11/11]", 99.9, 12 * GIB, 24 * GIB, bytes_per_s=99 << 20, remaining_s=3599
    )
    assert render_bar(large, 76) == (
        "[11/11] unpacking  ━━━━━━─  99 %  12.00 of 24.00 GiB  99.0 MiB/s  59:59 left"
    )


def test_amounts_of_different_units_say_both() -> None:
    assert "10.0 MiB of 1.00 GiB" in render_bar(Shown("x", "", 1.0, 10 << 20, GIB), 80)


def test_how_full_the_bar_is_is_its_percentage() -> None:
    for percent, filled in ((0.0, 0), (50.0, 15), (99.9, 29), (100.0, 30)):
        line = render_bar(Shown("x", percent=percent), 110, signs="#-")
        assert line.count("#") == filled
        assert line.count("-") == 30 - filled


def test_work_of_unknown_length_says_how_long_it_goes_on() -> None:
    assert render_bar(Shown("checking"), 80, age_s=63) == "checking  1:03"


def test_an_old_speed_is_not_shown_as_if_it_were_true() -> None:
    line = render_bar(FULL, 110, silence_s=30)
    assert "nothing new for 0:30" in line
    assert "MiB/s" not in line
    assert "left" not in line


def test_terminal_control_characters_are_escaped() -> None:
    assert printable("a\x1b[2J\r\nb\x9b\u202e\udc80ü") == ("a\\x1b[2J\\r\\nb\\x9b\\u202e\\udc80ü")


def test_short_work_prints_no_line_of_its_progress(capsys: pytest.CaptureFixture[str]) -> None:
    plain = Plain()
    for tenth in range(20):
        plain.show(Shown("unpacking", "[1/2]", tenth * 5.0, tenth, 20), tenth / 10)
    assert capsys.readouterr().err == ""


def test_long_work_prints_a_line_every_ten_per_cent(capsys: pytest.CaptureFixture[str]) -> None:
    plain = Plain()
    for second in range(101):
        shown = Shown("unpacking", "[1/2]", float(second), second, 100, bytes_per_s=1)
        plain.show(shown, float(second))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "[1/2] unpacking: 10 %, 10 of 100 B, 1 B/s"
    assert len(lines) == 10
