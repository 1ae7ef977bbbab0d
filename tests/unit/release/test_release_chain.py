"""Which release is a diff of which, in what order, and from which repos."""

import itertools
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.errors import BundleError
from fuel_upgrade.release.chain import (
    compare_fuel_versions,
    compare_releases,
    in_order,
    newest_first,
    newest_version_first,
    parse_metadata,
    render_metadata,
)
from fuel_upgrade.release.model import OrchestratorData, Release, RepoEntry
from fuel_upgrade.release.nailgun_repos import read_release
from fuel_upgrade.release.registered_repos import as_base, orchestrator_data
from tests.builders import quickly

versions = st.text("0123456789.-abc", max_size=20).map("2{}".format)


def release(version: str, system: str = "Ubuntu", **fields: Any) -> Release:
    return Release(f"{version} on {system}", version, system, fields)


def order(diff_releases: dict[str, str], *releases: Release) -> list[str]:
    return [r.version for r in in_order(releases, diff_releases, source="metadata.yaml")]


@quickly
@given(st.dictionaries(versions, versions))
def test_metadata_is_read_as_it_was_written(diff_releases: dict[str, str]) -> None:
    assert parse_metadata(render_metadata(diff_releases), source="") == diff_releases


def test_metadata_without_diffs_has_an_empty_map() -> None:
    assert render_metadata({}) == "diff_releases: {}\n"
    assert parse_metadata("diff_releases: {}\n", source="") == {}


def test_metadata_has_the_form_of_the_blueprint() -> None:
    assert render_metadata({"2014.2-6.0": "2014.1.1-5.1"}) == (
        "diff_releases:\n  2014.2-6.0: 2014.1.1-5.1\n"
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", "diff_releases:", "diff_releases: [a]", "a"])
def test_malformed_metadata_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match=r"metadata\.yaml: expected a map 'diff_releases'"):
        parse_metadata(text, source="metadata.yaml")


def test_a_release_comes_after_its_base_in_any_order_of_input() -> None:
    chain = {"c": "b", "b": "a", "d": "outside"}
    for given_order in itertools.permutations("abcd"):
        actual = order(chain, *map(release, given_order))
        assert actual.index("a") < actual.index("b") < actual.index("c")
        assert sorted(actual) == ["a", "b", "c", "d"]


def test_a_base_outside_the_tarball_is_no_constraint() -> None:
    assert order({"2014.2-6.0": "2014.1.1-5.1"}, release("2014.2-6.0")) == ["2014.2-6.0"]


def test_releases_of_one_version_stay_together_in_a_fixed_order() -> None:
    releases = [release(v, s) for v in ("b", "a") for s in ("Ubuntu", "CentOS")]
    expected = in_order(releases, {"b": "a"}, source="")
    assert [(r.version, r.os_key) for r in expected] == [
        ("a", "centos"), ("a", "ubuntu"), ("b", "centos"), ("b", "ubuntu"),
    ]  # fmt: skip
    random.Random(1).shuffle(releases)
    assert in_order(releases, {"b": "a"}, source="") == expected


@pytest.mark.parametrize(
    "cycle", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "a"}]
)
def test_a_cycle_is_refused_and_shown(cycle: dict[str, str]) -> None:
    with pytest.raises(BundleError, match=r"diffs of each other: .* -> "):
        order(cycle, *map(release, "abc"))


@pytest.mark.parametrize(
    "rising", [["5.0", "5.0.1", "5.1", "5.1.1", "6.0", "6.0.1", "6.1", "9.0", "10.0", "10.1"]]
)
def test_fuel_versions_are_ordered_by_number(rising: list[str]) -> None:
    for one, other in itertools.pairwise(rising):
        assert compare_fuel_versions(one, other) < 0 < compare_fuel_versions(other, one)
    assert compare_fuel_versions("6.0", "6.0") == 0


RISING = (
    "2013.2.3", "2014.1", "2014.1.1-5.0.1", "2014.1.1-5.1", "2014.1.3-5.1.1", "2014.2-6.0",
    "2014.2.2-6.1", "2015.1.0-7.0", "2015.1.0-8.0", "liberty-8.0", "liberty-9.0", "mitaka-9.0",
    "mitaka-10.0", "newton-10.0",
)  # fmt: skip


