"""``openstack.yaml``: extension, deep merge, and the real ones of nine Fuel versions."""

import json
import re

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.release.field_checks import MAX_CHARS, STATES
from fuel_upgrade.release.fixture import as_yaml, deep_merge, parse_fixture
from fuel_upgrade.release.model import Release
from tests.tools import shared_dir

CHAIN = """
- &base
  fields:
    state: available
    roles: [controller, compute]
    volumes: {os: {min: 1, max: 2}, vm: {min: 3}}
- &middle
  pk: null
  extend: *base
  fields:
    name: middle
    operating_system: CentOS
    version: "1"
    volumes: {os: {min: 9}}
- pk: 1
  extend: *middle
  fields:
    name: first
    roles: [mongo]
- pk: 2
  extend: *middle
  fields: {name: second, operating_system: Ubuntu, volumes: null}
"""
REAL = {
    "5.0": ("2014.1", "Icehouse", "Ubuntu 12.04.4"),
    "5.0.1": ("2014.1.1-5.0.1", "Icehouse", "Ubuntu 12.04.4"),
    "5.1": ("2014.1.1-5.1", "Icehouse", "Ubuntu 12.04.4"),
    "5.1.1": ("2014.1.3-5.1.1", "Icehouse", "Ubuntu 12.04.4"),
    "6.0": ("2014.2-6.0", "Juno", "Ubuntu 12.04.4"),
    "6.1": ("2014.2.2-6.1", "Juno", "Ubuntu 14.04.1"),
    "7.0": ("2015.1.0-7.0", "Kilo", "Ubuntu 14.04"),
    "8.0": ("liberty-8.0", "Liberty", "Ubuntu 14.04"),
    "9.0": ("mitaka-9.0", "Mitaka", "Ubuntu 14.04"),
}


FIELDS = "{name: n, version: '1', operating_system: Ubuntu}"


def parsed(text: str) -> tuple[Release, ...]:
    return parse_fixture(text, source="openstack.yaml")


def test_an_entry_inherits_along_the_whole_chain() -> None:
    first, second = parsed(CHAIN)
    assert (first.name, first.version, first.os_key) == ("first", "1", "centos")
    assert first.fields["state"] == "available"
    assert first.fields["volumes"] == {"os": {"min": 9, "max": 2}, "vm": {"min": 3}}
    assert (second.name, second.operating_system, second.os_key) == ("second", "Ubuntu", "ubuntu")


def test_lists_and_null_replace_the_extended_value() -> None:
    first, second = parsed(CHAIN)
    assert first.fields["roles"] == ["mongo"]
    assert second.fields["volumes"] is None


def test_entries_without_pk_are_no_releases() -> None:
    assert [release.name for release in parsed(CHAIN)] == ["first", "second"]
    with pytest.raises(BundleError, match="no entry with a pk"):
        parsed("- {fields: {name: a}}\n- {pk: null}\n")


def test_extending_changes_nothing_of_the_parent() -> None:
    below = {"a": {"b": 1}}
    assert deep_merge(below, {"a": {"c": 2}, "d": 3}) == {"a": {"b": 1, "c": 2}, "d": 3}
    assert below == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{}", "expected a list of entries, found dict"),
        ("", "expected a list of entries, found NoneType"),
        ("[]", "no entry with a pk"),
        ("- {pk: 1}", "entry 1: has no 'fields', expected a map, found None"),
        ("- {pk: 1, fields: [1]}", "entry 1: has no 'fields', expected a map, found [1]"),
        ("- {pk: 1, fields: {version: '1', operating_system: U}}", "entry 1: has no 'name'"),
        ("- {pk: 1, fields: {name: n, operating_system: U, version: 6.0}}", "found 6.0"),
        ("- {pk: 1, fields: {name: n, version: '1', operating_system: ''}}", "'operating_system'"),
        ("- {pk: 1, extend: 5, fields: {}}", "entry 1: 'extend' must refer to an entry, found 5"),
        ("- {pk: 1, feilds: {}}", "entry 1: unknown key feilds"),
        ("- {pk: 1, model: nailgun.node}", "entry 1: model is 'nailgun.node', expected nailgun.r"),
        ("- &a {pk: 1, extend: *a, fields: {}}", "'a' is inside its own anchor"),
        ("- {pk: 1, fields: &f {self: *f}}", "'f' is inside its own anchor"),
    ],
)
def test_an_entry_without_a_release_is_refused(text: str, what: str) -> None:
    with pytest.raises(BundleError, match=re.escape(what)):
        parsed(text)


