"""Full views as a part of an install: built, shown, undone, and put back when they cannot be."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.errors import PreflightError, StepError
from fuel_upgrade.repo.description import DiffDescription
from fuel_upgrade.repo.read_repo import read_repo
from fuel_upgrade.system.disk_space import own_bytes
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.events import Event, InstallStarted
from fuel_upgrade.upgrade.install_all import plan_all
from fuel_upgrade.upgrade.install_options import InstallOptions
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState
from fuel_upgrade.upgrade.transaction import retention
from tests.master import ScratchMaster, planned, scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
NEW = "2014.2-6.0"
SYSTEMS = ("centos", "ubuntu")
VIEWED = InstallOptions(full_view=True)
STEPS = 15  # of the demo's tarball with views
VIEW_STEPS = range(6, 10)  # asserted below


@pytest.fixture(scope="module")
def master(
    tarballs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScratchMaster]:
    """A master with 5.1 installed; each test leaves it as it was, or fails."""
    with scratch_master(tmp_path_factory.mktemp("master")) as scratch:
        scratch.install(tarballs["5.1"])
        scratch.install(tarballs["6.0"])  # this deletes the backups of 5.1
        scratch.engine().rollback()
        yield scratch


def install(master: ScratchMaster, tarball: Path, fail_points: str = "") -> ChangeRecord:
    return master.engine(fail_points).install(tarball, VIEWED, install=new_id())


def place(master: ScratchMaster, system: str, version: str = NEW) -> Path:
    return master.config.paths.repos / "full-view" / version / system / "x86_64"


def test_the_plan_shows_it_and_where_nodes_find_it(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    plan = planned(master.engine().plan(tarballs["6.0"], VIEWED))
    assert len(plan["steps"]) == STEPS
    kinds = [step["kind"] for step in plan["steps"]]
    assert [number for number, kind in enumerate(kinds, 1) if kind == "view"] == [6, 8]
    assert "full-view/2014.2-6.0/ubuntu/x86_64" in plan["steps"][8]["title"]
    locations = {r["operating_system"].lower(): r["full_view"] for r in plan["releases"]}
    head = "http://127.0.0.1:8080/full-view/2014.2-6.0"
    assert locations["centos"] == f"{head}/centos/x86_64"
    assert locations["ubuntu"].startswith(f"{head}/ubuntu/x86_64 precise main")
    assert planned(master.engine().plan(tarballs["6.0"]))["releases"][0]["full_view"] is None


def test_it_is_planned_for_several_tarballs_as_well(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    plan = planned(plan_all(master.engine(), [tarballs["5.1"], tarballs["6.0"]], VIEWED))
    assert [offer["fuel_version"] for offer in plan["order"]] == ["6.0"]
    assert len(plan["first"]["steps"]) == STEPS


def test_the_setting_asks_for_it_as_well(master: ScratchMaster, tarballs: dict[str, Path]) -> None:
    engine = Engine(replace(master.config, full_view=True), master.client)
    assert len(planned(engine.plan(tarballs["6.0"]))["steps"]) == STEPS


def test_a_view_is_the_release_and_the_undo_removes_it(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    before = master.state()
    install(master, tarballs["6.0"])
    for system in SYSTEMS:
        view, diff = place(master, system), master.config.paths.repos / NEW / system / "x86_64"
        text = (diff / "diff.yaml").read_text()
        counts = DiffDescription.parse(text, source="diff.yaml").counts
        packages = read_repo(view).packages
        assert len(packages) == counts["carried"] + counts["inherited"]
        assert all((view / p.location).stat().st_nlink > 1 for p in packages)
        assert own_bytes(view) < 200_000
    engine = master.engine()
    assert retention.undoable(engine.journal) is not None
    engine.rollback()
    assert master.state() == before


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("step", VIEW_STEPS)
def test_a_failure_there_leaves_everything_as_before(
    master: ScratchMaster, tarballs: dict[str, Path], step: int, where: str
) -> None:
    before = master.state()
    with pytest.raises(StepError, match=f"step {step}, (build the|switch) full view"):
        install(master, tarballs["6.0"], f"{step}:{where}")
    assert master.state() == before


def test_an_earlier_view_is_put_back(master: ScratchMaster, tarballs: dict[str, Path]) -> None:
    folder = place(master, "ubuntu")
    folder.mkdir(parents=True)
    (folder / "mine").write_text("somebody else's\n")
    before = master.state()
    install(master, tarballs["6.0"])
    assert not (folder / "mine").exists()
    master.engine().rollback()
    assert master.state() == before
    shutil.rmtree(master.config.paths.repos / "full-view")


@pytest.fixture
def inherited(master: ScratchMaster) -> Iterator[Path]:
    """A package of the base that the release inherits; it is put back after the test."""
    base = master.config.paths.repos / "2014.1.1-5.1/ubuntu/x86_64"
    path = base / next(p for p in read_repo(base).packages if p.name == "libvirt").location
    kept = path.read_bytes()
    yield path
    path.write_bytes(kept)


def test_a_base_without_a_package_is_refused_before_anything_changes(
    master: ScratchMaster, tarballs: dict[str, Path], inherited: Path
) -> None:
    inherited.unlink()
    before = master.state()
    with pytest.raises(PreflightError, match=r"no release here holds 1 of the .*: libvirt all"):
        install(master, tarballs["6.0"])
    assert master.state() == before


def test_a_package_that_goes_away_meanwhile_fails_the_install_and_is_named(
    master: ScratchMaster, tarballs: dict[str, Path], inherited: Path
) -> None:
    states = []

    def lose(event: Event) -> None:
        if isinstance(event, InstallStarted):  # the checks are done
            inherited.unlink()
            states.append(master.state())

    with pytest.raises(StepError, match=f"{inherited.name}: listed in the index, but") as caught:
        master.engine().install(tarballs["6.0"], VIEWED, install=new_id(), watch=lose)
    assert caught.value.state == "rolled back to Fuel 5.1"
    assert master.state() == states[0]
    assert master.engine().journal.installs()[-1].state is InstallState.ROLLED_BACK


def test_a_base_on_another_server_is_refused_before_anything_changes(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    config = replace(master.config, repo_url="http://{MASTER_IP}:9090", full_view=True)
    before = master.state()
    with pytest.raises(PreflightError, match="is not served by this master"):
        Engine(config, master.client).install(tarballs["6.0"], install=new_id())
    assert master.state() == before
