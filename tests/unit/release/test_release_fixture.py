"""``openstack.yaml``: extension, deep merge, and the real ones of nine Fuel versions."""

import re

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.release.fixture import deep_merge, load_yaml, parse_fixture
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


def parsed(text: str) -> tuple[Release, ...]:
    return parse_fixture(text, source="openstack.yaml")


def test_an_entry_inherits_along_the_whole_chain() -> None:
    first, second = parsed(CHAIN)
    assert (first.name, first.version, first.os_key) == ("first", "1", "centos")
    assert first.fields["state"] == "available"
    assert first.fields["volumes"] == {"os": {"min": 9, "max": 2}, "vm": {"min": 3}}
    assert (second.name, second.operating_system, second.os_key) == ("second", "Ubuntu", "ubuntu")


def test_lists_and_nothing_replace_what_is_below() -> None:
    first, second = parsed(CHAIN)
    assert first.fields["roles"] == ["mongo"]
    assert second.fields["volumes"] is None


def test_entries_without_pk_are_no_releases() -> None:
    assert [release.name for release in parsed(CHAIN)] == ["first", "second"]
    with pytest.raises(BundleError, match="no entry with a pk"):
        parsed("- {fields: {name: a}}\n- {pk: null}\n- 5\n")


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
        ("- {pk: 1}", "entry 1 has no 'fields'"),
        ("- {pk: 1, fields: [1]}", "entry 1 has no 'fields'"),
        ("- {pk: 1, fields: {version: '1', operating_system: U}}", "entry 1 has no 'name'"),
        ("- {pk: 1, fields: {name: n, operating_system: U, version: 6.0}}", "has no 'version'"),
        ("- {pk: 1, fields: {name: n, version: '1', operating_system: ''}}", "'operating_system'"),
        ("- {pk: 1, extend: 5, fields: {}}", "'extend' must refer to an entry, found 5"),
        ("- &a {pk: 1, extend: *a, fields: {}}", "'extend' is nested deeper than 16"),
    ],
)
def test_what_is_no_release_is_refused(text: str, what: str) -> None:
    with pytest.raises(BundleError, match=re.escape(what)):
        parsed(text)


def test_an_entry_that_contains_itself_is_refused() -> None:
    text = """
    - &a {pk: 1, fields: &f {name: n, version: "1", operating_system: U, self: *f}}
    - {pk: 2, extend: *a, fields: *f}
    """
    with pytest.raises(BundleError, match="an entry contains itself"):
        parsed(text)


def test_malformed_yaml_is_named_with_its_line() -> None:
    with pytest.raises(BundleError, match=r"f\.yaml: malformed YAML: .*line 2, column"):
        load_yaml("a: 1\nb: [}\n", source="f.yaml")


@pytest.mark.parametrize(
    "text", ["at: 2014-13-45", "[" * 1500, "!!python/object/apply:os.getcwd []", "a: *nothing"]
)
def test_yaml_that_asks_for_too_much_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match="malformed YAML"):
        load_yaml(text, source="f.yaml")


@pytest.mark.parametrize("fuel", REAL)
def test_the_real_descriptions_give_their_releases(fuel: str) -> None:
    path = shared_dir() / "data/openstack.yaml" / f"{fuel}.yaml"
    version, name, ubuntu = REAL[fuel]
    found = parse_fixture(path.read_text(), source=str(path))
    assert {release.version for release in found} == {version}
    expected = [(f"{name} on CentOS 6.5", "CentOS"), (f"{name} on {ubuntu}", "Ubuntu")]
    if fuel == "9.0":
        expected.append(("Mitaka on Ubuntu+UCA 14.04", "Ubuntu"))
    assert [(release.name, release.operating_system) for release in found] == expected
    assert all("roles_metadata" in release.fields for release in found)


def test_no_real_description_is_left_out() -> None:
    folder = shared_dir() / "data/openstack.yaml"
    assert {path.stem for path in folder.iterdir()} == set(REAL)


@pytest.mark.parametrize(
    "data", ["[1]", "text", "{repo_metadata: [1]}", "{repo_metadata: {a: ''}}"]
)
def test_orchestrator_data_of_another_form_is_refused(data: str) -> None:
    fields = f"{{name: n, version: v, operating_system: Ubuntu, orchestrator_data: {data}}}"
    with pytest.raises(BundleError, match="entry 1: orchestrator_data must be a map"):
        parse_fixture(f"- {{pk: 1, fields: {fields}}}", source="openstack.yaml")
