"""A release's repos in the map of Nailgun 6.0 and in the list of 6.1 and later."""

import itertools
import re
import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.release.dialect import DIALECTS
from fuel_upgrade.release.model import OrchestratorData, RepoEntry
from fuel_upgrade.release.nailgun_repos import read_release, read_repos
from fuel_upgrade.release.repo_macros import from_later, restore_master, to_later
from tests.builders import quickly

IP = "10.20.0.2"
MAP, LIST = DIALECTS["6.0"], DIALECTS["6.1"]
OWN = "http://{MASTER_IP}:8080/{OPENSTACK_VERSION}/ubuntu/x86_64 trusty main"
BASES = (
    RepoEntry("2015.1.0-7.0", "http://{MASTER_IP}:8080/2015.1.0-7.0/ubuntu/x86_64 trusty main"),
    RepoEntry("2014.2-6.0", "http://10.20.9.9:8080/2014.2-6.0/ubuntu/x86_64 precise main"),
)
PUPPET = "rsync://{MASTER_IP}:/puppet/{OPENSTACK_VERSION}"


def data(*bases: RepoEntry, own: str = OWN) -> OrchestratorData:
    return OrchestratorData(
        (RepoEntry("liberty-8.0", own), *bases), f"{PUPPET}/manifests/", f"{PUPPET}/modules/"
    )


def listed(*entries: dict[str, Any], system: str = "Ubuntu") -> dict[str, Any]:
    setup = {"metadata": {"label": "Repositories"}, "repos": {"value": list(entries)}}
    return {
        "name": f"Liberty on {system}",
        "version": "liberty-8.0",
        "operating_system": system,
        "attributes_metadata": {"editable": {"repo_setup": setup, "kernel": 1}, "generated": {}},
    }


def deb(name: str, uri: str, priority: int | None = None, suite: str = "trusty") -> dict[str, Any]:
    place = {"uri": uri, "suite": suite, "section": "main", "priority": priority}
    return {"type": "deb", "name": name, **place}


def rpm(name: str, uri: str, priority: int | None = None) -> dict[str, Any]:
    return {"type": "rpm", "name": name, "uri": uri, "priority": priority}


MOS = "http://{settings.MASTER_IP}:8080/{cluster.release.version}/ubuntu/x86_64"
DESCRIBED = listed(
    deb("ubuntu", "http://mirror/ubuntu/"),
    deb("mos", MOS, 1050, "mos8.0"),
    deb("mos-updates", "http://mirror/{cluster.release.environment_version}/", 1050),
    deb("Auxiliary", "http://{settings.MASTER_IP}:8080/aux", 1150),
)


def entries(body: dict[str, Any]) -> list[dict[str, Any]]:
    actual: list[dict[str, Any]] = body["attributes_metadata"]["editable"]["repo_setup"]["repos"][
        "value"
    ]
    return actual


def priorities(body: dict[str, Any]) -> dict[str, int | None]:
    return {entry["name"]: entry["priority"] for entry in entries(body)}


def plain(key: str) -> str:
    """Return the name in a key of the map."""
    return re.sub(r"^zz\d+-", "", key)


def test_sorting_the_keys_of_the_map_gives_the_order_of_the_repos() -> None:
    wire = MAP.body(listed(), data(*BASES))["orchestrator_data"]["repo_metadata"]
    assert [plain(key) for key in wire] == ["liberty-8.0", "2015.1.0-7.0", "2014.2-6.0"]
    assert sorted(wire) == list(wire)


names = st.text(string.ascii_letters + string.digits + ".-", min_size=1, max_size=6)


@quickly
@given(st.lists(names.map(lambda name: f"{name}-1"), unique=True, min_size=1, max_size=12))
def test_any_chain_survives_a_map_that_a_consumer_sorts(versions: list[str]) -> None:
    fields = {"name": "n", "version": versions[0], "operating_system": "CentOS"}
    chain = tuple(RepoEntry(version, f"http://m/{version}/") for version in versions)
    wire = MAP.body(fields, OrchestratorData(chain, "m", "n"))
    repos = wire["orchestrator_data"]["repo_metadata"]
    assert [repos[key] for key in sorted(repos)] == [repo.location for repo in chain]
    actual = read_repos(wire)
    assert actual is not None
    assert actual.chain == chain


