"""The make targets of a build job, with real repos and the variables of the 6.0 build system."""

import json
import os
import random
import shutil
import tarfile
import time
from pathlib import Path

import pytest

from demo.packages import Recipe, make_apt_repo
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.system.tree_digest import digest
from tests.build_job import SAME, UPGRADE, Job, copy_of, make_job, ours, to_folder
from tests.host import Host
from tests.tools import needs

pytestmark = needs("make", "dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")

DIFF = "made/diff-ubuntu-repo-6.0-5.1.tar"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return make_job(tmp_path_factory.mktemp("job"))


@pytest.fixture
def job(built: Job, tmp_path: Path) -> Job:
    return copy_of(built, tmp_path / "job")


def test_three_bundles_of_one_tarball_are_installed_each_with_its_repos(
    job: Job, host: Host
) -> None:
    tarball = job.upgrade()
    of_base = ["ARTS_DIR=deps/5.1", "UPGRADE_VERSIONS=5.1", "UPGRADE_FROM=5.0", *ours("5.1")]
    job.make("-j4", "upgrade", *of_base)
    with host.daemon():
        host.json("install", job.folder / "deps/5.1/fuel-5.1-upgrade.tar.zst")
        host.json("install", tarball)
        releases = host.json("releases")["releases"]
    repos = {
        (release["version"], release["operating_system"]): {r["name"] for r in release["repos"]}
        for release in releases
    }
    base = "2014.1.1-5.1"
    for system in ("CentOS", "Ubuntu"):
        assert repos["2014.2-6.0", system] == {"2014.2-6.0", base}
        assert repos["2014.1.3-5.1.1", system] == {"2014.1.3-5.1.1", base}
        assert repos["2014.1.1-5.0.2", system] == {"2014.1.1-5.0.2"}


def test_the_artifacts_have_the_names_and_folders_of_the_6_0_build(job: Job) -> None:
    job.make("-j4", "ubuntu-diff-repo", "centos-diff-repo", *ours())
    for system in ("centos", "ubuntu"):
        with tarfile.open(job.folder / f"made/diff-{system}-repo-6.0-5.1.tar") as tar:
            names = tar.getnames()
        assert {name.split("/")[0] for name in names} == {f"{system}_updates-6.0-5.1"}
        packages = [Path(name).name for name in names if name.endswith((".deb", ".rpm"))]
        assert [name.partition(".")[0][:7] for name in packages] == ["changed"]


def test_a_second_run_changes_no_artifact(job: Job) -> None:
    job.upgrade()
    before = job.made()
    job.upgrade()
    assert job.made() == before
    assert len(before) == 7


def test_other_path_umask_time_zone_and_locale_give_the_same_bytes(
    job: Job, built: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = hash_file(job.upgrade())
    other = copy_of(built, tmp_path / "another-place")
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("LC_ALL", "C")
    before = os.umask(0o077)
    try:
        second = hash_file(other.upgrade("-j1"))
    finally:
        os.umask(before)
    assert first == second


def test_a_ready_diff_is_taken_only_if_it_is_that_diff(job: Job) -> None:
    job.make("ubuntu-diff-repo", *ours())
    ready = to_folder(job.folder / "deps/6.0" / Path(DIFF).name)
    made = (job.folder / DIFF).read_bytes()
    (job.folder / DIFF).rename(ready)
    text = job.make("ubuntu-diff-repo", *ours())
    assert "proved to be the diff" in text
    assert (job.folder / DIFF).read_bytes() == made
    (job.folder / DIFF).unlink()
    shutil.copy(job.folder / "deps/5.1.1/diff-ubuntu-repo-5.1.1-5.1.tar", ready)
    text = job.make("ubuntu-diff-repo", *ours())
    assert "not used" in text
    assert (job.folder / DIFF).read_bytes() == made


def test_an_artifact_follows_a_mirror_whose_times_are_older(job: Job) -> None:
    job.make("ubuntu-diff-repo", *ours())
    before = hash_file(job.folder / DIFF)
    mirror = job.folder / "mirrors/6.0/ubuntu"
    shutil.rmtree(mirror)
    make_apt_repo(mirror, (SAME, Recipe("changed", "1.0-1", "another")))
    for path in mirror.rglob("*"):
        os.utime(path, (0, 0))
    job.make("ubuntu-diff-repo", *ours())
    assert hash_file(job.folder / DIFF) != before


def test_a_failed_target_leaves_no_artifact(job: Job) -> None:
    index = next((job.folder / "mirrors/6.0/ubuntu").rglob("Packages"))
    index.write_text("Package: broken\n")
    job.make("-k", "upgrade", *ours(), code=2)
    names = {path.name for path in (job.folder / "made").iterdir()}
    assert not {n for n in names if "ubuntu" in n and not n.endswith(".lock")}
    assert not {n for n in names if "upgrade" in n or n == "bundle.yaml"}


def test_a_job_that_was_killed_anywhere_goes_on_to_the_same_bytes(
    job: Job, built: Job, tmp_path: Path
) -> None:
    draw = random.Random(int(os.environ.get("KILL_SEED", "1")))
    began = time.monotonic()
    job.upgrade()
    lasted = time.monotonic() - began
    expected = {name: sha256 for name, (sha256, _) in job.made().items()}
    for number in range(int(os.environ.get("BUILD_KILLS", "2"))):
        killed = copy_of(built, tmp_path / f"killed-{number}")
        killed.killed_after(draw.uniform(0, lasted), *UPGRADE, *ours())
        left = killed.made()
        assert {name: sha256 for name, (sha256, _) in left.items()}.items() <= expected.items()
        killed.upgrade()
        made = killed.made()
        assert {name: sha256 for name, (sha256, _) in made.items()} == expected
        assert left.items() <= made.items()  # untouched


def test_missing_artifacts_are_named_all_at_once(job: Job) -> None:
    (job.folder / "deps/5.1.1/version.yaml").unlink()
    (job.folder / "deps/5.0.2/ubuntu-repo.tar").unlink()
    text = job.make("upgrade", *ours(), code=2).replace("\n", " ")
    assert "deps/5.1.1/version.yaml does not exist" in text
    assert "deps/5.0.2/ubuntu-repo.tar does not exist" in text


def test_without_a_base_the_diff_targets_say_so(job: Job) -> None:
    assert "BASE_VERSION is empty" in job.make("ubuntu-diff-repo", *ours("5.1"), code=2)


def test_a_dry_run_shows_the_work_and_changes_nothing(job: Job) -> None:
    before = digest(job.folder)
    text = job.make("-n", "upgrade", *ours())
    assert digest(job.folder) == before
    for name in ("diff-ubuntu-repo-6.0-5.1.tar", "bundle spec", "fuel-6.0-upgrade.tar.zst"):
        assert name in text


def test_the_report_names_the_changed_packages(job: Job) -> None:
    job.make("-j2", "report", *ours())
    data = json.loads((job.folder / "made/report-6.0.json").read_text())
    assert "changed" in json.dumps(data)
    assert "changed" in (job.folder / "made/report-6.0.html").read_text()
