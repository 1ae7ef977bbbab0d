"""An install and its undo on recorded disks, and the expected state after any power cut."""

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fuel_upgrade.errors import StepError
from fuel_upgrade.system.files import sync_filesystem
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.events import Event, Installed, Watch, ignore
from fuel_upgrade.upgrade.install_options import InstallOptions
from fuel_upgrade.upgrade.records import InstallState
from tests.crash.power.content import Content, read_content
from tests.crash.power.cuts import Cut
from tests.crash.power.mounts import in_memory
from tests.crash.power.recorder import Disks, Mark, Recording, record
from tests.master import ScratchMaster, planned, scratch_master, started_master

MASTER = "master"
LAYOUTS = {
    "one disk": (".",),
    "a disk for the state": (".", f"{MASTER}/var/lib/fuel_upgrade"),
}
_AGAIN_EVERY = 10  # cuts: after these the same install is made and undone once more
_CONTENT_AT_END = {
    None: "before",
    InstallState.ROLLED_BACK: "before",
    InstallState.INSTALLED: "after",
    InstallState.UNDONE: "undone",
}
"""The expected content by the journal's state of the install; None: no record.

Undone differs from before in the backups of the earlier install, which a success gives up.
"""


class Story:
    """A failed install on a master with an earlier release, a successful one, and its undo.

    Building full views syncs the whole file system, so an install without them shows more.
    """

    def __init__(self, root: Path, base: Path, tarball: Path, *, full_view: bool) -> None:
        self._root = root
        self._base = base
        self._tarball = tarball
        self._options = InstallOptions(full_view=full_view)
        self._known: dict[str, Content] = {}
        self._failed, self._install = new_id(), new_id()

    def tell(self, mark: Mark) -> None:
        """Live through it; there is a mark where something begins and where it has returned."""
        with scratch_master(self._root) as master:
            self._prepare(master)
            mark("begin")
            steps = len(planned(master.engine().plan(self._tarball, self._options))["steps"])
            with suppress(StepError):
                self._run(master, self._failed, fail_points=f"{steps}:after")
            mark("failed")
            self._run(master, self._install, watch=lambda event: _mark_success(event, mark))
            mark("installed")
            self._known["after"] = read_content(master)
            sync_filesystem(self._root)  # as the kernel does after a while
            mark("undoing")
            master.engine().rollback()
            mark("undone")
            self._known["undone"] = read_content(master)
            sync_filesystem(self._root)
            mark("end")

    def check(self, marks: Mapping[str, int], cut: Cut, *, again: bool) -> tuple[str, list[str]]:
        """Start the master after a cut; return the state of the install, and the faults."""
        try:
            with started_master(self._root) as master:
                return self._check(master, marks, cut, again=again)
        except Exception as error:  # noqa: BLE001 - whatever fails after a cut is the finding
            return "error", [f"{type(error).__name__}: {error}"]

    def _prepare(self, master: ScratchMaster) -> None:
        hosts = self._root / "etc/fuel/astute.yaml"
        hosts.write_text("HOSTNAME: fuel\n")  # somebody else's, and with all that a file can have
        hosts.chmod(0o640)
        os.chown(hosts, 1, 1)
        os.setxattr(hosts, "user.origin", b"fuelmenu")
        self._known["fresh"] = read_content(master)
        master.engine().install(self._base, install=new_id())
        self._known["before"] = read_content(master)
        for folder in (self._root, master.config.paths.state):
            sync_filesystem(folder)

    def _check(
        self, master: ScratchMaster, marks: Mapping[str, int], cut: Cut, *, again: bool
    ) -> tuple[str, list[str]]:
        engine = master.engine()
        engine.recover()
        states = {record.id: record.state for record in engine.journal.installs()}
        state = states.get(self._install)
        end = state.value if state else "not begun"
        faults = _contradictions(marks, cut, state, states.get(self._failed))
        if engine.recover():
            faults.append("a second start recovers something again")
        expected = self._known[_CONTENT_AT_END.get(state, "before")]
        faults += expected.faults(read_content(master))
        if again and not faults and state is not InstallState.INSTALLED:
            self._run(master, new_id())
            engine.rollback()
            faults += self._known["undone"].faults(read_content(master))
        return end, faults

    def _run(
        self, master: ScratchMaster, install: str, *, fail_points: str = "", watch: Watch = ignore
    ) -> None:
        engine = master.engine(fail_points)
        engine.install(self._tarball, self._options, install=install, watch=watch)


def cut_an_install(
    *,
    work: str,
    disks: Mapping[str, Any],
    tarballs: tuple[str, str],
    full_view: bool,
    cuts: int,
    seed: int,
) -> dict[str, Any]:
    """Record an install and its undo, make the cuts, and return the faults.

    ``disks`` says their ``kind`` and ``layout``, and whether there is ``noise``.
    """
    with in_memory(Path(work)):
        made = Disks(Path(work), disks["kind"], LAYOUTS[disks["layout"]])
        story = Story(made.top / MASTER, *map(Path, tarballs), full_view=full_view)
        recording = record(made, story.tell, noise=disks["noise"])
        chosen = recording.choose(cuts, seed)
        return {"requests": len(recording.log), **_check_all(story, recording, chosen)}


def _check_all(story: Story, recording: Recording, cuts: list[Cut]) -> dict[str, Any]:
    ends: Counter[str] = Counter()
    faults: list[str] = []
    for number, cut in enumerate(recording.after(cuts)):
        again = number % _AGAIN_EVERY == _AGAIN_EVERY - 1
        end, actual = story.check(recording.marks, cut, again=again)
        ends[end] += 1
        if actual:
            faults.append(f"{cut}, marks {recording.marks}:\n  " + "\n  ".join(actual[:20]))
    return {"cuts": ends.total(), "ends": dict(ends), "faults": faults}


def _mark_success(event: Event, mark: Mark) -> None:
    if isinstance(event, Installed):
        mark("succeeded")


def _contradictions(
    marks: Mapping[str, int], cut: Cut, state: InstallState | None, failed: InstallState | None
) -> list[str]:
    """Compare the journal with the answers before the cut, which must hold."""
    faults = []
    if state not in _expected(marks, cut.position):
        faults.append(f"the install is {state}, and something else was answered")
    not_begun = failed is None and cut.position < marks["failed"]
    if failed is not InstallState.ROLLED_BACK and not not_begun:
        faults.append(f"the failed install is {failed}")
    return faults


def _expected(marks: Mapping[str, int], position: int) -> set[InstallState | None]:
    if position < marks["failed"]:
        return {None}
    if position < marks["succeeded"]:
        return {None, InstallState.ROLLED_BACK, InstallState.INSTALLED}
    if position < marks["undoing"]:
        return {InstallState.INSTALLED}
    if position < marks["undone"]:
        return {InstallState.INSTALLED, InstallState.UNDONE}
    return {InstallState.UNDONE}
