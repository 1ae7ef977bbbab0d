"""Every change of a precondition is reported, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.upgrade.review.drift import differences
from fuel_upgrade.upgrade.review.preconditions import (
    BaseMark,
    Basis,
    LiveMark,
    ReleaseMark,
    StepMark,
)
from fuel_upgrade.upgrade.review.saved_plan import SavedPlan, basis_json
from tests.builders import quickly

RELEASE = ReleaseMark(3, "Icehouse", "2014.1.1-5.1", "Ubuntu", "available", "ab")
REPO = "/var/www/nailgun/2014.2-6.0/ubuntu/x86_64"
LINK = "/etc/fuel/version.yaml"
URL = "http://m/2014.1.1-5.1/ubuntu"
BASIS = Basis(
    seal_sha256="5ea1",
    fuel_version="5.1",
    settings={"master_ip": "10.20.0.2", "full_view": False, "nailgun.url": None},
    releases=(RELEASE,),
    live={REPO: LiveMark("folder", (7, 9), "c"), LINK: LiveMark("link", (8, 9), "5.1/v")},
    bases={"2014.2-6.0 ubuntu": BaseMark("2014.1.1-5.1", {URL: "1d", "http://far": None})},
    steps=(StepMark("unpack and verify the tarball", "1"), StepMark("switch it", "2")),
)
PLAN = {"plan_format": 1, "tarball": "/root/a.tar.zst", "basis": basis_json(BASIS)}


def with_live(path: str, mark: LiveMark) -> Basis:
    return replace(BASIS, live={**BASIS.live, path: mark})


DRIFTED = [
    (replace(BASIS, fuel_version="6.0"), "this master runs Fuel 6.0 now, it was 5.1"),
    (
        replace(BASIS, settings={**BASIS.settings, "full_view": True}),
        "the setting full_view is true now, it was false",
    ),
    (
        replace(BASIS, settings={**BASIS.settings, "nailgun.url": "http://n"}),
        "the setting nailgun.url is http://n now, it was not set",
    ),
    (
        replace(BASIS, releases=(RELEASE, replace(RELEASE, id=7, name="Juno"))),
        "release Juno (2014.1.1-5.1) for Ubuntu was registered since (id 7)",
    ),
    (
        replace(BASIS, releases=()),
        "release Icehouse (2014.1.1-5.1) for Ubuntu is registered no longer (id 3)",
    ),
    (
        replace(BASIS, releases=(replace(RELEASE, version="x"),)),
        "release id 3 is Icehouse (x) for Ubuntu now, it was Icehouse (2014.1.1-5.1) for Ubuntu",
    ),
    (
        replace(BASIS, releases=(replace(RELEASE, state="unavailable"),)),
        "release Icehouse (2014.1.1-5.1) for Ubuntu, id 3, is 'unavailable' now, it was"
        " 'available'",
    ),
    (
        replace(BASIS, releases=(replace(RELEASE, orchestrator_sha256="cd"),)),
        "release Icehouse (2014.1.1-5.1) for Ubuntu, id 3, has other repos or puppet sources now",
    ),
    (with_live(REPO, LiveMark("nothing")), f"{REPO} is gone; it was a folder"),
    (with_live(REPO, LiveMark("file", (7, 9), "c")), f"{REPO} is a file now, it was a folder"),
    (with_live(REPO, LiveMark("device", (7, 9))), f"{REPO} is a device now, it was a folder"),
    (with_live(REPO, LiveMark("folder", (7, 9), "d")), f"{REPO} has other content now"),
    (
        with_live(REPO, LiveMark("folder", (6, 9), "c")),
        f"{REPO} was replaced by another folder",
    ),
    (
        with_live(LINK, LiveMark("link", (9, 9), "6.0/v")),
        f"{LINK} leads to 6.0/v now, it led to 5.1/v",
    ),
    (
        replace(BASIS, bases={"2014.2-6.0 ubuntu": BaseMark(None, {})}),
        "2014.2-6.0 ubuntu would build on nothing now, not on 2014.1.1-5.1",
    ),
    (
        replace(BASIS, bases={"2014.2-6.0 ubuntu": BaseMark("2014.1.1-5.1", {URL: "2d"})}),
        f"the base repo {URL} of 2014.2-6.0 ubuntu has another index now",
    ),
    (replace(BASIS, steps=BASIS.steps[:1]), "the step 'switch it' is not to be done any more"),
    (
        replace(BASIS, steps=(*BASIS.steps, StepMark("run hook before", "3"))),
        "there is a new step 'run hook before'",
    ),
    (
        replace(BASIS, steps=(BASIS.steps[0], StepMark("switch it", "4"))),
        "the step 'switch it' would do something else now",
    ),
    (replace(BASIS, steps=BASIS.steps[::-1]), "the steps come in another order now"),
]


@pytest.mark.parametrize(("now", "expected"), DRIFTED, ids=[expected for _, expected in DRIFTED])
def test_each_difference_is_named(now: Basis, expected: str) -> None:
    assert differences(BASIS, now) == (expected,)


def test_a_file_at_an_empty_path_is_reported() -> None:
    planned = with_live(REPO, LiveMark("nothing"))
    assert differences(planned, BASIS) == (f"{REPO} exists now: a folder",)


TEXT = st.text(max_size=4)
RELEASES = st.lists(
    st.builds(ReleaseMark, st.integers(1, 4), TEXT, TEXT, TEXT, TEXT, TEXT),
    max_size=3,
    unique_by=lambda r: r.id,
).map(lambda actual: tuple(sorted(actual, key=lambda r: r.id)))
KIND = st.sampled_from(["nothing", "file", "folder", "link"])
LIVE = st.fixed_dictionaries(
    {REPO: st.builds(LiveMark, KIND, st.tuples(st.integers(), st.integers()), TEXT)}
)
BASES = st.fixed_dictionaries(
    {"r": st.builds(BaseMark, TEXT, st.fixed_dictionaries({URL: st.none() | TEXT}))}
)
STEPS = st.lists(st.builds(StepMark, TEXT, TEXT), max_size=3, unique_by=lambda s: s.title)
BASES_OF_PLANS = st.builds(
    Basis,
    st.just("5ea1"),
    TEXT,
    st.fixed_dictionaries({"a": st.none() | st.booleans() | TEXT}),
    RELEASES,
    LIVE,
    BASES,
    STEPS.map(tuple),
)


@quickly
@given(BASES_OF_PLANS, BASES_OF_PLANS)
def test_there_are_differences_exactly_where_the_bases_differ(one: Basis, other: Basis) -> None:
    assert (differences(one, other) == ()) == (one == other)


@quickly
@given(BASES_OF_PLANS)
def test_a_basis_is_read_back_as_it_was_saved(basis: Basis) -> None:
    kept = SavedPlan.parse({**PLAN, "basis": basis_json(basis)}, source="p.json")
    assert kept.basis == basis


def test_a_plan_is_complete_without_the_parts_for_people() -> None:
    assert SavedPlan.parse(PLAN, source="p.json").basis == BASIS


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([], "not a plan: expected an object"),
        ({}, "not a plan: it has no plan_format"),
        ({**PLAN, "plan_format": 2}, "a plan of format 2, expected 1"),
        ({"order": []}, "a plan of several tarballs"),
        ({**PLAN, "tarball": "a.tar"}, "expected an absolute path, found 'a.tar'"),
        ({**PLAN, "basis": None}, "not a plan: basis"),
        ({**PLAN, "basis": {**basis_json(BASIS), "releases": [1]}}, "basis.releases.0"),
    ],
)
def test_a_malformed_plan_is_refused(data: Any, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SavedPlan.parse(data, source="p.json")
    assert caught.value.what.startswith("p.json: ")
    assert expected in caught.value.what
