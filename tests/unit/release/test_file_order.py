"""Names of repos in a list, in the order in which apt reads their files."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.release.file_order import base_names, plain_name
from fuel_upgrade.release.fixture import parse_fixture
from fuel_upgrade.release.nailgun_repos import repo_list
from tests.builders import quickly
from tests.tools import shared_dir

ALLOWED = string.ascii_letters + string.digits + "_.-"  # in apt's names of files
NAMES = st.text(ALLOWED, min_size=1, max_size=12)


def files(names: list[str]) -> list[bytes]:
    return [f"{name}.list".encode() for name in names]


@quickly
@given(own=NAMES, bases=st.lists(NAMES, unique=True, max_size=12), other=NAMES)
def test_the_files_follow_that_of_the_own_repo_in_the_order_of_the_chain(
    own: str, bases: list[str], other: str
) -> None:
    names = [own, *base_names(own, bases)]
    assert sorted(files(names)) == files(names)
    assert not set("".join(names)) - set(ALLOWED)
    assert [plain_name(name) for name in names[1:]] == bases
    if not other.startswith(f"{own}."):
        (between,) = files([other])
        assert not files(names)[0] < between < files(names)[-1]


@quickly
@given(own=NAMES, bases=st.lists(NAMES, unique=True, min_size=2, max_size=12))
def test_a_base_keeps_its_name_in_a_longer_chain(own: str, bases: list[str]) -> None:
    assert base_names(own, bases)[1:] == base_names(own, bases[1:])


@pytest.mark.parametrize("fuel", ["6.1", "7.0", "8.0", "9.0"])
def test_no_name_of_a_real_description_is_taken_for_that_of_a_base(fuel: str) -> None:
    path = shared_dir() / f"data/openstack.yaml/{fuel}.yaml"
    for release in parse_fixture(path.read_text(encoding="utf-8"), source=path.name):
        names = [entry["name"] for entry in repo_list(release.fields) or []]
        assert "mos" in names
        assert [plain_name(name) for name in names] == names
