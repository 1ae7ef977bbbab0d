"""The scratch root: a separate file system to fill or make read-only, if mounts are allowed."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.config import Config
from fuel_upgrade.drill.child_process import SignalFiles
from fuel_upgrade.drill.verdict_table import State
from fuel_upgrade.system import mounts
from fuel_upgrade.system.files import remove_tree
from fuel_upgrade.system.process import run
from fuel_upgrade.system.tree_digest import describe

_COPY_TIMEOUT_S = 3600.0
_TABLES = ("releases", "clusters", "nodes", "tasks", "notifications")
_ASSIGNED = ("id", "created_s")  # by the registry, different in each install


@dataclass(frozen=True, slots=True)
class Scratch:
    """A root below ``folder`` that is emptied and restored for each drill, always at one path.

    With ``is_real`` the root is a mount of a file system in memory of ``size_bytes``. The registry
    and the install lock are on the same file system, but on other mounts: they fill up with the
    root, and do not become read-only with it. A mount with a file open for writing cannot become
    read-only.
    """

    folder: Path
    size_bytes: int
    is_real: bool

    @property
    def root(self) -> Path:
        """The root of all paths of the engine."""
        return self.folder / "root"

    @property
    def registry(self) -> Path:
        """The database of the registry."""
        return self._disk / "registry.sqlite"

    @property
    def signs(self) -> SignalFiles:
        """The signal files of the drill and its child process."""
        return SignalFiles(self.folder / "reached", self.folder / "armed", self._disk / "filler")

    @property
    def _disk(self) -> Path:
        return self.folder / "disk"

    @contextmanager
    def opened(self, saved: Path | None = None) -> Iterator[None]:
        """Create the root, empty or from a saved one, and remove it at the end."""
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
        """Save the root and the registry; no process may write to them meanwhile."""
        copy(self.root, place / "root")
        (place / "disk").mkdir()
        for file in self._disk.glob(f"{self.registry.name}*"):
            copy(file, place / "disk" / file.name)

    def lift(self) -> None:
        """Remove the fault, whichever it is."""
        self.signs.armed.unlink(missing_ok=True)
        self.signs.reached.unlink(missing_ok=True)
        self.signs.filler.unlink(missing_ok=True)
        if self.is_real:
            mounts.set_read_only(self.root, read_only=False)

    def state(self, config: Config) -> State:
        """Read everything that an install can change except its own records: tree and registry."""
        paths = config.paths
        records = {paths.journal, Path(f"{paths.journal}-journal"), paths.lock}
        trees = [describe(self.root, without=records, times=times) for times in (True, False)]
        exact, essence = dict(trees[0]), dict(trees[1])
        for table, row in _rows(self.registry):
            exact[f"registry: {table} {row['id']}"] = json.dumps(row)
            fields = {name: value for name, value in row.items() if name not in _ASSIGNED}
            key = f"registry: {table} {json.dumps(fields)}"
            essence[key] = f"{int(essence.get(key, '0')) + 1}"  # the number of equal rows
        return State(exact, essence)


def _rows(registry: Path) -> Iterator[tuple[str, dict[str, object]]]:
    with closing(sqlite3.connect(registry)) as db:
        db.row_factory = sqlite3.Row
        for table in _TABLES:
            for row in db.execute(f"SELECT * FROM {table} ORDER BY id"):  # noqa: S608 - of ours
                yield table, dict(row)


def copy(source: Path, target: Path) -> None:
    """Copy a file or the content of a folder with all metadata."""
    inside = ""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        inside = "/."  # as text: a Path would drop it
    run(["cp", "-a", "--", f"{source}{inside}", str(target)], timeout_s=_COPY_TIMEOUT_S)


def can_mount(folder: Path) -> bool:
    """Give this thread its own mounts; return whether it can mount a file system there."""
    trial = folder / "try"
    trial.mkdir()
    try:
        mounts.enter_private_namespace()
        mounts.mount_memory(trial, 1 << 20)
        mounts.unmount(trial)
    except OSError:
        return False
    finally:
        trial.rmdir()
    return True
