"""A second install of a tarball changes nothing; an incomplete install is a failure."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.errors import ConfigError, PreflightError
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.events import AlreadyInstalled, Event, ignore
from fuel_upgrade.upgrade.install_all import install_all
from fuel_upgrade.upgrade.install_options import InstallOptions
from fuel_upgrade.upgrade.records import ChangeRecord
from fuel_upgrade.upgrade.releases.squash_release import plan_squash
from fuel_upgrade.upgrade.review.saved_plan import SavedPlan
from tests.master import ScratchMaster, planned, scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


@pytest.fixture
def master(tmp_path: Path) -> Iterator[ScratchMaster]:
    with scratch_master(tmp_path / "root") as scratch:
        yield scratch


def whole_state(master: ScratchMaster) -> object:
    """Return the state with the journal: not even that may change."""
    return master.state(), master.config.paths.journal.read_bytes()


def again(master: ScratchMaster, tarball: Path, **more: Any) -> ChangeRecord:
    watch = more.pop("watch", ignore)
    options = InstallOptions(**more)
    return master.engine().install(tarball, options, install="aaaa0001", watch=watch)


def refusal(master: ScratchMaster, tarball: Path, **more: Any) -> PreflightError:
    before = whole_state(master)
    with pytest.raises(PreflightError) as caught:
        again(master, tarball, **more)
    assert whole_state(master) == before
    return caught.value


def test_the_second_install_changes_nothing_and_names_the_first(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    first = master.install(tarballs["5.1"])
    before, events = whole_state(master), list[Event]()
    assert again(master, tarballs["5.1"], watch=events.append) == first
    assert whole_state(master) == before
    assert events == [
        AlreadyInstalled(first.id, "5.1")
    ]  # fmt: skip


def test_a_copy_of_the_tarball_elsewhere_is_the_same_one(
    master: ScratchMaster, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    first = master.install(tarballs["5.1"])
    copy = Path(shutil.copy(tarballs["5.1"], tmp_path / "other.tar.zst"))
    assert again(master, copy).id == first.id


def test_a_plan_of_an_installed_tarball_names_the_install(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    first = master.install(tarballs["5.1"])
    before = whole_state(master)
    assert planned(master.engine().plan(tarballs["5.1"])) == {
        "changed": False,
        "tarball": str(tarballs["5.1"]),
        "fuel_version": "5.1",
        "install": first.id,
    }
    assert whole_state(master) == before


def test_no_hook_runs_for_an_installed_tarball(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    first = master.install(tarballs["5.1"])
    hook = master.config.paths.hooks / "before-check/10-no"
    hook.parent.mkdir(parents=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    assert again(master, tarballs["5.1"]).id == first.id


def test_a_complete_install_of_a_lower_version_counts_as_installed(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    first = master.install(tarballs["5.1"])
    second = master.install(tarballs["6.0"])
    assert again(master, tarballs["5.1"]).id == first.id
    assert again(master, tarballs["6.0"]).id == second.id


def test_a_second_install_is_refused_on_request(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    master.install(tarballs["5.1"])
    error = refusal(master, tarballs["5.1"], fail_if_installed=True)
    assert "this master already runs Fuel 5.1" in error.what
    assert error.code == "already-installed"
    before, options = whole_state(master), InstallOptions(fail_if_installed=True)
    with pytest.raises(PreflightError, match="installed already"):
        install_all(master.engine(), [tarballs["5.1"]], options, watch=ignore)
    assert whole_state(master) == before


def test_an_undone_install_can_be_installed_again(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    first = master.install(tarballs["5.1"])
    master.engine().rollback()
    assert again(master, tarballs["5.1"]).id == "aaaa0001" != first.id


def test_another_tarball_of_the_same_version_is_refused(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    first = master.install(tarballs["5.1"])
    journal = master.config.paths.journal
    journal.write_bytes(journal.read_bytes().replace(first.seal.encode(), b"f" * len(first.seal)))
    (failure,) = refusal(master, tarballs["5.1"]).failures
    assert failure == "this master already runs Fuel 5.1"


def test_a_release_that_was_deleted_is_named(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    first = master.install(tarballs["5.1"])
    gone = next(r for r in master.client.releases() if r.os_key == "ubuntu")
    master.client.delete_release(gone.id)
    (failure,) = refusal(master, tarballs["5.1"]).failures
    assert f"not as install {first.id} left it: release {gone.name} ({gone.version})" in failure
    assert failure.endswith("is not registered")
    with pytest.raises(PreflightError, match="is not registered"):
        install_all(master.engine(), [tarballs["5.1"].parent], watch=lambda _: None)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("var/www/nailgun/*/ubuntu/x86_64", "is missing"),
        ("var/www/nailgun/*/ubuntu/x86_64/**/*.deb", "files of"),
        ("etc/puppet/*/manifests", "files of"),
        ("etc/fuel/5.1/version.yaml", "expected the version of this master"),
        ("etc/fuel/release_versions/*", "is missing"),
    ],
)
def test_a_tree_or_file_that_is_missing_is_named(
    master: ScratchMaster, tarballs: dict[str, Path], pattern: str, message: str
) -> None:
    master.install(tarballs["5.1"])
    path = next(master.root.glob(pattern))
    aside = master.config.paths.state / "aside"
    path.rename(aside)
    error = refusal(master, tarballs["5.1"])
    assert message in error.what
    assert error.code in ("installed-not-whole", "not-ready")
    aside.rename(path)
    assert again(master, tarballs["5.1"]).fuel_to == "5.1"


def test_a_package_that_was_cut_short_is_named(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    master.install(tarballs["5.1"])
    package = next(master.root.glob("var/www/nailgun/**/*.rpm"))
    package.write_bytes(b"")
    (failure,) = refusal(master, tarballs["5.1"]).failures
    assert f"incomplete: {package} first" in failure


def test_a_manifest_that_an_operator_changed_is_no_fault(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    first = master.install(tarballs["5.1"])
    manifest = next(p for p in master.root.glob("etc/puppet/*/**/*") if p.is_file())
    manifest.write_text("changed here\n")
    assert again(master, tarballs["5.1"]).id == first.id


def test_content_that_a_later_change_replaced_is_no_fault(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    master.install(tarballs["5.1"])
    second = master.install(tarballs["6.0"])
    engine, install = master.engine(), new_id()
    engine.change(lambda: plan_squash(master.config, master.client, "2014.2-6.0", install=install))
    assert again(master, tarballs["6.0"]).id == second.id


def test_a_saved_plan_of_an_installed_tarball_changes_nothing(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    engine = master.engine()
    plan = SavedPlan.parse(planned(engine.plan(tarballs["5.1"])), source="here")
    first = master.install(tarballs["5.1"])
    assert again(master, tarballs["5.1"], expected=plan).id == first.id
    with pytest.raises(ConfigError, match="the plan is of"):
        again(master, tarballs["6.0"], expected=plan)
