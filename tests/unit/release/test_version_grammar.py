"""The grammar of versions: real ones pass, names of files beside them do not."""

import json

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.release.chain import parse_metadata
from fuel_upgrade.release.fixture import parse_fixture
from fuel_upgrade.release.version_grammar import fuel_version, release_version

OF_RELEASES = [
    "2014.1",
    "2014.1.1-5.1",
    "2014.2-6.0",
    "2015.1.0-7.0",
    "liberty-8.0",
    "2014.2-6.0~rc1",
]
NONE = [
    "", ".", "..", "a/b", "/", ".hidden", "-1", "version.yaml", "release_versions", "modules",
    "manifests", "puppet.conf", ".fuel-upgrade", "full", "link", "1" * 31, "6.0\n", "6 0",
    "6.0\x1b[2J", "6.0\udcff", "[6.0]", "\u0666.0", "Liberty-8.0", "liberty-", 6.0, None, ["6.0"],
]  # fmt: skip


@pytest.mark.parametrize("version", OF_RELEASES)
def test_versions_of_real_releases_are_accepted(version: str) -> None:
    assert release_version(version) == version


@pytest.mark.parametrize("version", ["5.0", "5.1.1", "6.0", "10.0", "6.1-beta", "9.0~rc1+mos2"])
def test_versions_of_real_fuels_are_accepted(version: str) -> None:
    assert fuel_version(version) == version


@pytest.mark.parametrize("value", NONE)
def test_another_name_is_no_version(value: object) -> None:
    for grammar in (fuel_version, release_version):
        with pytest.raises(ValueError, match="is not a version"):
            grammar(value)


def test_a_fixture_with_another_version_is_refused() -> None:
    fields = {"name": "n", "version": "modules", "operating_system": "Ubuntu"}
    with pytest.raises(BundleError, match="'modules' is not a version"):
        parse_fixture(json.dumps([{"pk": 1, "fields": fields}]), source="a.json")


def test_a_release_whose_name_has_a_control_character_is_refused() -> None:
    fields = {"name": "n\nfake line", "version": "2014.2-6.0", "operating_system": "Ubuntu"}
    with pytest.raises(BundleError, match="'name' has control characters"):
        parse_fixture(json.dumps([{"pk": 1, "fields": fields}]), source="a.json")


@pytest.mark.parametrize("text", ["modules: 2014.1-5.0", "2014.2-6.0: modules", "2014.2-6.0: [1]"])
def test_metadata_with_another_version_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match="is not a version"):
        parse_metadata(f"diff_releases: {{{text}}}", source="")
