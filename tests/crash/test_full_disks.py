"""A disk that is full, or read-only, ends an install in *before* or *after* and loses nothing.

With ``CRASH_DISKS`` in the environment at every level and step, else at some.
"""

import errno
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest

from fuel_upgrade.config import Config
from fuel_upgrade.errors import PreflightError, RollbackError, StepError, UpgradeError
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.events import Event, StepStarted, StepUndoStarted, Watch, ignore
from fuel_upgrade.upgrade.records import InstallState
from fuel_upgrade.upgrade.transaction import recovery
from fuel_upgrade.upgrade.transaction.recovery import leftovers
from tests.crash.daemons import daemons
from tests.crash.disks import Disk, disk, needs_mounts
from tests.master import ScratchMaster, State, scratch_master, write_fuel_version
from tests.tools import needs

pytestmark = [needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c"), needs_mounts()]
Case = TypeVar("Case")
_KIB = 1 << 10
_BIG = 32 << 20


def some(cases: Sequence[Case], count: int) -> Sequence[Case]:
    """Return the first of these, or all where ``CRASH_DISKS`` is set."""
    return cases if os.environ.get("CRASH_DISKS") else cases[:count]


def engine_of(master: ScratchMaster) -> Engine:
    """Yield an engine that fills disks to the last byte."""
    return Engine(replace(master.config, disk_reserve_mb=0, full_view=True), master.client)


def ready(master: ScratchMaster, tarballs: dict[str, Path]) -> ScratchMaster:
    """Install 5.1 and delete its backups, as the first install of 6.0 would."""
    master.install(tarballs["5.1"])
    master.engine().release_backups()
    return master


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path / "d", size_bytes=_BIG) as actual:  # short: a socket lies below it
        yield actual


@pytest.fixture
def master(place: Disk, tarballs: dict[str, Path]) -> Iterator[ScratchMaster]:
    """A master with 5.1, all of it on one small disk."""
    with scratch_master(place.place / "master") as master:
        yield ready(master, tarballs)


def at(
    step: int,
    act: Callable[[], None],
    kind: type[StepStarted | StepUndoStarted] = StepStarted,
) -> Watch:
    """Return a watcher that acts when a step or its undo begins."""

    def watch(event: Event) -> None:
        if isinstance(event, kind) and event.number == step:
            act()

    return watch


def install(master: ScratchMaster, tarball: Path, watch: Watch = ignore) -> UpgradeError | None:
    """Install, and return the error, if any; it always has a remedy."""
    try:
        engine_of(master).install(tarball, install=new_id(), watch=watch)
    except UpgradeError as error:
        return error
    return None


def states(master: ScratchMaster) -> list[InstallState]:
    return [record.state for record in master.engine().journal.installs()]


def settled_as(master: ScratchMaster, before: State) -> None:
    """Check that the state is as before, without leftovers, and recorded in the journal."""
    assert master.state() == before
    assert leftovers(master.config.paths) == ()
    journal = master.engine().journal
    assert recovery.unfinished(journal) == recovery.inconsistent(journal) == ()


def installs_and_undoes(master: ScratchMaster, tarball: Path, before: State) -> None:
    assert install(master, tarball) is None
    engine_of(master).rollback()
    settled_as(master, before)


@dataclass(frozen=True, slots=True)
class Level:
    """A disk filled before the install or at a step; the free space and the expected message."""

    step: int | None
    left_bytes: int
    message: str | None


LEVELS = [
    Level(None, 0, "are needed .* are free"),
    Level(1, 128 * _KIB, "step 1, unpack and verify .* No space left on device"),
    Level(12, 0, "step 12, notify"),
    Level(15, 512 * _KIB, None),
    Level(None, 256 * _KIB, "are needed .* are free"),
    Level(1, 0, "the journal could not record it"),
    Level(2, 0, "step 2, switch repo"),
    Level(6, 28 * _KIB, "step [6-9], .* full view"),
    Level(8, 0, "step 8, build the full view of repo"),
    Level(10, 32 * _KIB, "step 1[01], register release"),
    Level(15, 0, "step 15, switch link"),
]


@pytest.mark.parametrize("level", some(LEVELS, 4))
def test_a_full_disk_ends_in_before_or_after_and_nothing_is_lost(
    master: ScratchMaster, place: Disk, tarballs: dict[str, Path], level: Level
) -> None:
    before = master.state()
    if level.step is None:
        place.fill(level.left_bytes)
        error = install(master, tarballs["6.0"])
    else:
        fill = at(level.step, lambda: place.fill(level.left_bytes))
        error = install(master, tarballs["6.0"], fill)
    place.make_room()
    if level.message is None:
        assert error is None
        assert states(master)[-1] is InstallState.INSTALLED
        engine_of(master).rollback()
    else:
        assert re.search(level.message, str(error))
        kinds = PreflightError if level.step is None else (StepError, RollbackError)
        assert isinstance(error, kinds)
        assert master.state() == before
        engine_of(master).recover()  # where the disk was too full even to record the end
    settled_as(master, before)
    installs_and_undoes(master, tarballs["6.0"], before)


