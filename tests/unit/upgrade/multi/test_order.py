"""Tarballs are ordered by their content, or the missing one is named."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.upgrade.multi.order import Inherited, Offer, Order, Present, find_order
from tests.builders import quickly

MASTER = Present("5.1", {("B", "ubuntu"): frozenset("ab")}, frozenset({"seal of 5.1"}))


def offer(
    fuel: str,
    *upgrade_from: str,
    inherits: str = "a",
    brings: str = "",
    named: str = "B",
    seal: str = "",
) -> Offer:
    return Offer(
        name=f"fuel-{fuel}{seal}",
        fuel_version=fuel,
        upgrade_from=frozenset(upgrade_from),
        seal=seal or f"seal of {fuel}",
        brings={(f"R-{fuel}", "ubuntu"): frozenset(inherits + brings)},
        wants=(Inherited(named, "ubuntu", frozenset(inherits)),) if inherits else (),
    )


def names(order: Order) -> list[str]:
    return [o.name for o in order.installs]


def skips(order: Order) -> dict[str, str]:
    return {o.name: why for o, why in order.skipped}


def failures(offers: list[Offer]) -> tuple[str, ...]:
    with pytest.raises(PreflightError) as caught:
        find_order(offers, MASTER)
    return caught.value.failures


def test_any_order_of_the_arguments_gives_one_order() -> None:
    offers = [offer("5.1.1", "5.1"), offer("6.0", "5.1", "5.1.1"), offer("6.1", "6.0")]
    for shuffled in permutations(offers):
        assert names(find_order(shuffled, MASTER)) == ["fuel-5.1.1", "fuel-6.0", "fuel-6.1"]


def test_an_installed_tarball_is_skipped() -> None:
    offers = [offer("5.0", "4.1"), offer("5.1", "5.0"), offer("5.1.1", "5.1"),
              offer("5.1", "5.0", seal="other")]  # fmt: skip
    actual = find_order(offers, MASTER)
    assert names(actual) == ["fuel-5.1.1"]
    assert skips(actual) == {
        "fuel-5.0": "this master runs Fuel 5.1",
        "fuel-5.1": "installed already",
        "fuel-5.1other": "this master runs Fuel 5.1",
    }


def test_nothing_to_do_is_no_error() -> None:
    assert find_order([], MASTER).installs == ()
    assert find_order([offer("5.1", "5.0")], MASTER).installs == ()


def test_the_version_that_is_missing_is_named() -> None:
    assert failures([offer("5.1.1", "5.1"), offer("6.1", "6.0")]) == (
        "fuel-6.1 (Fuel 6.1) needs Fuel 6.0, which none of these brings; this master runs 5.1",
    )


def test_a_tarball_after_the_missing_one_says_so() -> None:
    first, second = failures([offer("6.1", "6.0"), offer("7.0", "6.1")])
    assert "needs Fuel 6.0, which none of these brings" in first
    assert second == "fuel-7.0 (Fuel 7.0) comes behind 6.1, out of reach itself"


def test_a_base_is_looked_for_by_content_and_not_by_name() -> None:
    assert names(find_order([offer("6.0", "5.1", named="C")], MASTER)) == ["fuel-6.0"]
    (failure,) = failures([offer("6.0", "5.1", inherits="ax")])
    assert "it builds on B for ubuntu, and packages that it inherits are neither" in failure


def test_one_release_must_have_all_that_is_inherited() -> None:
    """Two repos that have a half each make no base."""
    first = offer("5.1.1", "5.1", inherits="a", brings="x")
    assert (
        names(find_order([first, offer("6.0", "5.1.1", inherits="ax")], MASTER))[-1] == "fuel-6.0"
    )
    (failure,) = failures([first, offer("6.0", "5.1.1", inherits="bx")])
    assert failure.startswith("fuel-6.0 (Fuel 6.0): it builds on B")


def test_a_tarball_cannot_be_its_own_base() -> None:
    assert "it builds on B" in failures([offer("6.0", "5.1", inherits="x", brings="x")])[0]


def test_without_comparable_checksums_the_name_of_the_base_decides() -> None:
    def unknown(named: str) -> Offer:
        wants = (Inherited(named, "ubuntu", None),)
        return Offer("fuel-6.0", "6.0", frozenset({"5.1"}), "s", {}, wants)

    assert names(find_order([unknown("B")], MASTER)) == ["fuel-6.0"]
    assert "it builds on C" in failures([unknown("C")])[0]


def test_of_two_tarballs_for_one_version_the_fitting_one_is_installed() -> None:
    repaired = offer("6.0", "5.1", seal="repaired")
    refused = offer("6.0", "5.1", inherits="x", seal="refused")
    actual = find_order([refused, repaired], MASTER)
    assert names(actual) == [repaired.name]
    assert skips(actual) == {refused.name: f"{repaired.name} brings Fuel 6.0"}


def test_copies_are_skipped() -> None:
    one = offer("6.0", "5.1")
    copy = Offer("again", one.fuel_version, one.upgrade_from, one.seal, one.brings, one.wants)
    assert skips(find_order([one, copy], MASTER)) == {"fuel-6.0": "the same as again"}


def test_a_tarball_outside_the_sequence_is_skipped() -> None:
    actual = find_order([offer("5.1.1", "5.0.2"), offer("6.0", "5.1")], MASTER)
    assert skips(actual) == {"fuel-5.1.1": "not on the way to Fuel 6.0"}


VERSIONS = ["5.1", "5.1.1", "6.0", "6.1", "7.0", "10.0"]
OFFERS = st.lists(
    st.builds(
        lambda fuel, froms, inherits, brings, seal: offer(
            fuel,
            *froms,
            inherits=inherits,
            brings=brings,
            seal=f"{sorted(froms)}{inherits}/{brings}{seal}",  # other content has another seal
        ),
        st.sampled_from(VERSIONS),
        st.sets(st.sampled_from(VERSIONS), min_size=1, max_size=3),
        st.sampled_from(["", "a", "b", "ab", "c", "ac"]),
        st.sampled_from(["", "c", "ab"]),
        st.sampled_from(["", "-1", "-2"]),
    ),
    max_size=7,
)


def outcome(offers: list[Offer]) -> object:
    try:
        return find_order(offers, MASTER)
    except PreflightError as error:
        return error.failures


@quickly
@given(OFFERS, st.randoms(use_true_random=False))
def test_the_order_of_the_arguments_never_matters(offers: list[Offer], random: object) -> None:
    shuffled = list(offers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert outcome(shuffled) == outcome(offers)


@quickly
@given(OFFERS)
def test_every_step_of_an_order_can_be_taken(offers: list[Offer]) -> None:
    try:
        actual = find_order(offers, MASTER)
    except PreflightError:
        return
    now, held = MASTER.fuel_version, list(MASTER.releases.values())
    for step in actual.installs:
        assert now in step.upgrade_from
        assert all(any(w.checksums <= h for h in held) for w in step.wants if w.checksums)
        held += step.brings.values()
        now = step.fuel_version
    assert len(actual.installs) + len(actual.skipped) == len(offers)
