"""Every reason to refuse an install is reported with its remedy before anything changes."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from demo.releases import BASE_VERSION, CURRENT_VERSION
from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.contents import Contents
from fuel_upgrade.errors import BundleError, ConfigError, PreflightError
from fuel_upgrade.system.archive import ArchiveReader
from fuel_upgrade.system.compression import open_stream
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.steps.register import Register
from tests.master import ScratchMaster, scratch_master, write_fuel_version
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


@pytest.fixture
def master(tarballs: dict[str, Path], tmp_path: Path) -> Iterator[ScratchMaster]:
    with scratch_master(tmp_path / "master") as prepared:
        prepared.install(tarballs["5.1"])
        yield prepared


def refused(master: ScratchMaster, tarball: Path, engine: Engine | None = None) -> PreflightError:
    before = master.state()
    with pytest.raises(PreflightError) as caught:
        (engine or master.engine()).install(tarball, install=new_id())
    assert caught.value.state == "nothing was changed"
    assert caught.value.remedy
    assert master.state() == before
    return caught.value


def set_version(master: ScratchMaster, version: str) -> None:
    (master.root / "etc/fuel/version.yaml").unlink()
    shutil.rmtree(master.root / "etc/fuel" / version, ignore_errors=True)
    write_fuel_version(master.root, version)


def test_a_version_that_the_tarball_does_not_upgrade(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    set_version(master, "5.0.2")
    (failure,) = refused(master, tarballs["6.0"]).failures
    assert failure == (
        "Fuel 5.0.2 cannot be upgraded to 6.0 with this tarball, only 5.1, 5.1.1 can"
    )


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("6.0", "this master already runs Fuel 6.0"),
        ("6.1", "the tarball is of Fuel 6.0, older than the 6.1 of this master"),
        ("10.0", "the tarball is of Fuel 6.0, older than the 10.0 of this master"),
    ],
)
def test_the_same_or_a_lower_version(
    master: ScratchMaster, tarballs: dict[str, Path], version: str, reason: str
) -> None:
    set_version(master, version)
    assert refused(master, tarballs["6.0"]).failures == (reason,)


def test_a_master_of_unknown_version(master: ScratchMaster, tarballs: dict[str, Path]) -> None:
    (master.root / "etc/fuel/version.yaml").unlink()
    assert "expected the version of this master" in refused(master, tarballs["6.0"]).what


def test_a_base_release_that_is_not_registered_is_looked_for_per_operating_system(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    ubuntu = next(r for r in master.client.releases() if r.os_key == "ubuntu")
    master.client.delete_release(ubuntu.id)
    (failure,) = refused(master, tarballs["6.0"]).failures
    assert f"is a diff of {BASE_VERSION}, which is not registered for Ubuntu" in failure


def test_a_base_repo_that_is_not_on_disk(master: ScratchMaster, tarballs: dict[str, Path]) -> None:
    shutil.rmtree(master.config.paths.repos / BASE_VERSION / "centos")
    (failure,) = refused(master, tarballs["6.0"]).failures
    assert f"the base repo {BASE_VERSION} of Juno on CentOS 6.5" in failure


def test_too_little_free_space_names_the_file_system_and_the_sizes(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    config = replace(master.config, disk_reserve_mb=1 << 40)
    (failure,) = refused(master, tarballs["6.0"], Engine(config, master.client)).failures
    assert "GiB are needed" in failure
    assert "GiB short" in failure


def test_free_space_is_counted_on_the_file_system_of_the_files(
    master: ScratchMaster, tarballs: dict[str, Path], small_disk: Path
) -> None:
    shutil.copytree(master.config.paths.repos, small_disk / "repos")
    paths = replace(master.config.paths, repos=small_disk / "repos")
    config = replace(master.config, paths=paths, repo_url="http://{MASTER_IP}:8080")
    free = shutil.disk_usage(small_disk).free
    (small_disk / "filler").write_bytes(bytes(free - (1 << 20)))
    (failure,) = refused(master, tarballs["6.0"], Engine(config, master.client)).failures
    assert failure.startswith(f"{small_disk}: ")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB, for root only."""
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {done.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_running_task(master: ScratchMaster, tarballs: dict[str, Path]) -> None:
    master.store.add_task("deploy", "running")
    master.store.add_task("provision", "ready")
    (failure,) = refused(master, tarballs["6.0"]).failures
    assert "task 1 (deploy, running" in failure


def test_all_failures_are_reported_at_once(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    set_version(master, "5.0.2")
    master.store.add_task("deploy", "running")
    shutil.rmtree(master.config.paths.repos / BASE_VERSION / "centos")
    assert len(refused(master, tarballs["6.0"]).failures) == 3


def test_another_install_in_progress_names_its_owner(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    holder = (
        "import sys, time; from pathlib import Path; from fuel_upgrade.system.locks import Lock;"
        "lock = Lock(Path(sys.argv[1])); assert lock.acquire(); print('held', flush=True);"
        "time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", holder, str(master.config.paths.lock)], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert f"process {process.pid}" in refused(master, tarballs["6.0"]).what
    finally:
        process.kill()
        process.wait()
    master.engine().plan(tarballs["6.0"])  # the dead owner's lock is free


def test_a_release_of_the_same_name_with_other_repos(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    record = master.install(tarballs["6.0"])
    steps = master.engine().journal.steps(record.id)
    body = dict(next(Register.among(steps)).body)
    master.engine().rollback()
    body["orchestrator_data"]["repo_metadata"] = {"other": "http://elsewhere/repo"}
    master.client.create_release(body)
    (failure,) = refused(master, tarballs["6.0"]).failures
    assert "another release is registered as Juno on CentOS 6.5 (2014.2-6.0)" in failure


def damaged(master: ScratchMaster, tarball: Path) -> BundleError:
    before = master.state()
    with pytest.raises(BundleError) as caught:
        master.install(tarball)
    assert caught.value.state == "nothing was changed"
    assert master.state() == before
    return caught.value


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_truncated_tarball(
    master: ScratchMaster, tarballs: dict[str, Path], tmp_path: Path, part: float
) -> None:
    data = tarballs["6.0"].read_bytes()
    short = tmp_path / "short.tar.zst"
    short.write_bytes(data[: int(len(data) * part)])
    assert "cut short" in damaged(master, short).what


def repacked(tarball: Path, out: Path, old: bytes, new: bytes) -> Path:
    """Change the tarball's content, of equal length, and pack it again without its seal knowing."""
    with open_stream(tarball) as stream:
        data = stream.read()
    assert data.count(old) >= 1
    out.write_bytes(zstandard.compress(data.replace(old, new)))
    return out


def test_an_altered_description(
    master: ScratchMaster, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    old, new = b"- 5.1.1\n", b"- 5.0.2\n"
    error = damaged(master, repacked(tarballs["6.0"], tmp_path / "a.tar.zst", old, new))
    assert "but the seal says" in error.what


def test_a_file_without_any_form(master: ScratchMaster, tmp_path: Path) -> None:
    junk = tmp_path / "junk.tar.zst"
    junk.write_bytes(b"junk" * 1000)
    assert "not a tar archive" in damaged(master, junk).what


def test_a_tarball_that_is_not_there(master: ScratchMaster, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        master.install(tmp_path / "nothing.tar.zst")


def resealed(tarball: Path, out: Path, changes: dict[str, bytes]) -> Path:
    """Change files of a tarball and seal it anew, as a vendor's mistake would."""
    contents = Contents()
    with open_stream(tarball) as stream:
        reader = ArchiveReader(stream, name=str(tarball))
        for member in reader.members():
            data = b"".join(reader.chunks())
            if member.path != manifest.SEAL:
                contents.add_bytes(member.path, changes.get(member.path, data))
    with out.open("wb") as file:
        contents.write(file, progress=lambda *_: None)
    return out


@pytest.mark.parametrize(
    "path",
    [
        manifest.VERSION,
        manifest.UPGRADE,
        manifest.METADATA,
        f"{manifest.RELEASES}{CURRENT_VERSION}.yaml",
    ],
)
def test_malformed_yaml_is_reported_with_its_file_and_line(
    master: ScratchMaster, tarballs: dict[str, Path], tmp_path: Path, path: str
) -> None:
    broken = resealed(
        tarballs["6.0"], tmp_path / "b.tar", {path: b"- pk: 1\n  fields: {name: [}\n"}
    )
    error = damaged(master, broken)
    assert path in error.what
    assert "line 2" in error.what


def test_undoing_is_refused_while_a_cluster_uses_a_release(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    master.install(tarballs["6.0"])
    created = master.client.releases()[0]
    cluster = master.store.add_cluster("production", created.id, fuel_version="6.0")
    before = master.state()
    with pytest.raises(PreflightError, match=r"clusters use its releases: production \(id 1"):
        master.engine().rollback()
    assert master.state() == before
    master.store.delete_cluster(cluster.id)
    master.engine().rollback()


def test_undoing_twice_is_refused(master: ScratchMaster, tarballs: dict[str, Path]) -> None:
    master.install(tarballs["6.0"])
    master.engine().rollback()
    with pytest.raises(PreflightError, match="no install to undo"):
        master.engine().rollback()


def test_undoing_another_than_the_last_is_refused(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    first = master.engine().journal.installs()[0].id
    last = master.install(tarballs["6.0"]).id
    with pytest.raises(PreflightError, match=f"not the last one: {last} is"):
        master.engine().rollback(first)


def test_releases_that_miss_the_same_base_are_one_failure(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    for release in master.client.releases():
        master.client.delete_release(release.id)
    (failure,) = refused(master, tarballs["6.0"]).failures
    assert f"are diffs of {BASE_VERSION}, which is not registered for " in failure
    assert "Juno on CentOS 6.5" in failure
    assert "Juno on Ubuntu" in failure


def test_a_fuel_in_between_that_is_missing_is_one_failure(
    tarballs: dict[str, Path], tmp_path: Path
) -> None:
    with scratch_master(tmp_path / "other") as behind:
        error = refused(behind, tarballs["6.0"])
    assert error.failures == (
        "Fuel 5.0 cannot be upgraded to 6.0 with this tarball, only 5.1, 5.1.1 can",
    )
    assert error.remedy.startswith("install Fuel 5.1 or 5.1.1 first")


def test_a_tarball_that_is_still_written_is_refused_with_its_size(
    master: ScratchMaster, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    copy = tmp_path / "copy.tar.zst"
    data = tarballs["6.0"].read_bytes()
    with copy.open("wb") as file:
        file.write(data[: len(data) // 2])
        file.flush()
        error = damaged(master, copy)
        file.write(data[len(data) // 2 :])
    assert error.what == (
        f"{copy}: still growing: a program writes it, {len(data) // 2} bytes so far"
    )
    assert error.remedy == "wait for the copy to end, then try again"
    master.install(copy)
