"""The contents of an upgrade tarball, and writing it: small files first."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.seal import SealedFile, render_seal
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.system.archive import path_fault
from fuel_upgrade.system.archive_writer import ArchiveWriter
from fuel_upgrade.system.files import CHUNK_BYTES, hash_file
from fuel_upgrade.system.hashing import Hasher, hash_files
from fuel_upgrade.system.progress import ByteCounter, Progress


@dataclass(slots=True)
class Contents:
    """The contents of a tarball by path: bytes or a file, and the entry in the seal."""

    data: dict[str, bytes] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    sealed: dict[str, SealedFile] = field(default_factory=dict)
    _states: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Of long files that were hashed here, when they were hashed: they are not hashed again."""

    def add_bytes(self, path: str, data: bytes, *, executable: bool = False) -> None:
        """Add a file with this content.

        Raises:
            ConfigError: the path is taken.
        """
        self._refuse_path(path)
        self.data[path] = data
        self.sealed[path] = SealedFile(len(data), hashlib.sha256(data).hexdigest(), executable)

    def add_tree(self, folder: str, root: Path, known: dict[str, str] | None = None) -> None:
        """Add the tree below ``root``; ``known`` has SHA-256 sums that need not be computed.

        Raises:
            ConfigError: a path is taken.
            BundleError: a link leads outside, or an entry is neither file, folder nor link.
        """
        unknown: list[tuple[str, str, bool, int]] = []
        for relative, entry in _below(root):
            path, source = f"{folder}/{relative}", entry.path
            if entry.is_symlink():
                self._add_link(path, source)
                continue
            if not entry.is_file(follow_symlinks=False):
                raise BundleError(f"{source}: neither a file nor a folder", remedy="remove it")
            info = entry.stat(follow_symlinks=False)
            executable = bool(info.st_mode & 0o100)
            if sha256 := (known or {}).get(relative):
                self._add(path, source, SealedFile(info.st_size, sha256, executable))
                continue
            unknown.append((path, source, executable, info.st_size))
            if info.st_size >= CHUNK_BYTES:
                self._states[path] = _state(info)
        sums = hash_files((source, size) for _, source, _, size in unknown)
        for (path, source, executable, size), sha256 in zip(unknown, sums, strict=True):
            self._add(path, source, SealedFile(size, sha256, executable))

    def add_file(
        self, path: str, source: Path, *, executable: bool = False, known: str | None = None
    ) -> None:
        """Add one file; ``known`` is its SHA-256 if that need not be computed.

        Raises:
            ConfigError: the path is taken.
        """
        info = source.stat()
        if known is None:
            self._states[path] = _state(info)
        self._add(
            path, str(source), SealedFile(info.st_size, known or hash_file(source), executable)
        )

    def _add(self, path: str, source: str, sealed: SealedFile) -> None:
        self._refuse_path(path)
        self.paths[path] = source
        self.sealed[path] = sealed

    def _add_link(self, path: str, source: str) -> None:
        target = str(Path(source).readlink())
        if not manifest.link_stays_inside(path, target):
            raise BundleError(
                f"{source}: a link to {target!r}, outside the part that is installed as one",
                remedy="replace the link by its target",
            )
        self._refuse_path(path)
        text = os.fsencode(target)
        digest = hashlib.sha256(text).hexdigest()
        self.sealed[path] = SealedFile(len(text), digest, link_target=target)

    def _refuse_path(self, path: str) -> None:
        if fault := path_fault(path):
            raise BundleError(f"{path!r}: {fault}", remedy="rename the file, then build again")
        if path in self.sealed:
            raise ConfigError(
                f"{path}: two parts of the bundle have this place in the tarball",
                remedy="list each release and operating system once in bundle.yaml",
            )

    def write(self, stream: BinaryIO, *, progress: Progress) -> None:
        """Write the tarball.

        Raises:
            BundleError: a file has changed, or differs from its index.
        """
        total = sum(file.length_bytes for file in self.sealed.values())
        counter = ByteCounter(progress, "packing", total)
        with Hasher() as hasher:
            writer = ArchiveWriter(stream, hasher)
            writer.add_bytes(manifest.SEAL, render_seal(self.sealed))
            for path in sorted(self.sealed, key=_head_first):
                self._write_one(writer, path, self.sealed[path])
                counter.add(self.sealed[path].length_bytes)
        writer.finish()
        counter.end()

    def _write_one(self, writer: ArchiveWriter, path: str, sealed: SealedFile) -> None:
        mode = 0o755 if sealed.executable else 0o644
        if sealed.link_target is not None:
            writer.add_link(path, sealed.link_target)
        elif path in self.data:
            writer.add_bytes(path, self.data[path], mode=mode)
        else:
            self._write_file(writer, path, sealed, mode)

    def _write_file(self, writer: ArchiveWriter, path: str, sealed: SealedFile, mode: int) -> None:
        source, state = self.paths[path], self._states.get(path)
        sha256 = writer.add_file(
            path, source, size_bytes=sealed.length_bytes, mode=mode, hashed=state is None
        )
        if state is not None and state != _state(Path(source).stat()):
            raise BundleError(
                f"{source}: changed while the tarball was built",
                remedy="do not change the inputs meanwhile; start again",
            )
        if state is None and sha256 != sealed.sha256:
            raise BundleError(
                f"{source}: SHA-256 {sha256}, but its index says {sealed.sha256}",
                remedy="copy the repo again, or reindex it",
            )


def _head_first(path: str) -> tuple[bool, str]:
    return (not manifest.is_head(path), path)


def _state(info: os.stat_result) -> tuple[int, ...]:
    """Return values that change with every change of a file, as no program can set its ctime."""
    return (info.st_ino, info.st_size, info.st_ctime_ns)


def _below(root: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield each entry below ``root`` that is no folder, with its relative path; follow no link."""
    folders = [""]
    while folders:
        prefix = folders.pop()
        with os.scandir(root / prefix) as entries:
            for entry in entries:
                relative = f"{prefix}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{relative}/")
                else:
                    yield relative, entry
