from pathlib import Path

import pytest
import yaml

from fuel_upgrade.bundle.artifacts import Builds, BuiltVersion, compose
from fuel_upgrade.errors import ConfigError
from tests.builders import openstack_yaml, write

VERSIONS = tuple(map(BuiltVersion.parse, ("6.0:5.1", "5.1.1:5.1", "5.0.2")))


def add_build(folder: Path, release: str, *names: str) -> Path:
    write(folder / "openstack.yaml", yaml.safe_dump(openstack_yaml(version=release)))
    for name in ("version.yaml", *names):
        write(folder / name, "")
    return folder


@pytest.fixture
def builds(tmp_path: Path) -> Builds:
    deps = tmp_path / "deps"
    add_build(deps / "5.1", "2014.1.1-5.1")
    add_build(deps / "5.0.2", "2014.1.1-5.0.2", "centos-repo.tar", "ubuntu-repo.tar")
    for folder, release, version in (
        (tmp_path / "arts", "2014.2-6.0", "6.0"),
        (deps / "5.1.1", "2014.1.3-5.1.1", "5.1.1"),
    ):
        diffs = (f"diff-{system}-repo-{version}-5.1.tar" for system in ("centos", "ubuntu"))
        add_build(folder, release, "puppet.tgz", *diffs)
    return Builds("6.0", tmp_path / "arts", deps)


def test_each_version_gets_the_artifacts_of_its_build(builds: Builds) -> None:
    data = compose(VERSIONS, builds)
    assert data["version_yaml"] == str(builds.artifacts / "version.yaml")
    assert data["upgrade_from"] == ["5.1", "5.1.1", "5.0.2"]
    newest, earlier, whole = data["releases"]
    assert newest["base"] == earlier["base"] == "2014.1.1-5.1"
    assert newest["puppet"] == str(builds.artifacts / "puppet.tgz")
    diff = "diff-ubuntu-repo-5.1.1-5.1.tar"
    assert earlier["repos"]["ubuntu"] == {"diff": str(builds.others / "5.1.1" / diff)}
    assert whole["repos"]["centos"] == {"full": str(builds.others / "5.0.2/centos-repo.tar")}
    assert not {"base", "puppet", "only"} & set(whole)


def test_paths_can_be_relative_to_the_file(builds: Builds) -> None:
    data = compose(VERSIONS, builds, beside=builds.artifacts)
    assert data["version_yaml"] == "version.yaml"
    assert data["releases"][2]["openstack_yaml"] == "../deps/5.0.2/openstack.yaml"


def test_operating_systems_and_versions_of_masters_can_be_chosen(builds: Builds) -> None:
    data = compose(VERSIONS, builds, upgrade_from=("5.1",), only=("ubuntu",))
    assert data["upgrade_from"] == ["5.1"]
    assert all(release["only"] == ["ubuntu"] for release in data["releases"])
    assert all(list(release["repos"]) == ["ubuntu"] for release in data["releases"])


def test_all_faults_are_in_one_error(builds: Builds) -> None:
    (builds.artifacts / "diff-centos-repo-6.0-5.1.tar").unlink()
    (builds.others / "5.1.1/version.yaml").unlink()
    write(builds.others / "5.0.2/openstack.yaml", "[]")
    with pytest.raises(ConfigError) as caught:
        compose((*VERSIONS, VERSIONS[0]), builds)
    for fault in ("6.0-5.1.tar", "5.1.1/version.yaml", "5.0.2/openstack.yaml", "listed twice"):
        assert fault in caught.value.what


def test_a_full_release_of_the_current_version_alone_needs_versions_of_masters(
    builds: Builds,
) -> None:
    add_build(builds.artifacts, "2014.2-6.0", "centos-repo.tar", "ubuntu-repo.tar")
    alone = (BuiltVersion("6.0", None),)
    with pytest.raises(ConfigError, match="upgrade from"):
        compose(alone, builds)
    assert compose(alone, builds, upgrade_from=("5.1",))["releases"][0]["repos"]


@pytest.mark.parametrize("text", ["", "6.0:", ":5.1", "6.0:../x", "6.0:5.1:5.0"])
def test_a_malformed_version_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        BuiltVersion.parse(text)
