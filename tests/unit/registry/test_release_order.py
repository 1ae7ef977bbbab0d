import itertools

import pytest

from fuel_upgrade.registry.release_order import Key, newest_key

NEWEST_FIRST = [
    ("mitaka-10.0", "Ubuntu"),
    ("mitaka-9.0", "Ubuntu"),
    ("liberty-9.0", "Ubuntu"),
    ("2015.1.0-9.0", "Ubuntu"),
    ("2014.2-6.0", "Ubuntu"),
    ("2014.2-6.0", "CentOS"),
    ("2014.2-6.0", "RHEL"),
    ("2014.1.3-5.1.1", "Ubuntu"),
    ("2014.1.1-5.1", "Ubuntu"),
    ("2014.1", "Ubuntu"),
    ("", "Ubuntu"),
]


@pytest.mark.parametrize(("newer", "older"), list(itertools.pairwise(NEWEST_FIRST)))
def test_each_is_newer_than_the_next(newer: tuple[str, str], older: tuple[str, str]) -> None:
    assert newest_key(*newer, 1) > newest_key(*older, 2)


def test_the_later_registration_wins_a_tie() -> None:
    def key(release_id: int) -> Key:
        return newest_key("2014.2-6.0", "Ubuntu", release_id)

    assert key(2) > key(1)