def test_releases_are_ordered_by_fuel_and_then_by_openstack() -> None:
    for one, other in itertools.combinations(RISING, 2):
        assert compare_releases(one, other) < 0 < compare_releases(other, one), (one, other)
    assert compare_releases("liberty-8.0", "liberty-8.0") == 0
    mixed = list(RISING)
    random.Random(1).shuffle(mixed)
    assert tuple(sorted(mixed, key=newest_version_first)) == RISING[::-1]


def entries(*names: str) -> list[RepoEntry]:
    return [RepoEntry(name, f"http://m/{name}") for name in names]


@pytest.mark.parametrize(
    "expected",
    [
        ("newton-10.0", "mitaka-9.0", "2014.2-6.0"),
        ("2014.1.3-5.1.1", "2014.1.1-5.1", "2014.1.1-5.0.1", "2014.1"),
        ("2014.2-6.0", "2014.1.3-5.1.1"),
        ("2014.2-6.0",),
        ("2014.1", "2013.2.3", "2013.2"),
        ("2014.2-6.0", "extra", "2014.1.1-5.1"),
    ],
)
def test_repos_come_newest_first_in_whatever_order_nailgun_gives_them(
    expected: tuple[str, ...],
) -> None:
    for mixed in itertools.permutations(expected):
        assert [r.name for r in newest_first(expected[0], entries(*mixed))] == list(expected)


def test_the_own_repo_leads_even_where_a_base_has_a_higher_version() -> None:
    actual = newest_first("2014.2-6.0", entries("kilo-7.0", "2014.2-6.0"))
    assert [repo.name for repo in actual] == ["2014.2-6.0", "kilo-7.0"]


BASE = OrchestratorData(
    tuple(entries("2014.1.3-5.1.1", "2014.1.1-5.1")), "rsync://old-manifests", "rsync://old-modules"
)


def test_the_own_repo_comes_first_then_those_of_the_base() -> None:
    actual = orchestrator_data(release("2014.2-6.0"), "http://m/6.0 precise main", BASE)
    assert actual.repos == (RepoEntry("2014.2-6.0", "http://m/6.0 precise main"), *BASE.repos)
    assert list(actual.to_json()["repo_metadata"]) == [
        "2014.2-6.0", "2014.1.3-5.1.1", "2014.1.1-5.1",
    ]  # fmt: skip


def test_puppet_sources_are_the_releases_own_and_never_the_bases() -> None:
    actual = orchestrator_data(release("6.0"), "http://m", BASE)
    assert actual.puppet_manifests_source == (
        "rsync://{MASTER_IP}:/puppet/{OPENSTACK_VERSION}/manifests/"
    )
    described = release("6.0", orchestrator_data={"puppet_modules_source": "rsync://mine"})
    assert orchestrator_data(described, "http://m", None).puppet_modules_source == "rsync://mine"


def test_a_base_names_its_version_where_it_had_a_macro() -> None:
    data = OrchestratorData(
        (RepoEntry("{OPENSTACK_VERSION}", "http://{MASTER_IP}/{OPENSTACK_VERSION}/x"),), "m", "n"
    )
    assert as_base(data, "5.1", "").repos == (RepoEntry("5.1", "http://{MASTER_IP}/5.1/x"),)


def test_orchestrator_data_crosses_the_wire() -> None:
    assert OrchestratorData.from_json(BASE.to_json()) == BASE


def test_a_location_is_a_url_with_suite_and_components_for_apt() -> None:
    apt = RepoEntry("a", "http://m/ubuntu precise main universe")
    assert (apt.url, apt.suite, apt.components) == (
        "http://m/ubuntu", "precise", ("main", "universe"),
    )  # fmt: skip
    yum = RepoEntry("y", "http://m/centos")
    assert (yum.url, yum.suite, yum.components) == ("http://m/centos", None, ())


def test_a_registered_release_is_read() -> None:
    wire = {
        "id": 3, "name": "n", "version": "6.0", "operating_system": "CentOS",
        "state": "available", "orchestrator_data": BASE.to_json(), "is_deployable": True,
    }  # fmt: skip
    actual = read_release(wire)
    assert (actual.id, actual.os_key, actual.orchestrator) == (3, "centos", BASE)
    bare = read_release({**wire, "orchestrator_data": None})
    assert (bare.orchestrator, bare.repos) == (None, ())
