"""The rig tried on changes of which it is known whether they last: it must tell the two apart."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.system.files import (
    exchange,
    make_folders,
    remove_empty,
    remove_together,
    remove_tree,
    rename,
    sync_filesystem,
    write_file,
)
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.upgrade.steps.step import World
from fuel_upgrade.upgrade.steps.switch import Switch
from tests.crash.power.mounts import in_memory, run
from tests.crash.power.recorder import Disks, Mark, record

Change = tuple[Callable[[Path], object], Callable[[Path], bool]]
"""Work below a folder, and the check of its result."""
DATA = b"to last" * 10_000


def _write_carelessly(folder: Path) -> None:
    (folder / "temporary").write_bytes(DATA)
    (folder / "temporary").rename(folder / "file")
    descriptor = os.open(folder / "other", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
    os.fsync(descriptor)  # takes the new name to the disk, but not its content
    os.close(descriptor)


def _switch_back_twice(folder: Path) -> None:
    switch = Switch(folder / "new", folder / "put")
    with NailgunClient(NailgunSettings(url="http://127.0.0.1:9")) as unused:
        world = World(unused, no_progress)
        facts = switch.inspect(world)
        switch.apply(facts, world)
        switch.live.rename(switch.staged)  # by a revert that was killed before it could sync
        switch.revert(facts, world)


def _holds(name: str) -> Callable[[Path], bool]:
    return lambda folder: (folder / name).is_file() and (folder / name).read_bytes() == DATA


CAREFUL: Mapping[str, Change] = {
    "write_file": (lambda f: write_file(f / "file", DATA), _holds("file")),
    "rename": (lambda f: rename(f / "staged", f / "live"), _holds("live/in")),
    "exchange": (lambda f: exchange(f / "one", f / "two"), _holds("two/in")),
    "make_folders": (lambda f: make_folders(f / "a/b"), lambda f: (f / "a/b").is_dir()),
    "remove_tree": (lambda f: remove_tree(f / "old"), lambda f: not (f / "old").exists()),
    "remove_empty": (lambda f: remove_empty([f / "void"]), lambda f: not (f / "void").exists()),
    "Switch.revert": (_switch_back_twice, _holds("new/in")),
}
CARELESS: Mapping[str, Change] = {
    "a write": (_write_carelessly, _holds("file")),
    "a rename": (lambda f: (f / "staged").rename(f / "live"), _holds("live/in")),
    "a removal": (lambda f: shutil.rmtree(f / "old"), lambda f: not (f / "old").exists()),
}


def cut_changes(*, work: str, kind: str, careful: bool, cuts: int, seed: int) -> dict[str, Any]:
    """Record the changes, make the cuts, and count how often each change that was made is lost."""
    changes = CAREFUL if careful else CARELESS
    with in_memory(Path(work)):
        disks = Disks(Path(work), kind)
        folder = disks.top / "folder"

        def act(mark: Mark) -> None:
            _prepare(folder)
            mark("begin")
            for name, (make, _) in changes.items():
                make(folder)
                mark(name)

        recording = record(disks, act)
        chosen = recording.choose(cuts, seed)
        lost: Counter[str] = Counter()
        for cut in recording.after(chosen):
            made = [name for name in changes if recording.marks[name] <= cut.position]
            lost.update(name for name in made if not changes[name][1](folder))
    return {"cuts": len(chosen), "lost": dict(lost)}


def cut_off_a_removal(*, work: str) -> dict[str, Any]:
    """Remove two trees of which the first cannot lose all it holds; return the remaining paths."""
    folder = Path(work)
    trees = [folder / "one", folder / "two"]
    for tree in trees:
        (tree / "in").mkdir(parents=True)
    run("mount", "-t", "tmpfs", "tmpfs", str(trees[0] / "in"))  # in use, so it cannot be removed
    code = None
    try:
        remove_together(trees)
    except OSError as error:
        code = error.errno
    left = sorted(path.name for path in folder.iterdir())
    (used,) = folder.glob("*one/in")
    run("umount", str(used))
    remove_together(trees)
    return {"error": code, "left": left, "later": [path.name for path in folder.iterdir()]}


def _prepare(folder: Path) -> None:
    for name in ("staged", "one", "two", "old", "void", "new"):
        (folder / name).mkdir(parents=True)
    for name in ("staged", "one", "old", "new"):
        (folder / name / "in").write_bytes(DATA)
    sync_filesystem(folder)
