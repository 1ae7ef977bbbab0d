"""A base is matched by content on a real master, refused and repaired, also in chains."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.nodes import AptNode
from demo.packages import Recipe, make_apt_repo
from fuel_upgrade.bundle.repair import repair_bundle
from fuel_upgrade.bundle.repair_request import RepairRequest
from fuel_upgrade.bundle.tarball_changes import report_tarball
from fuel_upgrade.errors import BundleError, ConfigError, PreflightError
from fuel_upgrade.nodes.repo_identity import fetch_identity
from fuel_upgrade.nodes.sources import NodeSource, render_apt
from fuel_upgrade.repo.yum.extras import NO_GROUPS, read_extras
from fuel_upgrade.repo.yum.modules import NO_STREAM
from fuel_upgrade.repo.yum.repo import YumRepo
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.events import BaseReplaced, Event, StepStarted, TarballStarted
from fuel_upgrade.upgrade.install_all import install_all, plan_all
from fuel_upgrade.upgrade.install_options import InstallOptions
from tests.builders import Fake, apt_repo, openstack_yaml, yum_repo
from tests.master import ScratchMaster, build, planned, scratch_master
from tests.tools import needs
from tests.yum_extras import comps, default, rewrite, stream

V51, V511, V60, V61 = "2014.1.1-5.1", "2014.1.3-5.1.1", "2014.2-6.0", "2014.2.2-6.1"
REPOS = {
    "5.1": (Fake("keep"), Fake("libvirt"), Fake("nova", content="Icehouse")),
    "5.1.1": (Fake("keep"), Fake("libvirt"), Fake("nova", content="Icehouse, again")),
    "6.0": (Fake("keep"), Fake("libvirt"), Fake("nova", "2.0-1", "Juno")),
    "6.1": (Fake("keep"), Fake("libvirt"), Fake("nova", "2.0-1", "Juno, again")),
}


def write_release(folder: Path, fuel: str, version: str) -> None:
    (folder / f"openstack-{fuel}.yaml").write_text(yaml.safe_dump(openstack_yaml(version=version)))
    (folder / f"version-{fuel}.yaml").write_text(f'VERSION: {{release: "{fuel}"}}\n')


def write_inputs(folder: Path) -> Path:
    for fuel, version in (("5.1", V51), ("5.1.1", V511), ("6.0", V60), ("6.1", V61)):
        apt_repo(folder / fuel / "ubuntu", REPOS[fuel])
        yum_repo(folder / fuel / "centos", REPOS[fuel])
        write_release(folder, fuel, version)
    return folder


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    return write_inputs(tmp_path / "inputs")


def tarball(
    inputs: Path, fuel: str, upgrade_from: Sequence[str], base: tuple[str, str] | None = None
) -> Path:
    """Build one release for both systems; ``base`` is (Fuel version, release version)."""
    repos = {
        system: {"base": f"{base[0]}/{system}", "current": f"{fuel}/{system}"}
        if base
        else {"full": f"{fuel}/{system}"}
        for system in ("ubuntu", "centos")
    }
    release: dict[str, Any] = {
        "openstack_yaml": f"openstack-{fuel}.yaml",
        "version_yaml": f"version-{fuel}.yaml",
        "repos": repos,
    }
    if base:
        release["base"] = base[1]
    spec = {
        "version_yaml": f"version-{fuel}.yaml",
        "upgrade_from": list(upgrade_from),
        "releases": [release],
    }
    path = inputs / f"bundle-{fuel}.yaml"
    path.write_text(yaml.safe_dump(spec))
    (inputs.parent / "tarballs").mkdir(exist_ok=True)
    return build(path, inputs.parent / f"tarballs/fuel-{fuel}-upgrade.tar.zst")


@pytest.fixture
def master(tmp_path: Path) -> Iterator[ScratchMaster]:
    with scratch_master(tmp_path / "master") as master:
        yield master


def refused(master: ScratchMaster, path: Path, *, verify_base: bool = False) -> PreflightError:
    before = master.state()
    with pytest.raises(PreflightError) as caught:
        master.engine().install(path, InstallOptions(verify_base=verify_base), install=new_id())
    assert master.state() == before
    return caught.value


def repos(master: ScratchMaster, version: str) -> dict[str, list[str]]:
    return {
        r.os_key: [repo.name for repo in r.orchestrator.repos]
        for r in master.client.releases()
        if r.version == version and r.orchestrator
    }


def both(*versions: str) -> dict[str, list[str]]:
    return {"ubuntu": list(versions), "centos": list(versions)}


def on_disk(master: ScratchMaster, version: str, system: str, pattern: str) -> Path:
    (actual,) = (master.config.paths.repos / version / system).rglob(pattern)
    return actual


def test_another_base_with_the_same_packages_is_accepted_and_reported(
    master: ScratchMaster, inputs: Path
) -> None:
    master.install(tarball(inputs, "5.1.1", ["5.0"]))
    events: list[Event] = []
    sixty = tarball(inputs, "6.0", ["5.1", "5.1.1"], ("5.1", V51))
    plan = planned(master.engine().plan(sixty))
    assert [r["base_found"] for r in plan["releases"]] == [
        {"named": V51, "found": V511, "inside": False, "inherited": 2}
    ] * 2
    master.engine().install(sixty, install=new_id(), watch=events.append)
    assert repos(master, V60) == both(V60, V511)
    assert [e.found for e in events if isinstance(e, BaseReplaced)] == [V511, V511]
    assert any(
        f"on {V511} in place of {V51}" in e.title for e in events if isinstance(e, StepStarted)
    )


def test_the_named_base_is_preferred(master: ScratchMaster, inputs: Path) -> None:
    master.install(tarball(inputs, "5.1", ["5.0"]))
    master.install(tarball(inputs, "5.1.1", ["5.1"]))
    master.install(tarball(inputs, "6.0", ["5.1.1"], ("5.1", V51)))
    assert repos(master, V60) == both(V60, V51)


@pytest.mark.parametrize("damage", ["removed", "cut"])
def test_a_package_that_is_gone_from_the_base_is_named(
    master: ScratchMaster, inputs: Path, damage: str
) -> None:
    master.install(tarball(inputs, "5.1", ["5.0"]))
    package = on_disk(master, V51, "centos", "libvirt*")
    package.unlink() if damage == "removed" else package.write_bytes(b"cut")
    (failure,) = refused(master, tarball(inputs, "6.0", ["5.1"], ("5.1", V51))).failures
    assert failure == (
        f"release Juno on CentOS ({V60}) is a diff of {V51}, which lacks packages on this"
        " master; no release here holds 1 of the 2 packages that it inherits: libvirt"
        " noarch 1.0-1"
    )


def test_altered_content_of_the_same_size_is_detected_by_verify_base(
    master: ScratchMaster, inputs: Path
) -> None:
    master.install(tarball(inputs, "5.1", ["5.0"]))
    package = on_disk(master, V51, "ubuntu", "libvirt*")
    package.write_bytes(b"X" * package.stat().st_size)
    sixty = tarball(inputs, "6.0", ["5.1"], ("5.1", V51))
    master.engine().plan(sixty)
    (failure,) = refused(master, sixty, verify_base=True).failures
    assert "libvirt all 1.0-1" in failure


def test_an_unreadable_index_is_reported(master: ScratchMaster, inputs: Path) -> None:
    master.install(tarball(inputs, "5.1", ["5.0"]))
    on_disk(master, V51, "ubuntu", "Packages").write_text("junk")
    (failure,) = refused(master, tarball(inputs, "6.0", ["5.1"], ("5.1", V51))).failures
    assert f"the base repo {V51} of Juno on Ubuntu ({V60}) cannot be read: " in failure


def repaired(master: ScratchMaster, inputs: Path, path: Path, *, verify_base: bool = False) -> Path:
    """Carry the request to the build side, as text, and the new tarball back."""
    refused(master, path, verify_base=verify_base)
    actual = master.engine().repair_request(path, verify_base=verify_base)
    assert actual is not None
    request = RepairRequest.parse(actual.render(), source="request.yaml")
    out = inputs.parent / "tarballs/repaired.tar.zst"
    full = [inputs / "6.0" / system for system in ("centos", "ubuntu")]
    repair_bundle(request, path, full, out, progress=no_progress)
    return out


def test_a_repaired_tarball_fills_the_hole(master: ScratchMaster, inputs: Path) -> None:
    master.install(tarball(inputs, "5.1", ["5.0"]))
    for system in ("ubuntu", "centos"):
        on_disk(master, V51, system, "libvirt*").unlink()
    out = repaired(master, inputs, tarball(inputs, "6.0", ["5.1"], ("5.1", V51)))
    for repo in report_tarball(out).repos:
        changes = {c.name: (c.kind.value, c.old, c.new) for c in repo.changes}
        assert changes == {
            "nova": ("upgraded", ("1.0-1",), ("2.0-1",)),
            "libvirt": ("restored", ("1.0-1",), ("1.0-1",)),
        }
        assert (repo.old_packages, repo.new_packages) == (3, 3)
    master.install(out)
    assert repos(master, V60) == both(V60, V51)
    for system in ("ubuntu", "centos"):
        on_disk(master, V60, system, "libvirt*")
        assert not list((master.config.paths.repos / V60 / system).rglob("keep*"))


def test_a_repair_for_one_system_leaves_the_other_as_it_was(
    master: ScratchMaster, inputs: Path
) -> None:
    master.install(tarball(inputs, "5.1", ["5.0"]))
    on_disk(master, V51, "ubuntu", "libvirt*").unlink()
    sixty = tarball(inputs, "6.0", ["5.1"], ("5.1", V51))
    out = repaired(master, inputs, sixty)
    before = planned(master.engine().plan(out))["repos"]
    assert {r["operating_system"]: r["packages"] for r in before} == {"centos": 1, "ubuntu": 2}
    assert all((r["full_packages"], r["base"]) == (3, V51) for r in before)


def test_a_repaired_repo_hides_the_groups_and_modules_of_its_base_as_before(
    master: ScratchMaster, inputs: Path
) -> None:
    says = {"group": comps({"core": ["keep"]}), "modules": stream("m", "1") + default("m", "1")}
    rewrite(inputs / "5.1/centos", says)
    master.install(tarball(inputs, "5.1", ["5.0"]))
    on_disk(master, V51, "centos", "libvirt*").unlink()
    out = repaired(master, inputs, tarball(inputs, "6.0", ["5.1"], ("5.1", V51)))
    master.install(out)
    actual = read_extras(YumRepo.read(master.config.paths.repos / V60 / "centos/x86_64"))
    assert actual.groups == NO_GROUPS
    assert [d.default for d in actual.modules] == [NO_STREAM]


def test_without_any_base_the_repaired_tarball_has_all_packages(
    master: ScratchMaster, inputs: Path
) -> None:
    """The base's repos are missing as a whole; then the tarball must bring their packages."""
    master.install(tarball(inputs, "5.1", ["5.0"]))
    shutil.rmtree(master.config.paths.repos / V51)
    master.install(repaired(master, inputs, tarball(inputs, "6.0", ["5.1"], ("5.1", V51))))
    assert repos(master, V60) == both(V60)


