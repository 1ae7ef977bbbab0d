"""A plan sees what the disks of a real master refuse."""

import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.system.mounts import enter_private_namespace, mount_memory
from tests.master import ScratchMaster, scratch_master
from tests.tools import needs, needs_root

pytestmark = [needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c"), needs_root()]


def failures_beside(master: ScratchMaster, tarball: Path, mount: Path) -> tuple[str, ...]:
    """Plan in a process that has a file system mounted; return the failed checks."""
    ours, theirs = multiprocessing.Pipe()

    def run(answer: Connection) -> None:
        enter_private_namespace()
        mount.mkdir(parents=True)
        mount_memory(mount, 1 << 20)
        try:
            master.engine().plan(tarball)
        except PreflightError as error:
            answer.send(error.failures)
        answer.send(())

    process = multiprocessing.get_context("fork").Process(target=run, args=(theirs,))
    process.start()
    process.join(60)
    answer: tuple[str, ...] = ours.recv() if ours.poll() else ("no answer",)
    return answer


@pytest.mark.parametrize("inside", ["", "pool"])
def test_a_file_system_mounted_in_a_live_tree_is_refused(
    tmp_path: Path, tarballs: dict[str, Path], inside: str
) -> None:
    with scratch_master(tmp_path / "root") as master:
        live = master.config.paths.repos / "2014.1.1-5.1/ubuntu/x86_64"
        failures = failures_beside(master, tarballs["5.1"], live / inside)
        assert [f for f in failures if f"{live / inside} is a mount point" in f]


def test_a_file_system_mounted_elsewhere_is_no_failure(
    tmp_path: Path, tarballs: dict[str, Path]
) -> None:
    with scratch_master(tmp_path / "root") as master:
        elsewhere = master.config.paths.repos / "mine"
        assert failures_beside(master, tarballs["5.1"], elsewhere) == ()
