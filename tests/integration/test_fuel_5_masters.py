"""Masters of Fuel 5 as they are after Nailgun's own migration to 6.0, as bases of an upgrade."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.release.nailgun_repos import read_release
from tests.builders import Fake, apt_repo, openstack_yaml, yum_repo
from tests.integration.test_bases import V60, V61, V511, repos, tarball, write_inputs
from tests.master import ScratchMaster, scratch_master
from tests.tools import shared_dir

V51 = "2014.1.1-5.1"
FORMS = {
    "as installed": "{ip}:8080/{os}/fuelweb/x86_64",
    "as upgraded by 5.1.1": "{ip}:8080/{version}/{os}/x86_64",
}
RELEASES_OF_THE_RECORDING = {
    (V51, "Ubuntu"): "http://10.20.0.2:8080/ubuntu/fuelweb/x86_64 precise main",
    (V51, "CentOS"): "http://10.20.0.2:8080/centos/fuelweb/x86_64",
    (V511, "Ubuntu"): f"http://10.20.0.2:8080/{V511}/ubuntu/x86_64 precise main",
    (V511, "CentOS"): f"http://10.20.0.2:8080/{V511}/centos/x86_64",
}


def recorded() -> list[dict[str, Any]]:
    """Return the releases that the real 6.0 lists after the migration of a 5.1."""
    exchanges = json.loads((shared_dir() / "contract/nailgun-5.1-migrated.json").read_text())
    return next(
        exchange["response"]["body"]
        for exchange in exchanges
        if exchange["note"] == "list after the migration"
    )


def test_the_recorded_releases_have_their_own_repo() -> None:
    releases = [read_release(entry) for entry in recorded()]
    chains = {
        (r.version, r.operating_system): r.orchestrator and r.orchestrator.repos for r in releases
    }
    assert {key: [repo.location for repo in chain or ()] for key, chain in chains.items()} == {
        key: [location] for key, location in RELEASES_OF_THE_RECORDING.items()
    }
    assert all(chain and chain[0].name == version for (version, _), chain in chains.items())


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    return write_inputs(tmp_path / "inputs")


@pytest.fixture(params=FORMS.values(), ids=list(FORMS))
def master(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ScratchMaster]:
    """A master whose releases of 5.1 name their repos as the recording does."""
    with scratch_master(tmp_path / "master", fuel_version="5.1") as master:
        for system, make in (("ubuntu", apt_repo), ("centos", yum_repo)):
            path = request.param.format(ip="", os=system, version=V51).removeprefix(":8080/")
            packages = (Fake("keep"), Fake("libvirt"), Fake("nova", content="Icehouse"))
            make(master.config.paths.repos / path, packages)
            suite = " precise main" if system == "ubuntu" else ""
            data = {
                "repo_metadata": {"nailgun": f"http://127.0.0.1:8080/{path}{suite}"},
                "puppet_manifests_source": "rsync://127.0.0.1:/puppet/manifests/",
                "puppet_modules_source": "rsync://127.0.0.1:/puppet/modules/",
            }
            name = {"ubuntu": "Ubuntu", "centos": "CentOS"}[system]
            (fixture,) = (
                entry["fields"]
                for entry in openstack_yaml(version=V51)
                if entry["fields"]["operating_system"] == name
            )
            master.client.create_release({**fixture, "orchestrator_data": data})
        yield master


def test_a_diff_is_installed_on_a_release_of_fuel_5(master: ScratchMaster, inputs: Path) -> None:
    before = master.state()
    master.install(tarball(inputs, "6.0", ["5.1"], ("5.1", V51)))
    assert repos(master, V60) == {"ubuntu": [V60, V51], "centos": [V60, V51]}
    master.engine().rollback()
    assert master.state() == before


def test_a_diff_of_a_diff_keeps_the_repo_of_fuel_5_last(
    master: ScratchMaster, inputs: Path
) -> None:
    master.install(tarball(inputs, "6.0", ["5.1"], ("5.1", V51)))
    master.install(tarball(inputs, "6.1", ["6.0"], ("6.0", V60)))
    assert repos(master, V61) == {"ubuntu": [V61, V60, V51], "centos": [V61, V60, V51]}