def test_another_repo_or_tarball_than_the_requested_one_is_refused(
    master: ScratchMaster, inputs: Path
) -> None:
    master.install(tarball(inputs, "5.1", ["5.0"]))
    on_disk(master, V51, "ubuntu", "libvirt*").unlink()
    sixty = tarball(inputs, "6.0", ["5.1"], ("5.1", V51))
    request = master.engine().repair_request(sixty)
    assert request is not None
    out = inputs / "out.tar"
    for source in ("5.1/ubuntu", "6.0/centos"):
        with pytest.raises(BundleError, match=r"no repo given is the full repo of 2014\.2-6\.0"):
            repair_bundle(request, sixty, [inputs / source], out, progress=no_progress)
    other = tarball(inputs, "6.1", ["5.1"], ("5.1", V51))
    with pytest.raises(ConfigError, match=r"the request is about fuel-6\.0-upgrade"):
        repair_bundle(request, other, [inputs / "6.0/ubuntu"], out, progress=no_progress)
    assert not out.exists()


def chain(inputs: Path) -> Path:
    tarball(inputs, "6.0", ["5.1", "5.1.1"], ("5.1", V51))
    return tarball(inputs, "6.1", ["6.0"], ("6.0", V60)).parent


def test_a_folder_is_installed_in_the_order_of_its_content(
    master: ScratchMaster, inputs: Path
) -> None:
    folder = chain(inputs)
    tarball(inputs, "5.1", ["5.0"])
    order = planned(plan_all(master.engine(), [folder]))
    names = [f"fuel-{fuel}-upgrade.tar.zst" for fuel in ("5.1", "6.0", "6.1")]
    assert [o["tarball"] for o in order["order"]] == names
    assert order["first"]["fuel_to"] == "5.1"
    events: list[Event] = []
    done = install_all(master.engine(), [folder], watch=events.append)
    assert [record.fuel_to for record in done.installs] == ["5.1", "6.0", "6.1"]
    assert [e.tarball for e in events if isinstance(e, TarballStarted)] == names
    assert repos(master, V61) == both(V61, V60, V51)
    again = install_all(master.engine(), [folder], watch=events.append)
    assert again.installs == ()
    assert [why for _, why in again.order.skipped] == ["installed already"] * 3