def test_a_map_has_the_other_repos_of_a_description_after_the_chain() -> None:
    wire = MAP.body(DESCRIBED, data(BASES[0]))
    keys = wire["orchestrator_data"]["repo_metadata"]
    assert {plain(key): location for key, location in keys.items()} == {
        "liberty-8.0": OWN,
        "2015.1.0-7.0": BASES[0].location,
        "ubuntu": "http://mirror/ubuntu/ trusty main",
        "mos-updates": "http://mirror/8.0/ trusty main",
        "Auxiliary": "http://{MASTER_IP}:8080/aux trusty main",
    }
    repos = read_repos(wire)
    assert repos is not None
    assert [repo.name for repo in repos.others] == ["ubuntu", "mos-updates", "Auxiliary"]
    assert repos.chain == data(BASES[0]).repos


def test_the_chain_takes_the_place_of_the_own_repo_in_the_list() -> None:
    body = LIST.body(DESCRIBED, data(*BASES))
    assert [entry["name"] for entry in entries(body)] == [
        "ubuntu", "mos", "mos.zz98-2015.1.0-7.0", "mos.zz99-2014.2-6.0", "mos-updates",
        "Auxiliary",
    ]  # fmt: skip
    assert entries(body)[1] == deb("mos", MOS, 1050)
    assert entries(body)[2]["uri"] == (
        "http://{settings.MASTER_IP}:8080/2015.1.0-7.0/ubuntu/x86_64"
    )
    assert "orchestrator_data" not in body
    assert body["attributes_metadata"]["editable"]["kernel"] == 1
    assert body["attributes_metadata"]["generated"]["puppet"]["modules"] == (
        "rsync://{settings.MASTER_IP}:/puppet/{cluster.release.version}/modules/"
    )


def test_apt_priorities_fall_along_the_chain_from_that_of_the_own_repo() -> None:
    assert priorities(LIST.body(DESCRIBED, data(*BASES))) == {
        "ubuntu": None, "mos": 1050, "mos.zz98-2015.1.0-7.0": 1049, "mos.zz99-2014.2-6.0": 1048,
        "mos-updates": 1050, "Auxiliary": 1150,
    }  # fmt: skip


def test_a_release_without_a_base_keeps_its_list_as_it_is() -> None:
    own = "http://{MASTER_IP}:8080/{OPENSTACK_VERSION}/ubuntu/x86_64 mos8.0 main"
    assert entries(LIST.body(DESCRIBED, data(own=own))) == entries(DESCRIBED)


CENTOS_OWN = "http://{MASTER_IP}:8080/{OPENSTACK_VERSION}/centos/x86_64"
CENTOS_BASES = (RepoEntry("2015.1.0-7.0", "http://m/7.0"), RepoEntry("2014.2-6.0", "http://m/6.0"))


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (None, {"mos": 97, "2015.1.0-7.0": 98, "2014.2-6.0": 99, "updates": 97, "aux": 15}),
        (10, {"mos": 10, "2015.1.0-7.0": 11, "2014.2-6.0": 12, "updates": None, "aux": 15}),
        (98, {"mos": 97, "2015.1.0-7.0": 98, "2014.2-6.0": 99, "updates": None, "aux": 15}),
    ],
)
def test_yum_priorities_rise_along_the_chain_and_hide_no_updates(
    own: int | None, expected: dict[str, int | None]
) -> None:
    place = MOS.replace("ubuntu", "centos")
    fields = listed(
        rpm("mos", place, own), rpm("updates", "http://u"), rpm("aux", "http://a", 15),
        system="CentOS",
    )  # fmt: skip
    assert priorities(LIST.body(fields, data(*CENTOS_BASES, own=CENTOS_OWN))) == expected


