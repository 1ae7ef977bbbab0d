"""Installs with the openstack.yaml files that real Fuel releases shipped."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade.registry.lines import LINES
from fuel_upgrade.release.field_checks import check_fields
from fuel_upgrade.release.fixture import parse_fixture
from tests.descriptions import make_inputs, real_release, real_tarball
from tests.master import ScratchMaster, scratch_master
from tests.recorded_nailgun import recording
from tests.tools import needs, shared_dir

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
V51, V511, V60 = "2014.1.1-5.1", "2014.1.3-5.1.1", "2014.2-6.0"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_inputs(tmp_path_factory.mktemp("inputs"), ("5.1", "5.1.1", "6.0"))


@pytest.fixture
def master(inputs: Path, tmp_path: Path) -> Iterator[ScratchMaster]:
    """A master that holds 5.1 whole and 5.1.1 as a diff of it."""
    with scratch_master(tmp_path / "master") as master:
        first = real_tarball(inputs, tmp_path / "51.tar.zst", "5.1", "5.0", [real_release("5.1")])
        master.install(first)
        later = real_release("5.1.1", base=V51, base_fuel="5.1")
        master.install(real_tarball(inputs, tmp_path / "511.tar.zst", "5.1.1", "5.1", [later]))
        yield master


def repos(master: ScratchMaster, version: str) -> dict[str, list[tuple[str, str]]]:
    return {
        r.os_key: [(repo.name, repo.location) for repo in r.orchestrator.repos]
        for r in master.client.releases()
        if r.version == version and r.orchestrator
    }


def url(version: str, system: str) -> str:
    suite = " precise main" if system == "ubuntu" else ""
    return f"http://127.0.0.1:8080/{version}/{system}/x86_64{suite}"


def test_6_0_as_a_diff_of_a_diff_gets_three_repos_newest_first(
    master: ScratchMaster, inputs: Path, tmp_path: Path
) -> None:
    spec = [real_release("6.0", base=V511, base_fuel="5.1.1")]
    master.install(real_tarball(inputs, tmp_path / "60.tar.zst", "6.0", "5.1.1", spec))
    for system, actual in repos(master, V60).items():
        assert actual == [(v, url(v, system)) for v in (V60, V511, V51)]
    assert len(repos(master, V60)) == 2
    described = (shared_dir() / "data/openstack.yaml/6.0.yaml").read_text()
    described = described.replace("{{settings.MASTER_IP}}", "127.0.0.1")
    expected = {r.name: r.fields for r in parse_fixture(described, source="6.0")}
    for registered in master.client.releases():
        if registered.version != V60:
            continue
        wire = master.store.release(registered.id).to_wire(LINES["6.0"])
        fields = expected[registered.name]
        assert wire["attributes_metadata"] == fields["attributes_metadata"]
        assert registered.state == "available"
        assert registered.orchestrator is not None
        assert registered.orchestrator.puppet_manifests_source == (
            f"rsync://127.0.0.1:/puppet/{V60}/manifests/"
        )


def test_6_0_as_a_diff_of_5_1_leaves_5_1_1_out(
    master: ScratchMaster, inputs: Path, tmp_path: Path
) -> None:
    """The base is the one that the diff was made against, not one whose name begins alike."""
    spec = [real_release("6.0", base=V51, base_fuel="5.1")]
    master.install(real_tarball(inputs, tmp_path / "60.tar.zst", "6.0", "5.1.1", spec))
    for system, actual in repos(master, V60).items():
        assert actual == [(v, url(v, system)) for v in (V60, V51)]


def test_a_base_in_the_same_tarball_is_registered_first(inputs: Path, tmp_path: Path) -> None:
    spec = [real_release("6.0", base=V511, base_fuel="5.1.1"), real_release("5.1.1")]
    with scratch_master(tmp_path / "master", fuel_version="5.1") as master:
        before = master.state()
        path = real_tarball(inputs, tmp_path / "both.tar.zst", "6.0", "5.1", spec)
        master.install(path)
        versions = [r.version for r in sorted(master.client.releases(), key=lambda r: r.id)]
        assert versions == [V511, V511, V60, V60]
        for system, actual in repos(master, V60).items():
            assert actual == [(v, url(v, system)) for v in (V60, V511)]
        master.engine().rollback()
        assert master.state() == before


@pytest.mark.parametrize("fuel", ["6.0-more", "6.1", "7.0"])
def test_a_real_nailgun_crashes_on_the_texts_that_are_refused(fuel: str) -> None:
    exchanges = [
        exchange
        for exchange in recording(fuel)
        if re.fullmatch(r"(name|version) of \d+ characters", exchange["note"])
    ]
    assert len(exchanges) == 2
    for exchange in exchanges:
        assert exchange["response"]["status"] == 500
        assert [fault for fault in check_fields(exchange["request"]["body"]) if "takes" in fault]
