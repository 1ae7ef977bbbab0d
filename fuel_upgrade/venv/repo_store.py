"""The repo server's folder: a store of blobs, and published generations that a link switches.

``.blobs`` holds wheels and archives by SHA-256, ``.generations/<n>`` the published files as hard
links to them, and ``.current`` is a link to the newest generation. ``venvs``, ``os-releases``,
``pools`` and ``links`` are links into ``.current``: one rename publishes everything at once.
"""

import hashlib
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fuel_upgrade.errors import BundleError, PreflightError
from fuel_upgrade.system.files import (
    copy_hashed,
    hash_file,
    make_folders,
    remove_empty,
    remove_tree,
    rename,
    sync_filesystem,
    sync_folder,
)
from fuel_upgrade.system.locks import Lock
from fuel_upgrade.venv.python_tool import EPOCH_S
from fuel_upgrade.venv.repo_layout import Blob, Content, Link, lay_out
from fuel_upgrade.venv.venv_index import NO_VENVS, VenvIndex, parse_index

_INDEX = "venvs/index.json"
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
        self._next = root / ".current.new"

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
        return _read_index(self._current)

    @property
    def current(self) -> Path:
        """The link to the published files; there is none before the first publication."""
        return self._current

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

    def link(self, source: Path, sha256: str) -> None:
        """Add a file of the same file system, whose content was verified, unless it exists."""
        source.chmod(0o644)
        _set_time(source, sha256)
        with suppress(FileExistsError):
            os.link(source, self.blob(sha256))

    def is_whole(self, sha256: str) -> bool:
        """Return whether a blob exists with its content."""
        path = self.blob(sha256)
        return path.is_file() and hash_file(path) == sha256

    def publish(self, index: VenvIndex) -> None:
        """Publish the files of an index, durably and at once, and remove old generations.

        A generation that has them already is published again.
        """
        published = self._published()
        for old in (published, *self.other_generations()):
            if self._is_complete(old, index):
                if old != published:
                    sync_filesystem(old)
                    self._switch(old)
                return
        numbers = self.prune()
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

    def other_generations(self) -> list[Path]:
        """Return the generations that are not published."""
        published = self._published()
        return [path for path in sorted(self._generations.iterdir()) if path != published]

    def _published(self) -> Path:
        """Return the published generation; a missing path if there is none."""
        with suppress(OSError):
            return self._generations / self._current.readlink().name
        return self._generations / "none"

    def set_aside(self, paths: Iterable[Path], folder: Path) -> None:
        """Move blobs and generations into ``folder``."""
        for path in filter(os.path.lexists, paths):
            target = folder / path.relative_to(self.root)
            make_folders(target.parent)
            rename(path, target)

    def bring_back(self, folder: Path) -> None:
        """Move the blobs and generations in ``folder`` back."""
        for path in folder.glob(".*/*"):
            target = self.root / path.relative_to(folder)
            if not os.path.lexists(target):
                rename(path, target)

    def drop(self, blobs: Iterable[str]) -> None:
        """Remove blobs that no venv needs."""
        for sha256 in blobs:
            self.blob(sha256).unlink(missing_ok=True)
        sync_folder(self._blobs)

    def withdraw(self) -> None:
        """Remove all that the first publication made but its blobs."""
        for name in (".current", *_FOLDERS, ".lock"):
            (self.root / name).unlink(missing_ok=True)
        self.prune()  # no link names a generation any more: all are removed
        remove_empty((self._generations, self._blobs, self.git))
        sync_folder(self.root)

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
                for generation in self.other_generations():
                    remove_tree(generation)
            return tuple(sorted(tags)), self._remove_blobs(kept.blobs, dry_run=dry_run)

    def _remove_blobs(self, needed: Collection[str], *, dry_run: bool) -> int:
        freed_bytes = 0
        for path in self._blobs.iterdir():
            if path.name in needed:
                continue
            freed_bytes += path.stat().st_size if path.is_file() else 0
            if not dry_run:
                remove_tree(path)
        return freed_bytes

    def prune(self) -> list[int]:
        """Return the published generations, and remove later ones: an interrupted publish."""
        self._next.unlink(missing_ok=True)
        with suppress(OSError):
            current = int(self._current.readlink().name)
            for path in self._generations.iterdir():
                if int(path.name) > current:
                    remove_tree(path)
            return sorted(int(path.name) for path in self._generations.iterdir())
        for path in self._generations.iterdir():
            remove_tree(path)
        return []

    def _is_complete(self, folder: Path, index: VenvIndex) -> bool:
        """Return whether a generation has this index, and every path has its content.

        Somebody may have removed some, and an interrupted publish has a part.
        """
        try:
            is_same = index == _read_index(folder) and folder.is_dir()
        except BundleError:
            return False
        return is_same and all(
            self._has(folder / path, content) for path, content in lay_out(index).items()
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
        temporary = self._next
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(new.relative_to(self.root))
        time_ns = (new / _INDEX).stat().st_mtime_ns  # an undo restores it, too
        os.utime(temporary, ns=(time_ns, time_ns), follow_symlinks=False)
        for folder in _FOLDERS:
            if not (self.root / folder).is_symlink():
                (self.root / folder).symlink_to(f".current/{folder}")
        temporary.rename(self._current)
        sync_folder(self.root)


def _read_index(folder: Path) -> VenvIndex:
    path = folder / _INDEX
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return NO_VENVS
    return parse_index(text, source=str(path))


def _set_time(path: Path, sha256: str) -> None:
    """Derive the time of a file from its content.

    Web servers make the ETag of time and size, so the same content has the same ETag on every
    server and in every generation, and another content has another one.
    """
    time_s = EPOCH_S + int(sha256[:8], 16) % _TIMES
    os.utime(path, (time_s, time_s))