def test_the_tarball_that_is_missing_is_named(master: ScratchMaster, inputs: Path) -> None:
    master.install(tarball(inputs, "5.1", ["5.0"]))
    sixty_one = tarball(inputs, "6.1", ["6.0"], ("6.0", V60))
    before = master.state()
    with pytest.raises(PreflightError, match=r"needs Fuel 6\.0, which none of these brings"):
        install_all(master.engine(), [sixty_one.parent], watch=lambda _: None)
    assert master.state() == before


def test_a_failure_in_the_middle_keeps_the_installs_before_it(
    master: ScratchMaster, inputs: Path
) -> None:
    first = tarball(inputs, "5.1", ["5.0"])
    sixty = tarball(inputs, "6.0", ["5.1"], ("5.1", V51))

    def watch(event: Event) -> None:
        if isinstance(event, TarballStarted) and event.number == 2:
            master.store.add_task("deploy", "running")

    with pytest.raises(PreflightError) as caught:
        install_all(master.engine(), [sixty, first], watch=watch)
    assert caught.value.state.startswith("nothing was changed; installed before it: Fuel 5.1 (id ")
    assert not repos(master, V60)
    assert repos(master, V51) == both(V51)


def test_a_folder_without_tarballs_is_refused(master: ScratchMaster, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no tarball in this folder"):
        plan_all(master.engine(), [tmp_path / "empty"])


OLD = (Recipe("same", "1", "same"), Recipe("lost", "1", "lost"), Recipe("nova", "1", "Icehouse"))
NEW = (Recipe("same", "1", "same"), Recipe("lost", "1", "lost"), Recipe("nova", "1", "Juno"))


@needs("dpkg-deb", "apt-ftparchive", "apt-get")
def test_a_node_of_a_repaired_release_gets_every_package(
    master: ScratchMaster, inputs: Path, tmp_path: Path
) -> None:
    for fuel, recipes in (("5.1", OLD), ("6.0", NEW)):
        shutil.rmtree(inputs / fuel / "ubuntu")
        make_apt_repo(inputs / fuel / "ubuntu", recipes)
    master.install(tarball(inputs, "5.1", ["5.0"]))
    on_disk(master, V51, "ubuntu", "lost_*.deb").unlink()
    master.install(repaired(master, inputs, tarball(inputs, "6.0", ["5.1"], ("5.1", V51))))
    (release,) = (r for r in master.client.releases() if (r.version, r.os_key) == (V60, "ubuntu"))
    assert release.orchestrator is not None
    served = master.config.paths.repos.as_uri()
    sources = [
        NodeSource(r.name, r.url.replace("http://127.0.0.1:8080", served), r.suite, r.components)
        for r in release.orchestrator.repos
    ]
    node = AptNode(tmp_path / "node")
    node.apply(render_apt([fetch_identity(source, timeout_s=120) for source in sources]))
    for recipe in NEW:
        (expected,) = (inputs / "6.0/ubuntu").rglob(f"{recipe.name}_*.deb")
        assert hash_file(node.download(recipe.name, tmp_path / recipe.name)) == hash_file(expected)


def test_a_missing_createrepo_c_is_reported_when_a_yum_repo_is_read() -> None:
    """Nothing on the way to an install of apt repos may import it."""
    code = (
        "import sys; sys.modules['createrepo_c'] = None\n"
        "import fuel_upgrade.daemon.service, fuel_upgrade.upgrade.plan.base_search as held\n"
        "from pathlib import Path; from fuel_upgrade.errors import OutsideError\n"
        "try:\n    held._read_packages(Path('/nonexistent'), None)\n"
        "except OutsideError as error:\n    print(error.remedy)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "install its libraries" in done.stdout, done.stderr
