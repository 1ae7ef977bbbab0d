"""The venvs of one service on this host: active, previous and old ones."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from fuel_upgrade.venv.host.deploy_error import DeployError

DESCRIPTION = "venv.json"
_KEPT_TREES = 2  # besides the active, the previous, and those in use
DIGEST = "[0-9a-f]{16}"
"""The end of the name of a venv."""
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # renameat2(2)


class DeployedVenvs:
    """The venvs of one service and tag below ``directory``."""

    def __init__(self, directory: Path, service: str, tag: str) -> None:
        self.name = f"{service}-{tag}"
        self.link = directory / self.name
        self.store = directory / ".store"
        self.answer = self.store / f".{self.name}.json"
        self.unpacked = self.store / f".{self.name}.new"
        self._previous = self.store / f".{self.name}.previous"
        self._pending = self.store / f".{self.name}.pending"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of this venv: one deployment at a time."""
        self.store.mkdir(parents=True, exist_ok=True)
        lock = (self.store / f".{self.name}.lock").open("a")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DeployError(
                    f"{self.name}: another deployment runs", "wait until it ends", exit_code=4
                ) from None
            yield

    def active(self) -> Path | None:
        """Return the venv that the link names, whether it exists or not."""
        with contextlib.suppress(OSError):
            return self.link.parent / self.link.readlink()
        return None

    def previous(self) -> Path | None:
        """Return the venv that was active before the last switch, if it still exists."""
        active = self.active()
        for file in (self._pending, self._previous):
            with contextlib.suppress(OSError):
                path = self.store / file.read_text().strip()
                if path != active and (path / DESCRIPTION).is_file():
                    return path
        return None

    def is_pending(self) -> bool:
        """Return whether a run was interrupted amid a change."""
        return self._pending.exists()

    def put(self, venv: Path) -> None:
        """Move the unpacked venv to its path; a damaged venv there is exchanged at once."""
        sync_folder(self.unpacked, whole_disk=True)
        if venv.exists():
            exchange(self.unpacked, venv)
            shutil.rmtree(self.unpacked)
        else:
            self.unpacked.rename(venv)
        sync_folder(self.store)

    def begin(self) -> None:
        """Begin a change, which is pending until ``confirm`` or ``undoing``.

        If this run is interrupted, the next one restarts the units and checks the service.
        """
        if self.link.is_dir() and not self.link.is_symlink():
            raise DeployError(
                f"{self.link}: a folder, expected a link",
                "move this folder away: it is not a venv of this tool",
                exit_code=4,
            )
        if not self.is_pending():
            active = self.active()
            write_file(self._pending, f"{active.name}\n" if active else "")

    def switch(self, venv: Path) -> None:
        """Make a venv the active one, durably and by one rename."""
        new = self.store / f".{self.name}.link"
        new.unlink(missing_ok=True)
        new.symlink_to(venv.relative_to(self.link.parent))
        sync_folder(self.store)
        new.rename(self.link)
        sync_folder(self.link.parent)

    def confirm(self) -> None:
        """End a change: the venv that was active before is the previous one."""
        former = self._pending.read_text().strip()
        active = self.active()
        if former and active and former != active.name:
            self._pending.rename(self._previous)
        else:
            self._pending.unlink()
        sync_folder(self.store)

    @contextlib.contextmanager
    def undoing(self) -> Iterator[None]:
        """Make the venv active that was before a change, or none; the block ends the change."""
        former = self._pending.read_text().strip()
        if former:
            self.switch(self.store / former)
        else:
            self.link.unlink(missing_ok=True)
        yield
        self._pending.unlink()

    def remove_leftovers(self, part: Path | None) -> None:
        """Remove the files of interrupted runs, but ``part``, which a download continues."""
        kinds = rf"-{DIGEST}\.(part|trash)|(\.(json|pending|new))?\.new|\.link"
        own = re.compile(rf"\.{re.escape(self.name)}({kinds})")
        for path in self.store.glob(f".{self.name}*"):
            if path != part and own.fullmatch(path.name):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def remove_old(self) -> list[str]:
        """Remove old venvs that no process runs from; return their names.

        A process by the name of the link may run from any venv that was active when it started.
        """
        kept = {self.active(), self.previous()}
        old = [
            path
            for path in self.store.glob(f"{self.name}-*")
            if path not in kept and re.fullmatch(DIGEST, path.name[len(self.name) + 1 :])
        ]
        if len(old) <= _KEPT_TREES:
            return []
        old.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        used = _used_paths()
        removed = []
        for path in old[_KEPT_TREES:]:
            if any(str(path) in text or str(self.link) in text for text in used):
                continue
            trash = self.store / f".{path.name}.trash"
            path.rename(trash)
            shutil.rmtree(trash)
            removed.append(path.name)
        return removed


def _used_paths() -> list[str]:
    """Return command lines, maps and folders of all processes that this user may read."""
    texts = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            texts.append((process / "cmdline").read_bytes().decode(errors="replace"))
            texts.append((process / "maps").read_text(errors="replace"))
            texts.append(str((process / "cwd").readlink()))
    return texts


def exchange(one: Path, other: Path) -> None:
    """Exchange two folders at once; where glibc or the file system cannot, by three renames."""
    names = (os.fsencode(one), os.fsencode(other))
    with contextlib.suppress(AttributeError):
        call = ctypes.CDLL(None).renameat2  # since glibc 2.28
        if call(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
            return
    beside = one.with_name(f"{one.name}.new")
    other.rename(beside)
    one.rename(other)
    beside.rename(one)


def write_file(path: Path, text: str) -> None:
    """Replace a small file, durably and at once."""
    new = path.with_name(f"{path.name}.new")
    with new.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path, *, whole_disk: bool = False) -> None:
    """Make the entries of a folder durable, or all files of its file system."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if whole_disk:
            ctypes.CDLL(None).syncfs(descriptor)  # of all file systems would wait for other disks
        else:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
