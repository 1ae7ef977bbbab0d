"""The scratch root: a file system of its own to fill and to make read-only, where that can be."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.config import Config
from fuel_upgrade.drill.child_process import Signs
from fuel_upgrade.drill.verdict_table import State
from fuel_upgrade.system import mounts
from fuel_upgrade.system.files import remove_tree
from fuel_upgrade.system.process import run
from fuel_upgrade.system.tree_digest import describe

_COPY_TIMEOUT_S = 3600.0
_TABLES = ("releases", "clusters", "nodes", "tasks", "notifications")
_GIVEN = ("id", "created_s")  # by the registry, differently at each install


@dataclass(frozen=True, slots=True)
class Scratch:
    """A place below ``folder`` that is emptied and restored for each drill, always at one path.

    With ``is_real`` its root is a mount of a file system in memory of ``size_bytes``. The
    registry lies there too, but is reached by another mount: it fills up with the root, and does
    not become read-only with it. So is the install lock: a mount through which a file is open
    for writing cannot be made read-only.
    """

    folder: Path
    size_bytes: int
    is_real: bool

    @property
    def root(self) -> Path:
        """Below this are all paths of the engine."""
        return self.folder / "root"

    @property
    def registry(self) -> Path:
        """The registry's database."""
        return self._disk / "registry.sqlite"

    @property
    def signs(self) -> Signs:
        """The files by which the drill and its process tell each other things."""
        return Signs(self.folder / "reached", self.folder / "armed", self._disk / "filler")

    @property
    def _disk(self) -> Path:
        return self.folder / "disk"

    @contextmanager
    def opened(self, saved: Path | None = None) -> Iterator[None]:
        """Give the root, empty or as it was saved; nothing of it stays."""
        with ExitStack() as closing_it:
            self._make(closing_it)
            if saved is not None:
                copy(saved / "root", self.root)
                copy(saved / "disk", self._disk)
            lock = Config().under(self.root).paths.lock
            lock.parent.mkdir(parents=True, exist_ok=True)
            lock.touch()
            if self.is_real:
                (self._disk / "lock").touch()
                mounts.bind(self._disk / "lock", lock)
            closing_it.callback(self.lift)
            yield

    def _make(self, closing_it: ExitStack) -> None:
        for folder in (self._disk, self.root):
            folder.mkdir(parents=True)
            closing_it.callback(remove_tree, folder)
        if self.is_real:
            mounts.mount_memory(self._disk, self.size_bytes)
            closing_it.callback(mounts.unmount, self._disk)
            (self._disk / "root").mkdir()
            mounts.bind(self._disk / "root", self.root)
            closing_it.callback(mounts.unmount, self.root)

    def save(self, place: Path) -> None:
        """Keep the root and the registry; nobody may be writing to them."""
        copy(self.root, place / "root")
        (place / "disk").mkdir()
        for file in self._disk.glob(f"{self.registry.name}*"):
            copy(file, place / "disk" / file.name)

    def lift(self) -> None:
        """Take the fault away, whichever it is."""
        self.signs.armed.unlink(missing_ok=True)
        self.signs.reached.unlink(missing_ok=True)
        self.signs.filler.unlink(missing_ok=True)
        if self.is_real:
            mounts.set_read_only(self.root, read_only=False)

    def state(self, config: Config) -> State:
        """Read all that an install can change but its own records: tree and registry."""
        paths = config.paths
        records = {paths.journal, Path(f"{paths.journal}-journal"), paths.lock}
        trees = [describe(self.root, without=records, times=times) for times in (True, False)]
        exact, essence = dict(trees[0]), dict(trees[1])
        for table, row in _rows(self.registry):
            exact[f"registry: {table} {row['id']}"] = json.dumps(row)
            what = {name: value for name, value in row.items() if name not in _GIVEN}
            key = f"registry: {table} {json.dumps(what)}"
            essence[key] = f"{int(essence.get(key, '0')) + 1}"  # how many of these there are
        return State(exact, essence)


def _rows(registry: Path) -> Iterator[tuple[str, dict[str, object]]]:
    with closing(sqlite3.connect(registry)) as db:
        db.row_factory = sqlite3.Row
        for table in _TABLES:
            for row in db.execute(f"SELECT * FROM {table} ORDER BY id"):  # noqa: S608 - of ours
                yield table, dict(row)


def copy(source: Path, target: Path) -> None:
    """Copy a file, or what a folder holds, with all that describes it."""
    inside = ""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        inside = "/."  # as text: a Path would leave it out
    run(["cp", "-a", "--", f"{source}{inside}", str(target)], timeout_s=_COPY_TIMEOUT_S)


def can_mount(folder: Path) -> bool:
    """Leave the host's mounts for this thread's own, and try whether more can be made there."""
    place = folder / "try"
    place.mkdir()
    try:
        mounts.enter_private_namespace()
        mounts.mount_memory(place, 1 << 20)
        mounts.unmount(place)
    except OSError:
        return False
    finally:
        place.rmdir()
    return True
