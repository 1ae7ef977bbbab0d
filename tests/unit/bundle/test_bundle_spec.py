"""``bundle.yaml``: its form, and all faults reported at once."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from fuel_upgrade.bundle.spec import RepoSpec, VenvsSpec, parse_spec
from fuel_upgrade.errors import ConfigError
from tests.builders import spec_of

RELEASE = {
    "openstack_yaml": "file",
    "version_yaml": "file",
    "repos": {"ubuntu": {"full": "folder"}},
}
SPEC = {"version_yaml": "file", "upgrade_from": ["5.1"], "releases": [RELEASE]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    return tmp_path


def with_release(**changes: Any) -> dict[str, Any]:
    return {**SPEC, "releases": [{**RELEASE, **changes}]}


def test_paths_are_relative_to_the_file(folder: Path) -> None:
    spec = spec_of(SPEC, folder)
    assert spec.version_yaml == folder / "file"
    (release,) = spec.releases
    assert release.repos == {"ubuntu": RepoSpec(full=folder / "folder")}
    assert (release.base, release.puppet, release.only) == (None, None, ())
    assert spec.upgrade_from == ("5.1",)


def test_an_absolute_path_stays(folder: Path) -> None:
    elsewhere = folder / "folder"
    data = {"version_yaml": str(folder / "file"), "upgrade_from": ["5.1"], "releases": []}
    assert "version_yaml" not in fault_of(data, elsewhere)


def test_a_diff_release_has_a_ready_diff_or_a_pair(folder: Path) -> None:
    pair = {"base": "folder", "current": "folder"}
    data = with_release(
        base="5.1", repos={"ubuntu": {"diff": "folder"}, "centos": pair}, only=["Ubuntu"]
    )
    (release,) = spec_of(data, folder).releases
    assert release.repos == {
        "ubuntu": RepoSpec(diff=folder / "folder"),
        "centos": RepoSpec(base=folder / "folder", current=folder / "folder"),
    }
    assert (release.base, release.only) == ("5.1", ("ubuntu",))


def fault_of(data: object, folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_spec(yaml.safe_dump(data), source=folder / "bundle.yaml")
    assert "bundle.yaml" in caught.value.remedy
    return caught.value.what


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ([], "the file: expected a map with installer, releases, upgrade_from, version_yaml"),
        ({**SPEC, "colour": 1}, "the file: unknown key 'colour'"),
        ({**SPEC, "version_yaml": "nowhere"}, "nowhere does not exist"),
        ({**SPEC, "version_yaml": 6.0}, "version_yaml: expected a path, found 6.0"),
        ({**SPEC, "upgrade_from": [5.1]}, "upgrade_from: expected a list of quoted versions"),
        ({**SPEC, "upgrade_from": "5.1"}, "upgrade_from: expected a list"),
        ({**SPEC, "upgrade_from": []}, "upgrade_from: expected a list"),
        ({**SPEC, "releases": []}, "releases: expected a list of at least one release"),
        ({**SPEC, "releases": [5]}, "releases[0]: expected a map"),
        (with_release(puppet="nowhere"), "releases[0].puppet: "),
        (with_release(repos=None), "releases[0].repos: expected a map with centos, ubuntu"),
        (with_release(repos={"debian": {}}), "releases[0].repos: unknown key 'debian'"),
        (with_release(repos={"ubuntu": {}}), "expected 'full' (no base is named), found []"),
        (with_release(repos={"ubuntu": {"diff": "folder"}}), "found ['diff']"),
        (with_release(base="5.1"), "expected 'diff', or 'base' and 'current', found ['full']"),
        (with_release(base="5.1", repos={"ubuntu": {"base": "folder"}}), "found ['base']"),
        (with_release(only="ubuntu"), "releases[0].only: expected a list such as [ubuntu]"),
        (with_release(only=5), "releases[0].only: expected a list"),
    ],
)
def test_each_fault_is_named_with_its_place(data: object, fault: str, folder: Path) -> None:
    assert fault in fault_of(data, folder)


def test_all_faults_are_reported_at_once(folder: Path) -> None:
    what = fault_of({"upgrade_from": 5, "releases": [{"x": 1}, {**RELEASE, "only": 5}]}, folder)
    for fault in (
        "upgrade_from:",
        "version_yaml: expected a path, found None",
        "releases[0]: unknown key 'x'",
        "releases[0].openstack_yaml:",
        "releases[0].version_yaml:",
        "releases[0].repos:",
        "releases[1].only:",
    ):
        assert fault in what
    assert what.count("; ") == 6


@pytest.mark.parametrize("text", ["{", "at: !!binary aGk="])
def test_malformed_yaml_is_a_fault_of_the_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="malformed YAML"):
        parse_spec(text, source=tmp_path / "bundle.yaml")


def test_venvs_are_a_repo_with_a_tag_and_a_base(folder: Path) -> None:
    venvs = {"repo": "folder", "tag": "13.1.0", "base_tag": "13.0"}
    pair = {"ubuntu": {"diff": "folder"}}
    (release,) = spec_of(with_release(base="5.1", repos=pair, venvs=venvs), folder).releases
    root = folder / "folder"
    assert release.venvs == VenvsSpec(root, "13.1.0", base=(root, "13.0"))


@pytest.mark.parametrize(
    ("venvs", "faults"),
    [
        ({}, ["venvs.repo: expected a path", "venvs.tag: expected a quoted tag"]),
        (
            {"repo": "none", "tag": 13.1},
            ["none does not exist", "venvs.tag: expected a quoted tag"],
        ),
        ({"repo": "folder", "tag": ".."}, ["venvs.tag: expected a quoted tag, found '..'"]),
        ({"repo": "folder", "tag": "1", "x": 1}, ["venvs: unknown key 'x'"]),
        (["folder"], ["venvs: expected a map with base_repo, base_tag, repo, tag"]),
        ({"repo": "folder", "tag": "1", "base_tag": "0"}, ["the release has no base"]),
    ],
)
def test_all_faults_of_venvs_are_reported(folder: Path, venvs: Any, faults: list[str]) -> None:
    reported = fault_of(with_release(venvs=venvs), folder)
    assert [fault for fault in faults if fault not in reported] == []


def test_venvs_are_not_their_own_base(folder: Path) -> None:
    venvs = {"repo": "folder", "tag": "1", "base_repo": "folder"}
    data = with_release(base="5.1", repos={"ubuntu": {"diff": "folder"}}, venvs=venvs)
    assert "the venvs are their own base" in fault_of(data, folder)