def test_a_description_of_6_0_becomes_a_list() -> None:
    fields = {
        "name": "n", "version": "liberty-8.0", "operating_system": "Ubuntu",
        "orchestrator_data": {"repo_metadata": {
            "{OPENSTACK_VERSION}": OWN, "mirror": "http://mirror precise main",
        }},
    }  # fmt: skip
    body = LIST.body(fields, data(BASES[0]))
    names = ["mirror", "liberty-8.0", "liberty-8.0.zz99-2015.1.0-7.0"]
    assert [entry["name"] for entry in entries(body)] == names
    assert priorities(body) == dict(zip(names, (None, 1050, 1049), strict=True))
    assert "orchestrator_data" not in body


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize("length", range(3))
def test_a_rendered_fixture_reads_back(dialect: Any, length: int) -> None:
    meant = data(*BASES[:length])
    body = dialect.body(DESCRIBED, meant)
    actual = read_release({**body, "id": 1}, master_ip=IP)
    assert actual.orchestrator is not None
    assert [r.name for r in actual.orchestrator.repos] == [r.name for r in meant.repos]
    places = [r.location for r in actual.orchestrator.repos]
    filled = [
        r.location.replace("{MASTER_IP}", IP).replace("{OPENSTACK_VERSION}", "liberty-8.0")
        for r in meant.repos
    ]
    assert places == filled
    assert actual.orchestrator.puppet_modules_source == f"rsync://{IP}:/puppet/liberty-8.0/modules/"
    assert [repo.name for repo in actual.others] == ["ubuntu", "mos-updates", "Auxiliary"]


def test_given_priorities_are_put_back_as_they_were() -> None:
    body = LIST.body(DESCRIBED, data(*BASES))
    before = read_release({**body, "id": 1}).orchestrator
    assert before is not None
    alone = {**body, **LIST.repo_fields(body, replace(before, repos=before.repos[:1]))}
    assert [n for n in priorities(alone) if n.startswith("mos.")] == []
    assert entries({**alone, **LIST.repo_fields(alone, before)}) == entries(body)


@pytest.mark.parametrize(
    ("dialect", "state", "expected"),
    [
        (MAP, "unavailable", "not_available"),
        (MAP, "available", "available"),
        (LIST, "not_available", "unavailable"),
        (LIST, "manageonly", "manageonly"),
    ],
)
def test_a_state_becomes_the_nearest_of_the_dialect(
    dialect: Any, state: str, expected: str
) -> None:
    assert dialect.body({**DESCRIBED, "state": state}, data())["state"] == expected


def test_only_the_masters_own_address_becomes_the_macro() -> None:
    for text, expected in (
        ("http://10.20.0.2:8080/x p main", "http://{MASTER_IP}:8080/x p main"),
        ("http://10.20.0.2/x", "http://{MASTER_IP}/x"),
        ("http://10.20.0.2", "http://{MASTER_IP}"),
        ("http://10.20.0.22:8080/x", "http://10.20.0.22:8080/x"),
        ("http://10.20.0.2.example/x", "http://10.20.0.2.example/x"),
        ("http://other/10.20.0.2/x", "http://other/10.20.0.2/x"),
    ):
        assert restore_master(text, IP) == expected


def test_macros_of_both_lines_mean_the_same() -> None:
    text = "http://{MASTER_IP}:8080/{OPENSTACK_VERSION}/x"
    assert from_later(to_later(text), "liberty-8.0") == text
    assert from_later("mos{cluster.release.environment_version}", "liberty-8.0") == "mos8.0"


@pytest.mark.parametrize(
    "value", [{"a": 1}, "text", [{"name": "n"}], [{"uri": "u"}], [{"name": 1, "uri": "u"}], [3]]
)
def test_a_list_of_another_form_is_not_guessed_at(value: Any) -> None:
    fields = listed()
    fields["attributes_metadata"]["editable"]["repo_setup"]["repos"]["value"] = value
    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
        read_repos(fields)


def test_a_map_in_any_order_gives_the_same_chain_after_sorting_by_version() -> None:
    keys = ("liberty-8.0", "zz01-2015.1.0-7.0", "ubuntu")
    for mixed in itertools.permutations(keys):
        wire = {"repo_metadata": {key: f"http://{key}" for key in mixed}}
        repos = read_repos({**listed(), "orchestrator_data": wire})
        assert repos is not None
        assert [repo.name for repo in repos.chain] == ["liberty-8.0", "2015.1.0-7.0"]