@pytest.mark.parametrize("address", ["http://[", "http://[x]/", " "])
def test_an_address_of_a_repo_that_cannot_be_read_is_refused(address: str) -> None:
    map_of_6_0 = {"orchestrator_data": {"repo_metadata": {"r": address}}}
    value = [{"name": "r", "uri": address}]
    list_of_6_1 = {"attributes_metadata": {"editable": {"repo_setup": {"repos": {"value": value}}}}}
    for repos in (map_of_6_0, list_of_6_1):
        fields = {"name": "n", "version": "1", "operating_system": "Ubuntu", **repos}
        with pytest.raises(BundleError, match=f"entry 1: .*'{next(iter(repos))}'"):
            parse_fixture(json.dumps([{"pk": 1, "fields": fields}]), source="a.json")


@pytest.mark.parametrize(("field", "most"), MAX_CHARS.items())
def test_a_text_that_is_too_long_for_nailgun_is_refused(field: str, most: int) -> None:
    letter = "1" if field == "version" else "é"
    fields = {"name": "n", "version": "1", "operating_system": "Ubuntu"}
    longest = json.dumps([{"pk": 1, "fields": {**fields, field: letter * most}}])
    assert len(parse_fixture(longest, source="a.json")) == 1
    too_long = json.dumps([{"pk": 1, "fields": {**fields, field: letter * (most + 1)}}])
    with pytest.raises(BundleError) as caught:
        parse_fixture(too_long, source="a.json")
    reason = f"entry 1: {field!r} has {most + 1} characters, Nailgun takes {most}: {letter * 2}"
    assert reason in caught.value.what
    assert len(caught.value.what) < 250


def test_entries_that_are_no_maps_are_refused_where_there_are_releases() -> None:
    with pytest.raises(BundleError, match="entry number 1: expected a map, found 5"):
        parsed(f"- 5\n- {{pk: 1, fields: {FIELDS}}}\n")


def test_all_faults_of_all_entries_are_reported_at_once() -> None:
    text = """
    - {pk: 1, fields: {name: n, version: "1", operating_system: U, roles: controller}}
    - {pk: 7, fields: {name: m, operating_system: U, state: ready, volumes_metadata: []}}
    """
    with pytest.raises(BundleError) as caught:
        parsed(text)
    for fault in (
        "entry 1: 'roles' must be a list, found 'controller'",
        "entry 7: has no 'version'",
        "entry 7: 'state' must be one of available, ",
        "entry 7: 'volumes_metadata' must be a map, found []",
    ):
        assert fault in caught.value.what


@pytest.mark.parametrize("depth", [1, 17, 100])
def test_a_chain_of_extend_may_be_long(depth: int) -> None:
    links = [
        f"- &e{n} {{extend: *e{n - 1}, fields: {{level: {n}, only{n}: true}}}}"
        for n in range(1, depth)
    ]
    text = "\n".join(
        ["- &e0 {fields: {name: n, version: '1', level: 0}}", *links,
         f"- {{pk: 1, extend: *e{depth - 1}, fields: {{operating_system: Ubuntu}}}}"]
    )  # fmt: skip
    (actual,) = parsed(text)
    assert actual.fields["level"] == depth - 1
    assert len(actual.fields) == 4 + depth - 1


def test_an_entry_may_stand_within_extend_itself() -> None:
    text = "- {pk: 1, extend: {extend: {fields: {name: n}}, fields: {version: '1'}}, "
    (actual,) = parsed(text + "fields: {operating_system: CentOS}}")
    assert (actual.name, actual.version, actual.os_key) == ("n", "1", "centos")


def test_extend_cannot_multiply_the_entries_that_it_names() -> None:
    links = "".join(f"- &e{n} {{extend: *e{n - 1}, fields: *e{n - 1}}}\n" for n in range(1, 60))
    with pytest.raises(BundleError, match="more than 100000 values, with aliases written out"):
        parsed("- &e0 {fields: {a: 1}}\n" + links)


def test_a_name_and_version_that_two_entries_have_are_refused_naming_both() -> None:
    other = FIELDS.replace("Ubuntu", "CentOS")
    text = f"- {{pk: 1, fields: {FIELDS}}}\n- {{pk: 4, fields: {{}}}}\n- {{pk: 9, fields: "
    with pytest.raises(BundleError, match=r"entries 1 and 9 are both n \(1\) on Ubuntu;?"):
        parsed(text.replace("fields: {}", f"fields: {FIELDS.replace('n', 'm', 1)}") + FIELDS + "}")
    with pytest.raises(BundleError, match=r"entries 1 and 2 are both n \(1\) on CentOS and Ubuntu"):
        parsed(f"- {{pk: 1, fields: {FIELDS}}}\n- {{pk: 2, fields: {other}}}")


