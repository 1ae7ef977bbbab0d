"""The repo server's folder: a store of blobs, and published generations that a link switches.

``.blobs`` holds wheels and archives by SHA-256, ``.generations/<n>`` the published files as hard
links to them, and ``.current`` is a link to the newest generation. ``venvs``, ``os-releases``,
``pools`` and ``links`` are links into ``.current``: one rename publishes everything at once.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.system.files import (
    copy_hashed,
    hash_file,
    remove_tree,
    sync_filesystem,
    sync_folder,
)
from fuel_upgrade.system.locks import Lock
from fuel_upgrade.venv.python_tool import EPOCH_S
from fuel_upgrade.venv.repo_layout import Blob, Content, Link, lay_out
from fuel_upgrade.venv.venv_index import VenvIndex, parse_index

_FOLDERS = ("venvs", "os-releases", "pools", "links")
_TIMES = 1 << 30  # seconds: until 2014, so that no clock is before them
_KEPT_GENERATIONS = 2  # a slow reader may still be in the one before


class RepoStore:
    """The folder of a repo server. Only :meth:`publish` changes anything that a reader sees."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git = root / "openstackgit"
        self._blobs = root / ".blobs"
        self._generations = root / ".generations"
        self._current = root / ".current"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the folder: one build at a time.

        Raises:
            PreflightError: another process builds into this folder.
        """
        for folder in (self.git, self._blobs, self._generations):
            folder.mkdir(parents=True, exist_ok=True)
        lock = Lock(self.root / ".lock")
        if not lock.acquire():
            raise PreflightError(
                f"{self.root}: {lock.owner()} builds here", remedy="wait until it ends"
            )
        try:
            yield
        finally:
            lock.release()

    def read_index(self) -> VenvIndex:
        """Return the published venvs; none if nothing was published yet.

        Raises:
            BundleError: the index is malformed.
        """
        path = self._current / "venvs/index.json"
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return VenvIndex()
        return parse_index(text, source=str(path))

    def blob(self, sha256: str) -> Path:
        """Return the path of a blob, whether it exists or not."""
        return self._blobs / sha256

    def keep(self, source: Path) -> str:
        """Copy a file into the store; return its SHA-256."""
        with tempfile.TemporaryDirectory(dir=self._blobs, prefix=".") as folder:
            copy = Path(folder) / "copy"
            sha256 = copy_hashed(source, copy, "sha256")
            copy.chmod(0o644)
            _set_time(copy, sha256)
            copy.rename(self.blob(sha256))
        return sha256

    def is_whole(self, sha256: str) -> bool:
        """Return whether a blob exists with its content."""
        path = self.blob(sha256)
        return path.is_file() and hash_file(path) == sha256

    def publish(self, index: VenvIndex) -> None:
        """Publish the files of an index, durably and at once, and remove old generations.

        An index that is published already changes nothing.
        """
        numbers = self._numbers()
        if numbers and index == self.read_index() and self._is_complete(index):
            return
        number = max(numbers, default=0) + 1
        new = self._generations / str(number)
        for path, content in lay_out(index.numbered(number)).items():
            self._write(new / path, content)
        for folder in _FOLDERS:
            (new / folder).mkdir(exist_ok=True)
        sync_filesystem(new)
        self._switch(new)
        for number in numbers[: 1 - _KEPT_GENERATIONS]:
            remove_tree(self._generations / str(number))

    def collect(self, keep: int, *, dry_run: bool) -> tuple[tuple[str, ...], int]:
        """Keep the newest tags; remove the others and all blobs without a generation.

        Return the tags that are removed, and the freed bytes.
        """
        with self.locked():
            index = self.read_index()
            kept = index.newest(keep)
            tags = {entry.tag for entry in index.entries} - {entry.tag for entry in kept.entries}
            if not dry_run:
                if tags:
                    self.publish(kept)
                for number in self._numbers()[:-1]:
                    remove_tree(self._generations / str(number))
            return tuple(sorted(tags)), self._remove_blobs(_blobs_of(kept), dry_run=dry_run)

    def _remove_blobs(self, needed: set[str], *, dry_run: bool) -> int:
        freed_bytes = 0
        for path in self._blobs.iterdir():
            if path.name in needed:
                continue
            freed_bytes += path.stat().st_size if path.is_file() else 0
            if not dry_run:
                remove_tree(path)
        return freed_bytes

    def _numbers(self) -> list[int]:
        """Return the published generations, and remove what an interrupted publish left."""
        with suppress(OSError):
            current = int(self._current.readlink().name)
            for path in self._generations.iterdir():
                if int(path.name) > current:
                    remove_tree(path)
            return sorted(int(path.name) for path in self._generations.iterdir())
        for path in self._generations.iterdir():
            remove_tree(path)
        return []

    def _is_complete(self, index: VenvIndex) -> bool:
        """Return whether every published path has its content: somebody may have removed some."""
        return all(
            self._has(self._current / path, content) for path, content in lay_out(index).items()
        )

    def _has(self, path: Path, content: Content) -> bool:
        try:
            if isinstance(content, Link):
                return str(path.readlink()) == content.target
            if isinstance(content, Blob):
                return path.samefile(self.blob(content.sha256))
            return path.read_text(encoding="utf-8") == content
        except OSError:
            return False

    def _write(self, path: Path, content: Content) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Blob):
            os.link(self.blob(content.sha256), path)
        elif isinstance(content, Link):
            path.symlink_to(content.target)
        else:
            data = content.encode()
            path.write_bytes(data)
            _set_time(path, hashlib.sha256(data).hexdigest())

    def _switch(self, new: Path) -> None:
        temporary = self._current.with_name(".current.new")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(new.relative_to(self.root))
        temporary.rename(self._current)
        for folder in _FOLDERS:
            if not (self.root / folder).is_symlink():
                (self.root / folder).symlink_to(f".current/{folder}")
        sync_folder(self.root)


def _blobs_of(index: VenvIndex) -> set[str]:
    return {content.sha256 for content in lay_out(index).values() if isinstance(content, Blob)}


def _set_time(path: Path, sha256: str) -> None:
    """Derive the time of a file from its content.

    Web servers make the ETag of time and size, so the same content has the same ETag on every
    server and in every generation, and another content has another one.
    """
    time_s = EPOCH_S + int(sha256[:8], 16) % _TIMES
    os.utime(path, (time_s, time_s))
