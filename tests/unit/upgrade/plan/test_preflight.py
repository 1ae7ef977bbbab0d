"""Every check of an install: the smallest master that fails it, and one that passes them all."""

from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.bundle.seal import SealedFiles
from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.errors import OutsideError, PreflightError
from fuel_upgrade.nailgun.control_plane import Task
from fuel_upgrade.release.model import RepoEntry
from fuel_upgrade.system.disk_space import FileSystem
from fuel_upgrade.upgrade.hooks import Hooks
from fuel_upgrade.upgrade.nailgun_idle import RunningTask
from fuel_upgrade.upgrade.plan.base_match import BaseMatch
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.plan.preflight import check, nothing_changes
from tests.builders import BASE_VERSION, VERSION, package
from tests.plan_inputs import (
    BASE,
    GIB,
    PATHS,
    bundle_head,
    master,
    need,
    plan_of,
    ready_master,
    registered,
    repo_part,
    sealed,
    with_free,
)

HEAD = bundle_head()
TASK = RunningTask(Task(4, None, "deploy", "running"), None)
PACKAGES = tuple(package(f"p{number:02}") for number in range(25))
CENTOS_BASE = registered(2, BASE_VERSION, system="CentOS")


def refusal(
    on: Master, *, parts: bool = False, drift: tuple[str, ...] = (), reserve_mb: int = 0
) -> PreflightError:
    """Check an install of a release for Ubuntu, or (``parts``) of one for CentOS too."""
    head = HEAD
    if parts:
        head = bundle_head((repo_part(VERSION, BASE_VERSION), repo_part(VERSION, BASE_VERSION,
                                                                       "centos")))  # fmt: skip
    with pytest.raises(PreflightError) as caught:
        check(head, plan_of(head, on), on, reserve_mb=reserve_mb, drift=drift)
    return caught.value


def missing_base(match: BaseMatch, *releases: object) -> Master:
    return master(*(releases or (BASE,)), match=match)  # type: ignore[arg-type]


def test_a_ready_master_passes_all_checks() -> None:
    on = ready_master()
    check(HEAD, plan_of(HEAD, on), on, reserve_mb=100)


def test_running_tasks_alone_are_no_failed_check() -> None:
    on = replace(ready_master(), running_tasks=(TASK,))
    check(HEAD, plan_of(HEAD, on), on, reserve_mb=100)


def test_running_tasks_are_reported_with_other_failures() -> None:
    error = refusal(replace(ready_master(), running_tasks=(TASK,), fuel_version="5.0"))
    assert error.failures[-1] == f"Nailgun runs {TASK}"
    assert error.remedy.startswith("remove the causes of the failed checks")


@pytest.mark.parametrize(
    ("fuel_version", "failure"),
    [
        ("6.0", "this master already runs Fuel 6.0"),
        ("6.1", "the tarball is of Fuel 6.0, older than the 6.1 of this master"),
        ("5.0", "Fuel 5.0 cannot be upgraded to 6.0 with this tarball, only 5.1 can"),
    ],
)
def test_a_version_that_the_tarball_does_not_upgrade_is_refused(
    fuel_version: str, failure: str
) -> None:
    assert refusal(replace(ready_master(), fuel_version=fuel_version)).failures == (failure,)


def test_a_tarball_that_upgrades_nothing_says_so() -> None:
    head = bundle_head(upgrade_from=())
    on = ready_master()
    with pytest.raises(PreflightError, match="only nothing can"):
        check(head, plan_of(head, on), on, reserve_mb=0)


def test_drift_comes_first_and_decides_the_remedy() -> None:
    error = refusal(replace(ready_master(), fuel_version="5.0"), drift=("it differs",))
    assert error.failures[0] == "not as planned: it differs"
    assert len(error.failures) == 2
    assert "plan --out" in error.remedy


def test_drift_alone_is_a_refusal() -> None:
    assert refusal(ready_master(), drift=("it differs",)).failures == (
        "not as planned: it differs",
    )


def test_a_base_that_is_not_registered_is_named_with_those_that_are() -> None:
    other = registered(1, "2013-5.0")
    match = BaseMatch(need(*PACKAGES[:1]), accepted=False, missing=PACKAGES[:1])
    (failure,) = refusal(missing_base(match, other)).failures
    assert f"is a diff of {BASE_VERSION}, which is not registered for Ubuntu" in failure
    assert "(registered: 2013-5.0)" in failure


