from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.system.size import say_size_down, say_size_up

_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZES = st.integers(min_value=0, max_value=1 << 45)


def read(text: str) -> float:
    number, unit = text.split()
    return float(number) * _UNITS[unit]


@given(_SIZES)
def test_required_sizes_round_up_and_free_sizes_down(size: int) -> None:
    assert read(say_size_down(size)) <= size <= read(say_size_up(size))


@given(_SIZES, _SIZES)
def test_rounded_sizes_still_show_that_space_is_missing(free: int, short: int) -> None:
    assert read(say_size_up(free + short + 1)) > read(say_size_down(free))


def test_a_round_size_is_shown_as_it_is() -> None:
    assert (say_size_up(65 << 20), say_size_down(65 << 20)) == ("65.0 MiB", "65.0 MiB")
