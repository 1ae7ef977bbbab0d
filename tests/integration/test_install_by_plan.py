"""A saved plan is carried out as reviewed, or refused with the differences."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from demo.releases import BASE_VERSION, CURRENT_VERSION
from fuel_upgrade.errors import ConfigError, PreflightError
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.install_options import NO_OPTIONS, InstallOptions
from fuel_upgrade.upgrade.review.saved_plan import SavedPlan
from tests.host import make_host
from tests.master import ScratchMaster, planned, scratch_master, write_fuel_version
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


@pytest.fixture
def master(tarballs: dict[str, Path], tmp_path: Path) -> Iterator[ScratchMaster]:
    with scratch_master(tmp_path / "master") as scratch:
        scratch.install(tarballs["5.1"])
        yield scratch


def keep(engine: Engine, tarball: Path, options: InstallOptions = NO_OPTIONS) -> SavedPlan:
    """Plan, and take the way through JSON that a kept plan takes."""
    actual: Any = json.loads(json.dumps(planned(engine.plan(tarball, options))))
    return SavedPlan.parse(actual, source="plan.json")


def drift(master: ScratchMaster, tarball: Path, kept: SavedPlan, engine: Engine) -> tuple[str, ...]:
    before = master.state()
    with pytest.raises(PreflightError) as caught:
        engine.install(tarball, InstallOptions(expected=kept), install=new_id())
    assert caught.value.state == "nothing was changed"
    assert master.state() == before
    return caught.value.failures


def test_two_plans_in_a_row_rest_on_the_same(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    first, second = (keep(master.engine(), tarballs["6.0"]) for _ in range(2))
    assert first == second
    (master.root / "var/unrelated").write_bytes(bytes(1 << 20))
    assert keep(master.engine(), tarballs["6.0"]) == first


def test_plan_status_and_history_create_no_journal(
    tarballs: dict[str, Path], tmp_path: Path
) -> None:
    host = make_host(tmp_path / "root")
    state = host.root / "var/lib/fuel_upgrade"
    with host.daemon():
        before = sorted(path.name for path in state.iterdir())
        assert host.json("plan", tarballs["5.1"])["fuel_to"] == "5.1"
        assert host.json("status")["last_install"] is None
        assert host.json("history")["installs"] == []
        assert sorted(path.name for path in state.iterdir()) == before
    assert not (state / "journal.sqlite").exists()


def test_a_master_that_is_as_planned_is_installed_on(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    kept = keep(master.engine(), tarballs["6.0"])
    options = InstallOptions(expected=kept)
    record = master.engine().install(kept.tarball, options, install=new_id())
    assert (record.state.value, record.fuel_to) == ("installed", "6.0")


def test_the_tarball_may_have_been_moved(
    master: ScratchMaster, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    kept = keep(master.engine(), tarballs["6.0"])
    moved = shutil.copy(tarballs["6.0"], tmp_path / "moved.tar.zst")
    record = master.engine().install(Path(moved), InstallOptions(expected=kept), install=new_id())
    assert record.fuel_to == "6.0"


def test_the_options_of_a_plan_need_not_be_repeated(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    kept = keep(master.engine(), tarballs["6.0"], InstallOptions(full_view=True))
    master.engine().install(tarballs["6.0"], InstallOptions(expected=kept), install=new_id())
    assert (master.config.paths.repos / "full-view" / CURRENT_VERSION).is_dir()


def _register(master: ScratchMaster) -> None:
    release = master.client.releases()[0]
    assert release.orchestrator is not None
    master.client.create_release(
        {
            "name": "Other",
            "version": "1-1",
            "operating_system": "Ubuntu",
            "orchestrator_data": release.orchestrator.to_json(),
        }
    )


def _unregister(master: ScratchMaster) -> None:
    ubuntu = next(r for r in master.client.releases() if r.os_key == "ubuntu")
    master.client.delete_release(ubuntu.id)


def _make_puppet(master: ScratchMaster) -> None:
    (master.config.paths.puppet / CURRENT_VERSION).mkdir()


def _edit_index(master: ScratchMaster) -> None:
    (release,) = (master.config.paths.repos / BASE_VERSION).rglob("Release")
    release.write_text("Description: made anew\n" + release.read_text())


def _other_fuel(master: ScratchMaster) -> None:
    (master.root / "etc/fuel/version.yaml").unlink()
    write_fuel_version(master.root, "5.1.1")


@pytest.mark.parametrize(
    ("change", "output"),
    [
        (_register, "release Other (1-1) for Ubuntu was registered since (id 3)"),
        (_unregister, f"for Ubuntu is registered no longer (id {2})"),
        (_make_puppet, f"/etc/puppet/{CURRENT_VERSION} exists now: a folder"),
        (_edit_index, f"{CURRENT_VERSION} ubuntu has another index now"),
        (_other_fuel, "this master runs Fuel 5.1.1 now, it was 5.1"),
        (_other_fuel, "/etc/fuel/version.yaml leads to 5.1.1/version.yaml now"),
    ],
)
def test_each_difference_is_named(
    master: ScratchMaster,
    tarballs: dict[str, Path],
    change: Callable[[ScratchMaster], None],
    output: str,
) -> None:
    kept = keep(master.engine(), tarballs["6.0"])
    change(master)
    actual = drift(master, tarballs["6.0"], kept, master.engine())
    assert any(output in failure for failure in actual), actual
    assert actual[0].startswith("not as planned: ")


def test_other_settings_are_named(master: ScratchMaster, tarballs: dict[str, Path]) -> None:
    kept = keep(master.engine(), tarballs["6.0"])
    engine = Engine(replace(master.config, full_view=True), master.client)
    actual = drift(master, tarballs["6.0"], kept, engine)
    assert actual[0] == "not as planned: the setting full_view is true now, it was false"
    assert any("there is a new step 'build the full view of repo" in f for f in actual)


def test_less_free_space_is_no_drift(master: ScratchMaster, tarballs: dict[str, Path]) -> None:
    kept = keep(master.engine(), tarballs["6.0"])
    engine = Engine(replace(master.config, disk_reserve_mb=1 << 40), master.client)
    (failure,) = drift(master, tarballs["6.0"], kept, engine)
    assert "are free" in failure


def test_a_plan_of_another_tarball_is_refused(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    kept = keep(master.engine(), tarballs["6.0"])
    before = master.state()
    with pytest.raises(ConfigError, match=r"the plan is of .*fuel-6\.0-upgrade") as caught:
        master.engine().install(tarballs["6.0.1"], InstallOptions(expected=kept), install=new_id())
    assert caught.value.state == "nothing was changed"
    assert master.state() == before