def test_without_any_release_none_is_registered() -> None:
    on = master(match=BaseMatch(need(*PACKAGES[:1]), accepted=False))
    assert refusal(on).failures[0].endswith("(registered: none)")


def test_an_unregistered_base_of_a_later_fuel_is_left_to_the_fuel_between() -> None:
    on = master(match=BaseMatch(need(*PACKAGES[:1]), accepted=False), fuel_version="5.0")
    (failure,) = refusal(on).failures
    assert "cannot be upgraded" in failure


def test_releases_that_miss_the_same_base_are_one_failure() -> None:
    matches = {
        (VERSION, os_key): BaseMatch(
            need(*PACKAGES[:1], os_key=os_key), accepted=False, missing=PACKAGES[:1]
        )
        for os_key in ("ubuntu", "centos")
    }
    (failure,) = refusal(replace(master(), bases=matches), parts=True).failures
    assert failure.startswith("releases R on Ubuntu")
    assert "are diffs of" in failure
    assert "which is not registered for Ubuntu and CentOS" in failure
    assert "holds 2 of the 2 packages that they inherit" in failure


def test_a_base_that_lacks_packages_is_refused_with_the_first_twenty() -> None:
    match = BaseMatch(need(*PACKAGES), accepted=False, missing=PACKAGES[1:])
    error = refusal(missing_base(match))
    assert "which lacks packages on this master" in error.what
    assert "no release here holds 24 of the 25 packages that it inherits: p01" in error.what
    assert error.what.endswith("p20 all 1.0-1 and 4 more")
    assert "--repair-request" in error.remedy


def test_a_base_in_the_tarball_that_is_not_whole_is_refused() -> None:
    match = BaseMatch(need(*PACKAGES), accepted=False, inside=True, missing=PACKAGES[:1])
    assert "which is in this tarball, but lacks packages" in refusal(missing_base(match)).what


FAULTS = ((RepoEntry(BASE_VERSION, "u"), "is not on this master's disk"),)


def test_a_broken_base_repo_without_any_package_names_no_packages() -> None:
    match = BaseMatch(need(*PACKAGES), accepted=False, missing=PACKAGES, faults=FAULTS)
    (failure,) = refusal(missing_base(match)).failures
    assert failure == (
        f"the base repo {BASE_VERSION} of R on Ubuntu ({VERSION}) is not on this master's disk"
    )


def test_a_broken_base_repo_beside_a_readable_one_names_the_missing_packages() -> None:
    match = BaseMatch(need(*PACKAGES), accepted=False, missing=PACKAGES[:1], faults=FAULTS)
    assert "holds 1 of the 25 packages" in refusal(missing_base(match)).what


def test_a_broken_base_repo_that_lacks_no_package_is_corrected_by_hand() -> None:
    match = BaseMatch(need(*PACKAGES), accepted=False, faults=FAULTS)
    error = refusal(missing_base(match))
    assert "packages" not in error.what
    assert "--repair-request" not in error.remedy


def test_another_release_of_the_same_name_and_version_is_a_collision() -> None:
    other = registered(9, VERSION, RepoEntry(VERSION, "http://elsewhere/ trusty main"))
    on = replace(ready_master(), releases=(BASE, other))
    (failure,) = refusal(on).failures
    assert failure.startswith(f"another release is registered as R on Ubuntu ({VERSION}), id 9")


def test_an_equal_release_is_no_collision() -> None:
    on = ready_master()
    repos = plan_of(HEAD, on).orchestrators[VERSION, "ubuntu"].repos
    rendered = [
        RepoEntry(r.name, r.location.format(MASTER_IP="10.20.0.2", OPENSTACK_VERSION=VERSION))
        for r in repos
    ]
    on = replace(on, releases=(BASE, registered(9, VERSION, *rendered)))
    check(HEAD, plan_of(HEAD, on), on, reserve_mb=0)


def test_a_full_file_system_is_refused_with_the_missing_size() -> None:
    error = refusal(with_free(ready_master(), 4096), reserve_mb=1024)
    assert error.what.startswith("/: ")
    assert "and a reserve of 1.00 GiB" in error.what
    assert "short" in error.what


def test_folders_on_one_file_system_are_added_up() -> None:
    on = ready_master()
    needed = sum(plan_of(HEAD, on).staged_bytes.values())
    enough = with_free(on, needed)
    check(HEAD, plan_of(HEAD, enough), enough, reserve_mb=0)
    assert "short" in refusal(with_free(on, needed - 1)).what