@dataclass(frozen=True, slots=True)
class Split:
    """A master with its journal on one disk, all that is live on another, its registry aside."""

    master: ScratchMaster
    journal: Disk
    live: Disk


@pytest.fixture
def split(tmp_path: Path, tarballs: dict[str, Path]) -> Iterator[Split]:
    with (
        disk(tmp_path / "tiny", size_bytes=1 << 20) as tiny,
        disk(tmp_path / "live", size_bytes=_BIG) as live,
        scratch_master(tmp_path / "registry") as master,
    ):
        root = live.place / "master"
        write_fuel_version(root, "5.0")
        config = Config(master_ip="127.0.0.1", disk_reserve_mb=0).under(root)
        config = replace(config, paths=replace(config.paths, state=tiny.place / "state"))
        yield Split(ready(replace(master, root=root, config=config), tarballs), tiny, live)


@pytest.mark.parametrize("step", some([11, 1, 2, 8, 15], 1))
def test_a_full_journal_does_not_keep_the_undo_and_is_settled_later(
    split: Split, tarballs: dict[str, Path], step: int
) -> None:
    master, before = split.master, split.master.state()
    is_full = threading.Event()

    def clock() -> float:
        """Fill it again when the end is to be recorded: the undo has freed space by then."""
        if is_full.is_set():
            split.journal.fill(0)
        return time.time()

    def fill_up() -> None:
        is_full.set()
        split.journal.fill(0)

    fill = at(step, fill_up)
    engine = Engine(replace(master.config, full_view=True), master.client, clock=clock)
    with pytest.raises(RollbackError, match="rolled back, but the journal could not"):
        engine.install(tarballs["6.0"], install=new_id(), watch=fill)
    assert master.state() == before
    assert install(master, tarballs["6.0"]) is not None  # an unfinished install is not ignored
    split.journal.make_room()
    (record,) = engine_of(master).recover()
    assert record.state is InstallState.ROLLED_BACK
    settled_as(master, before)
    installs_and_undoes(master, tarballs["6.0"], before)


@pytest.mark.parametrize("step", some([8, 1, 2, 3, 7, 12, 14, 15], 1))
def test_a_disk_that_becomes_read_only_is_repaired_to_before(
    split: Split, tarballs: dict[str, Path], step: int
) -> None:
    master, before = split.master, split.master.state()
    error = install(master, tarballs["6.0"], at(step, split.live.make_read_only))
    assert "Read-only file system" in str(error)
    if step == 1:  # nothing was written yet, so there is nothing to undo
        assert isinstance(error, StepError)
        split.live.make_writable()
    else:
        assert isinstance(error, RollbackError)
        assert states(master)[-1] is InstallState.INCONSISTENT
        assert "inconsistent" in str(install(master, tarballs["6.0"]))
        split.live.make_writable()
        engine_of(master).repair()
    settled_as(master, before)
    installs_and_undoes(master, tarballs["6.0"], before)


@pytest.mark.parametrize("step", some([9, 15, 5, 1], 1))
def test_an_undo_on_a_disk_that_becomes_read_only_is_repaired(
    split: Split, tarballs: dict[str, Path], step: int
) -> None:
    master, before = split.master, split.master.state()
    engine = engine_of(master)
    assert install(master, tarballs["6.0"]) is None
    with pytest.raises(RollbackError, match=os.strerror(errno.EROFS)):
        engine.rollback(watch=at(step, split.live.make_read_only, StepUndoStarted))
    assert states(master)[-1] is InstallState.INCONSISTENT
    split.live.make_writable()
    engine.repair()
    settled_as(master, before)
    installs_and_undoes(master, tarballs["6.0"], before)


def test_a_daemon_outlives_a_disk_that_is_full_with_its_log_too(
    place: Disk, tmp_path: Path, tarballs: dict[str, Path]
) -> None:
    root = place.place / "r"
    write_fuel_version(root, "5.0")
    settings = tmp_path / "config.yaml"
    settings.write_text("{master_ip: 127.0.0.1, registry: {port: 0}, disk_reserve_mb: 0}\n")
    order = {"tarball": str(tarballs["5.1"])}
    with daemons(root) as starter:
        daemon = starter.start(settings)
        daemon.await_ready()
        place.fill(0)
        for _ in range(3):  # none of them keeps the next from being tried
            assert daemon.do("/installs", order)["event"] == "error"
        place.make_room()
        assert daemon.do("/installs", order)["event"] == "result"
        daemon.kill()