JSON = """[
  {"pk": null, "model": "nailgun.release", "fields": {"state": "available", "roles": ["a"]}},
  {"pk": 1, "extend": {"fields": {"v": {"a": 1}}}, "model": "nailgun.release",
   "fields": {"name": "n", "version": "2014.1", "operating_system": "Ubuntu", "v": {"b": 1e3}}}
]"""


def test_a_fixture_may_be_json() -> None:
    (releases,) = parse_fixture(JSON, source="openstack.json")
    assert (releases.name, releases.version) == ("n", "2014.1")
    assert releases.fields["v"] == {"a": 1, "b": 1000.0}


def test_json_travels_as_yaml_of_the_same_content() -> None:
    text = as_yaml(JSON, source="openstack.json")
    assert parsed(text) == parse_fixture(JSON, source="openstack.json")
    assert as_yaml("[{a: 1}]", source="openstack.yaml") == "[{a: 1}]"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[{]", "line 1 column 3"),
        ('[{"pk": 1, "pk": 2}]', "key 'pk' is there twice"),
        ("[NaN]", "NaN is no number that JSON has"),
        ("[1e999]", "1e999 is no number"),
        ("[" * 257 + "]" * 257, "more than 256 levels"),
        ("[" * 100_000 + "]" * 100_000, "more than 256 levels"),
        ("[" + "1," * 100_001 + "1]", "100000 values"),
        (" " * (1 + (4 << 20)), "at most 4194304 are read"),
    ],
    ids=["syntax", "twice", "nan", "inf", "deep", "very deep", "many", "long"],
)
def test_malformed_json_is_refused(text: str, what: str) -> None:
    with pytest.raises(BundleError, match=f"o.json: malformed JSON: .*{what}"):
        parse_fixture(text, source="o.json")


@pytest.mark.parametrize("fuel", REAL)
def test_the_real_descriptions_give_their_releases(fuel: str) -> None:
    path = shared_dir() / "data/openstack.yaml" / f"{fuel}.yaml"
    version, name, ubuntu = REAL[fuel]
    releases = parse_fixture(path.read_text(), source=str(path))
    assert {release.version for release in releases} == {version}
    expected = [(f"{name} on CentOS 6.5", "CentOS"), (f"{name} on {ubuntu}", "Ubuntu")]
    if fuel == "9.0":
        expected.append(("Mitaka on Ubuntu+UCA 14.04", "Ubuntu"))
    assert [(release.name, release.operating_system) for release in releases] == expected
    assert all("roles_metadata" in release.fields for release in releases)


def test_no_real_description_is_left_out() -> None:
    folder = shared_dir() / "data/openstack.yaml"
    assert {path.stem for path in folder.iterdir()} == set(REAL)


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ("orchestrator_data: [1]", "'orchestrator_data' must be a map"),
        ("orchestrator_data: text", "'orchestrator_data' must be a map"),
        ("orchestrator_data: {repo_metadata: [1]}", "must map repo names to addresses"),
        ("orchestrator_data: {repo_metadata: {a: ''}}", "must map repo names to addresses"),
        ("orchestrator_data: {puppet_modules_source: 5}", "puppet_modules_source of 'orch"),
        ("roles: {a: b}", "'roles' must be a list"),
        ("roles: [a, 5]", "'roles' must be a list of texts"),
        ("can_update_from_versions: '1'", "'can_update_from_versions' must be a list"),
        ("can_update_from_versions: [6.0]", "'can_update_from_versions' must be a list of texts"),
        ("attributes_metadata: null", "'attributes_metadata' must be a map, found None"),
        ("network_roles_metadata: {}", "'network_roles_metadata' must be a list"),
        ("new_metadata: 5", "'new_metadata' must be a map"),
        ("is_deployable: 'no'", "'is_deployable' must be true or false"),
        ("description: [a]", "'description' must be a text"),
        ("state: gone", "'state' must be one of"),
        ("state: [available]", "'state' must be one of"),
    ],
)
def test_a_field_on_which_nailgun_would_crash_is_refused(field: str, what: str) -> None:
    with pytest.raises(BundleError, match=f"entry 1: .*{re.escape(what)}"):
        parsed(f"- {{pk: 1, fields: {FIELDS[:-1]}, {field}}}}}")


@pytest.mark.parametrize("state", sorted(STATES))
def test_every_state_of_any_nailgun_is_taken(state: str) -> None:
    (actual,) = parsed(f"- {{pk: 1, fields: {FIELDS[:-1]}, state: {state}}}}}")
    assert actual.fields["state"] == state
