"""The venvs of one service on this host: active, previous and old ones."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from .deploy_error import DeployError

DESCRIPTION = "venv.json"
_KEPT_TREES = 2  # besides the active, the previous, and those in use
_DIGEST_CHARS = 16


class DeployedVenvs:
    """The venvs of one service and tag below ``directory``."""

    def __init__(self, directory: Path, service: str, tag: str) -> None:
        self.name = f"{service}-{tag}"
        self.link = directory / self.name
        self.store = directory / ".store"
        self.answer = self.store / f".{self.name}.json"
        self._previous = self.store / f".{self.name}.previous"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of this venv: one deployment at a time."""
        try:
            self.store.mkdir(parents=True, exist_ok=True)
            lock = (self.store / f".{self.name}.lock").open("a")
        except OSError as error:
            raise DeployError(
                f"{self.store}: {error.strerror}",
                "run as a user who may write there, or choose another directory",
                exit_code=4,
            ) from error
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
        with contextlib.suppress(OSError):
            path = self.store / self._previous.read_text().strip()
            return path if (path / DESCRIPTION).is_file() else None
        return None

    def switch(self, venv: Path | None) -> None:
        """Make a venv the active one, or none, durably and by one rename."""
        if self.link.is_dir() and not self.link.is_symlink():
            raise DeployError(
                f"{self.link}: a folder, expected a link",
                "move this folder away: it is not a venv of this tool",
                exit_code=4,
            )
        if venv is None:
            self.link.unlink(missing_ok=True)
            return
        active = self.active()
        new = self.store / f".{self.name}.link"
        new.unlink(missing_ok=True)
        new.symlink_to(venv.relative_to(self.link.parent))
        if active is not None and active != venv:
            self._previous.write_text(f"{active.name}\n")
        sync_folder(self.store)
        new.rename(self.link)
        sync_folder(self.link.parent)

    def remove_old(self) -> list[str]:
        """Remove old venvs that no process runs from; return their names.

        A process by the name of the link may run from any venv that was active when it started.
        """
        kept = {self.active(), self.previous()}
        old = [
            path
            for path in self.store.glob(f"{self.name}-*")
            if path.is_dir() and path not in kept and _is_digest(path.name[len(self.name) + 1 :])
        ]
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


def _is_digest(text: str) -> bool:
    return len(text) == _DIGEST_CHARS and set(text) <= set("0123456789abcdef")


def sync_folder(folder: Path) -> None:
    """Make the entries of a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
