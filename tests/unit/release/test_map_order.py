"""Keys of a map of repos, in the order that Nailgun 6.0 gives them."""

import json
import re
import string
from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.release.map_order import answered_order, ordered_keys
from fuel_upgrade.release.nailgun_repos import read_repos
from tests.builders import quickly
from tests.tools import shared_dir


def test_the_order_is_that_of_the_recorded_maps() -> None:
    maps = json.loads((shared_dir() / "contract/key-orders-6.0.json").read_text())
    assert [answered_order(m["sent"]) for m in maps] == [m["answered"] for m in maps]
    assert maps


def test_a_release_alone_has_its_version_as_key() -> None:
    assert ordered_keys(["2014.2-6.0"]) == ["2014.2-6.0"]


NAMES = st.text(string.ascii_letters + string.digits + ".-+", min_size=1, max_size=12)


@quickly
@given(st.lists(NAMES, unique=True, max_size=4))
def test_the_chain_comes_back_in_its_order_however_it_is_inserted(names: list[str]) -> None:
    keys = ordered_keys(names)
    assert all(answered_order(list(sent)) == keys for sent in permutations(keys))
    assert sorted(keys) == keys
    assert [key if key in names else re.sub(r"^zz\d+-", "", key) for key in keys] == names


@quickly
@given(st.lists(NAMES, unique=True, max_size=30), st.randoms())
def test_many_repos_keep_their_order_too(names: list[str], chance: object) -> None:
    keys = ordered_keys(names)
    sent = list(keys)
    chance.shuffle(sent)  # type: ignore[attr-defined]
    assert answered_order(sent) == keys


def test_the_recorded_trap_is_avoided() -> None:
    """With zz01- before its name the base came first, and nodes got its rebuilt packages."""
    names = ["2014.2-6.0", "2014.1.1-5.1"]
    assert answered_order(["2014.2-6.0", "zz01-2014.1.1-5.1"]) != [
        "2014.2-6.0",
        "zz01-2014.1.1-5.1",
    ]
    assert answered_order(ordered_keys(names)) == ordered_keys(names)


@quickly
@given(st.lists(NAMES, unique=True, min_size=1, max_size=4), st.integers(1, 3))
def test_each_set_of_keys_is_another_one_in_the_same_order(names: list[str], number: int) -> None:
    keys = ordered_keys(names, number)
    assert all(answered_order(list(sent)) == keys for sent in permutations(keys))
    assert sorted(keys) == keys
    assert [re.sub(r"^zz\d+-", "", key) for key in keys] == names
    assert not set(keys) & set(ordered_keys(names, number - 1))


VERSIONS = ("2014.1-5.0", "2014.1.1-5.1", "2014.1.3-5.1.1", "2014.2-6.0", "2014.2.2-6.1")
CHAINS = [chain[::-1] for length in range(1, 5) for chain in combinations(VERSIONS, length)]


@pytest.mark.parametrize("older", [(), ("nailgun",)], ids=["all versions", "beside nailgun"])
def test_real_chains_come_back_in_their_order_however_they_are_inserted(
    older: tuple[str, ...],
) -> None:
    for chain in CHAINS:
        names = [*chain, *older]
        keys = ordered_keys(names)
        assert all(answered_order(list(sent)) == keys for sent in permutations(keys))
        repos = read_repos(
            {
                "version": chain[0],
                "operating_system": "Ubuntu",
                "orchestrator_data": {"repo_metadata": {key: f"http://m/{key}" for key in keys}},
            }
        )
        assert repos is not None
        assert [repo.name for repo in repos.chain] == names
        assert [repo.location for repo in repos.chain] == [f"http://m/{key}" for key in keys]