def test_each_file_system_has_a_failure_of_its_own() -> None:
    on = with_free(ready_master(), 0)
    on = replace(
        on, file_systems={**on.file_systems, PATHS.repos: FileSystem(2, Path("/var/www"), 0)}
    )
    mounts = [failure.split(":")[0] for failure in refusal(on).failures]
    assert sorted(mounts) == ["/", "/var/www"]


@pytest.mark.parametrize("point", ["before-install", "before-register"])
def test_a_hook_that_must_not_run_is_refused_where_it_could_refuse(point: str) -> None:
    on = replace(ready_master(), hooks={point: Hooks(refused=("10-a: not executable",))})
    assert refusal(on).failures == ("hook refused: 10-a: not executable",)


def test_a_hook_that_must_not_run_is_no_failure_at_a_later_point() -> None:
    on = replace(ready_master(), hooks={"after-install": Hooks(refused=("10-a: mode",))})
    check(HEAD, plan_of(HEAD, on), on, reserve_mb=0)


def test_two_remedies_are_both_left_to_the_failures() -> None:
    error = refusal(with_free(replace(ready_master(), fuel_version="5.0"), 0), reserve_mb=GIB >> 20)
    assert len(error.failures) == 2
    assert error.remedy == f"remove the causes of the failed checks, then install {HEAD.path} again"


def test_an_error_while_only_reading_says_that_nothing_was_changed() -> None:
    with pytest.raises(OutsideError) as caught, nothing_changes():
        raise OutsideError("no", remedy="yes")
    assert caught.value.state == "nothing was changed"


def test_a_state_that_is_known_stays() -> None:
    with pytest.raises(PreflightError) as caught, nothing_changes():
        raise PreflightError("no", remedy="yes", state="rolled back")
    assert caught.value.state == "rolled back"


def with_file(name: str) -> BundleHead:
    """Return the header of a tarball with one more file in the repo for Ubuntu."""
    (part,) = HEAD.repos
    files = {**HEAD.sealed, f"{part.folder}/{name}": sealed()}
    return replace(HEAD, sealed=SealedFiles.of(files))


def checked(head: BundleHead, on: Master) -> tuple[str, ...]:
    """Return the failures of an install on a master whose file systems have these limits."""
    try:
        check(head, plan_of(head, on), on, reserve_mb=0)
    except PreflightError as error:
        return error.failures
    return ()


def with_room(**limits: int) -> Master:
    on = ready_master()
    file_system = replace(next(iter(on.file_systems.values())), **limits)  # type: ignore[arg-type]
    return replace(on, file_systems=dict.fromkeys(on.file_systems, file_system))


def test_a_name_longer_than_its_file_system_allows_is_refused() -> None:
    on = with_room(name_bytes=143)
    assert checked(with_file("é" * 71 + "x"), on) == ()
    (failure,) = checked(with_file("é" * 72), on)
    assert "too long" in failure


def test_a_path_longer_than_the_kernel_takes_is_refused() -> None:
    assert checked(with_file("d/" * 1800 + "x"), ready_master()) == ()
    (failure,) = checked(with_file("d/" * 1990 + "x"), ready_master())
    assert "too long" in failure
    assert len(failure) < 300


def test_a_file_system_without_the_inodes_is_refused() -> None:
    failures = checked(HEAD, with_room(free_inodes=3))
    assert [f for f in failures if "inodes are needed, 3 are free" in f]
    assert checked(HEAD, with_room(free_inodes=100)) == ()


@pytest.mark.parametrize("inside", ["", "/pool", "/pool/main"])
def test_a_mount_point_in_a_tree_that_is_switched_is_refused(inside: str) -> None:
    live = PATHS.repos / f"{VERSION}/ubuntu/x86_64"
    (failure,) = checked(HEAD, replace(ready_master(), mounts=(Path(f"{live}{inside}"),)))
    assert f"{live}{inside} is a mount point" in failure


def test_a_mount_point_above_a_tree_or_beside_it_is_no_failure() -> None:
    mounts = (PATHS.repos / VERSION, PATHS.repos / "other/pool")
    assert checked(HEAD, replace(ready_master(), mounts=mounts)) == ()


def test_a_tarball_with_the_same_repo_twice_is_refused() -> None:
    head = bundle_head((repo_part(VERSION, BASE_VERSION), repo_part(VERSION, BASE_VERSION)))
    failures = checked(head, ready_master())
    assert [f for f in failures if f"2 parts for {PATHS.repos}/{VERSION}/ubuntu/x86_64" in f]
