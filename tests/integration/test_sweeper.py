"""An undo does not wait for the deletion of files: the daemon deletes them when no job runs."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fuel_upgrade.daemon.jobs import Jobs
from fuel_upgrade.daemon.sweeper import Sweeper
from fuel_upgrade.errors import PreflightError
from fuel_upgrade.upgrade.engine import Engine
from fuel_upgrade.upgrade.transaction.retention import discarded_folders
from tests.host import Host
from tests.master import ScratchMaster, scratch_master
from tests.tools import needs

TIMEOUT_S = 120  # no test is about it
made_by_tools = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def plant(folder: Path) -> Path:
    """Make a tree with each kind of entry."""
    (folder / "a/b").mkdir(parents=True)
    (folder / "a/b/file").write_text("x")
    (folder / "a/link").symlink_to("b")
    (folder / "a/broken").symlink_to("nowhere")
    return folder


class Finish:
    """The end of a sweep: it removes the trees, which must be empty."""

    def __init__(self, *folders: Path) -> None:
        self.folders = folders
        self.calls = 0

    def present(self) -> tuple[Path, ...]:
        return tuple(folder for folder in self.folders if folder.exists())

    def __call__(self) -> None:
        self.calls += 1
        for folder in self.present():
            folder.rmdir()


def test_trees_of_before_the_start_are_deleted(tmp_path: Path) -> None:
    finish = Finish(plant(tmp_path / "one"), plant(tmp_path / "other"))
    with Sweeper(Jobs(), finish.present, finish):
        eventually(lambda: not finish.present())
    assert finish.calls == 1


def test_the_end_of_a_sweep_has_the_usual_priority_as_jobs_wait_for_it(tmp_path: Path) -> None:
    finish = Finish(plant(tmp_path / "tree"))
    seen: list[object] = []

    def noting() -> None:
        seen.append(priorities())
        finish()

    with Sweeper(Jobs(), finish.present, noting):
        eventually(lambda: not finish.present())
    assert seen == [priorities()]


def priorities() -> tuple[int, object]:
    """Return those of this thread, for the CPU and the disk."""
    thread = threading.get_native_id()
    return os.getpriority(os.PRIO_PROCESS, thread), psutil.Process(thread).ionice()


def test_nothing_is_deleted_while_a_job_runs(tmp_path: Path) -> None:
    jobs, finish, may_end = Jobs(), Finish(tmp_path / "tree"), threading.Event()

    def work(_watch: object) -> dict[str, object]:
        may_end.wait(TIMEOUT_S)
        return {}

    first = jobs.start("first", lambda _watch: {})
    eventually(lambda: first.ended)
    with Sweeper(jobs, finish.present, finish):
        jobs.start("second", work)
        plant(tmp_path / "tree")
        third = jobs.start("third", lambda _watch: {}, wait_s=TIMEOUT_S)  # wakes nothing yet
        assert (tmp_path / "tree/a/b/file").exists()
        may_end.set()
        eventually(lambda: third.ended and not finish.present())
    jobs.wait()


def test_a_failure_is_tried_again_after_the_next_job(tmp_path: Path) -> None:
    finish = Finish(plant(tmp_path / "tree"))
    tried = threading.Event()

    def busy() -> None:
        if not tried.is_set():
            tried.set()
            raise PreflightError("another process has the lock", remedy="wait")
        finish()

    jobs = Jobs()
    with Sweeper(jobs, finish.present, busy):
        tried.wait(TIMEOUT_S)
        jobs.start("next", lambda _watch: {})
        eventually(lambda: not finish.present())
    jobs.wait()


@pytest.fixture
def master(tmp_path: Path) -> Iterator[ScratchMaster]:
    with scratch_master(tmp_path / "master") as scratch:
        yield scratch


def later(master: ScratchMaster) -> Engine:
    return Engine(master.config, master.client, discard_later=True)


@made_by_tools
def test_an_undo_leaves_its_tree_to_the_sweep(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    before = master.state()
    install = master.install(tarballs["5.1"]).id
    later(master).rollback()
    left = discarded_folders(master.config.paths)
    assert {folder.name for folder in left} == {f"discarded-{install}"}
    later(master).sweep()
    assert discarded_folders(master.config.paths) == ()
    assert master.state() == before


@made_by_tools
def test_backups_that_are_not_kept_are_left_to_the_sweep(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    master = replace(master, config=replace(master.config, keep_installs=0))
    engine = later(master)
    record = engine.install(tarballs["5.1"], install="0badcafe")
    assert record.released
    assert discarded_folders(master.config.paths)
    engine.sweep()
    assert discarded_folders(master.config.paths) == ()
    assert list(master.config.paths.repos.glob(".fuel-upgrade/*")) == []


@made_by_tools
def test_a_refused_install_deletes_discarded_trees_and_is_checked_again(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    master.install(tarballs["5.1"])
    later(master).rollback()
    with pytest.raises(PreflightError, match="cannot be upgraded"):
        later(master).install(tarballs["6.0"], install="0badcafe")
    assert discarded_folders(master.config.paths) == ()


@made_by_tools
def test_the_daemon_deletes_the_tree_of_an_undo(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        before = host.tree()
        host.json("install", tarballs["5.1"])
        host.json("rollback")
        eventually(lambda: host.json("status")["discarding"] == [])
        assert host.tree() == before
