import itertools

import pytest

from fuel_upgrade.registry.release_order import release_order

FIRST_TO_LAST = [
    ("mitaka-9.0", "Ubuntu"),
    ("liberty-9.0", "Ubuntu"),
    ("2015.1.0-9.0", "Ubuntu"),
    ("2014.2-6.0.9", "Ubuntu"),
    ("2014.2-6.0.10", "Ubuntu"),
    ("2014.9-6.0", "Ubuntu"),
    ("2014.2-6.0-mu1", "Ubuntu"),
    ("2014.2-6.0", "CentOS"),
    ("2014.2-6.0", "RHEL"),
    ("2014.1.3-5.1.1", "Ubuntu"),
    ("mitaka-10.0", "Ubuntu"),
    ("2014.1", "Ubuntu"),
    ("", "Ubuntu"),
]


@pytest.mark.parametrize(("first", "then"), list(itertools.pairwise(FIRST_TO_LAST)))
def test_the_parts_of_a_version_are_compared_as_text(
    first: tuple[str, str], then: tuple[str, str]
) -> None:
    assert release_order(*first) > release_order(*then)
