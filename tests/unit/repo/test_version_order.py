"""The order of versions: known cases, and the laws that make it an order."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.repo.version import compare_deb, compare_rpm
from tests.builders import quickly

Compare = Callable[[str, str], int]

# Each list rises; the first is from Debian Policy 5.6.12.
DEB_RISING = [
    ["~~", "~~a", "~", "", "a"],
    ["1.0~rc1", "1.0~rc1-1", "1.0", "1.0-0ubuntu1", "1.0-1", "1.0-1.1", "1.0-10", "1.0.1"],
    ["9", "10", "1:0", "1:1", "2:0", "10:0"],
    ["1.0-1~bpo1", "1.0-1", "1.0-1+b1", "1.0-1.1"],
    ["1", "1a", "1b", "1ba", "1+", "1.0", "1.a"],
    ["2014.1.fuel5.0~mira4", "2014.1.fuel5.0", "2014.1.fuel5.1~mira6", "2014.2"],
    ["0.8.16~exp12ubuntu10.16", "0.8.16", "0.8.16ubuntu1"],
    ["1-2-1", "1-2-2", "1-10-0"],
]
DEB_EQUAL = [("1.0", "1.0-0"), ("0:1", "1"), ("1.01", "1.1"), ("1.0-00", "1.0-"), ("1.", "1.0")]
# From rpm's own tests/rpmvercmp.at.
RPM_RISING = [
    ["1.0~rc1", "1.0~rc2", "1.0", "1.0^git1~pre", "1.0^git1", "1.0^git2", "1.0a", "1.0.1"],
    ["5.5p1", "5.5p2", "5.5p10"],
    ["10a2", "10b2"],
    ["xyz10", "xyz10.1"],
    ["xyz.4", "8"],
    ["xyz", "8", "9"],
    ["1.0", "1.0.0", "1.0.0.1"],
    ["20101121", "20101122"],
    ["2.0", "2.0.1", "2_0_2"],
    ["1.0~rc1^git1", "1.0^git1"],
    ["1.0", "1.0-1", "1.0-2", "1.0-10.el6", "1.0-10.el6.1", "0:1.1-1", "1:0.1-1"],
    ["2.0.8-21.el6", "2.0.8-21.el6.centos", "2.0.8-21.el6_5.1"],
]
RPM_EQUAL = [("1.0", "1_0"), ("a", "a+"), ("+", "_"), ("2.0", "2_0"), ("1.05", "1.5"), ("0:1", "1")]


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


@pytest.mark.parametrize("rising", DEB_RISING, ids=lambda r: r[0])
def test_debian_versions_rise(rising: list[str]) -> None:
    for one, other in itertools.combinations(rising, 2):
        assert compare_deb(one, other) < 0, (one, other)
        assert compare_deb(other, one) > 0, (other, one)


@pytest.mark.parametrize("rising", RPM_RISING, ids=lambda r: r[0])
def test_rpm_versions_rise(rising: list[str]) -> None:
    for one, other in itertools.combinations(rising, 2):
        assert compare_rpm(one, other) < 0, (one, other)
        assert compare_rpm(other, one) > 0, (other, one)


@pytest.mark.parametrize("pair", DEB_EQUAL)
def test_debian_versions_may_be_equal_in_other_words(pair: tuple[str, str]) -> None:
    assert compare_deb(*pair) == 0


@pytest.mark.parametrize("pair", RPM_EQUAL)
def test_rpm_versions_may_be_equal_in_other_words(pair: tuple[str, str]) -> None:
    assert compare_rpm(*pair) == 0


versions = st.text("019ab~^.+-:", max_size=8)
orders = st.sampled_from([compare_deb, compare_rpm])


@quickly
@given(orders, versions, versions)
def test_an_order_is_antisymmetric(compare: Compare, one: str, other: str) -> None:
    assert sign(compare(one, other)) == -sign(compare(other, one))


@quickly
@given(orders, versions, versions, versions)
def test_an_order_is_transitive(compare: Compare, a: str, b: str, c: str) -> None:
    if compare(a, b) <= 0 and compare(b, c) <= 0:
        assert compare(a, c) <= 0
        if compare(a, b) < 0 or compare(b, c) < 0:
            assert compare(a, c) < 0


@quickly
@given(orders, st.text(max_size=12), st.text(max_size=12))
def test_any_text_has_a_place(compare: Compare, one: str, other: str) -> None:
    assert compare(one, one) == 0
    assert sign(compare(one, other)) == -sign(compare(other, one))
