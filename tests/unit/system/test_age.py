import pytest

from fuel_upgrade.system.age import say_age


@pytest.mark.parametrize(
    ("age_s", "output"),
    [
        (-1, "0 s"),
        (0.9, "0 s"),
        (59, "59 s"),
        (60, "1 min 0 s"),
        (7500, "2 h 5 min"),
        (90061, "1 d 1 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(age_s: float, output: str) -> None:
    assert say_age(age_s) == output
