"""The contents of an upgrade tarball, and writing it: small files first."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.seal import SealedFile, render_seal
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.system.archive import ArchiveWriter
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.system.progress import Progress
from fuel_upgrade.system.tree_digest import walk


@dataclass(slots=True)
class Contents:
    """The contents of a tarball by path: bytes or a file, and the entry in the seal."""

    data: dict[str, bytes] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)
    sealed: dict[str, SealedFile] = field(default_factory=dict)

    def add_bytes(self, path: str, data: bytes, *, executable: bool = False) -> None:
        """Add a file with this content.

        Raises:
            ConfigError: the path is taken.
        """
        self._refuse_twice(path)
        self.data[path] = data
        self.sealed[path] = SealedFile(len(data), hashlib.sha256(data).hexdigest(), executable)

    def add_tree(self, folder: str, root: Path, known: dict[str, str] | None = None) -> None:
        """Add the tree below ``root``; ``known`` has SHA-256 sums that need not be computed.

        Raises:
            ConfigError: a path is taken.
            BundleError: a link leads outside, or an entry is neither file, folder nor link.
        """
        for path in walk(root):
            relative = str(path.relative_to(root))
            if path.is_symlink():
                self._add_link(f"{folder}/{relative}", path)
            elif path.is_file():
                executable = bool(path.stat().st_mode & 0o100)
                sha256 = (known or {}).get(relative)
                self.add_file(f"{folder}/{relative}", path, executable=executable, sha256=sha256)
            elif not path.is_dir():
                raise BundleError(f"{path}: neither a file nor a folder", remedy="remove it")

    def add_file(
        self, path: str, source: Path, *, executable: bool, sha256: str | None = None
    ) -> None:
        """Add one file; ``sha256`` is its checksum if it is known.

        Raises:
            ConfigError: the path is taken.
        """
        self._refuse_twice(path)
        self.paths[path] = source
        length = source.stat().st_size
        self.sealed[path] = SealedFile(length, sha256 or hash_file(source), executable)

    def _add_link(self, path: str, source: Path) -> None:
        target = str(source.readlink())
        if not manifest.link_stays_inside(path, target):
            raise BundleError(
                f"{source}: a link to {target!r}, outside the part that is installed as one",
                remedy="replace the link by its target",
            )
        self._refuse_twice(path)
        text = os.fsencode(target)
        digest = hashlib.sha256(text).hexdigest()
        self.sealed[path] = SealedFile(len(text), digest, link_target=target)

    def _refuse_twice(self, path: str) -> None:
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
        writer = ArchiveWriter(stream)
        writer.add_bytes(manifest.SEAL, render_seal(self.sealed))
        total = sum(file.length_bytes for file in self.sealed.values())
        done = 0
        for path in sorted(self.sealed, key=_head_first):
            progress("packing", done, total)
            self._write_one(writer, path, self.sealed[path])
            done += self.sealed[path].length_bytes
        writer.finish()
        progress("packing", total, total)

    def _write_one(self, writer: ArchiveWriter, path: str, sealed: SealedFile) -> None:
        mode = 0o755 if sealed.executable else 0o644
        if sealed.link_target is not None:
            writer.add_link(path, sealed.link_target)
        elif path in self.data:
            writer.add_bytes(path, self.data[path], mode=mode)
        else:
            source = self.paths[path]
            sha256 = writer.add_file(path, source, size_bytes=sealed.length_bytes, mode=mode)
            if sha256 != sealed.sha256:
                raise BundleError(
                    f"{source}: SHA-256 {sha256}, but its index says {sealed.sha256}",
                    remedy="copy the repo again, or reindex it",
                )


def _head_first(path: str) -> tuple[bool, str]:
    return (not manifest.is_head(path), path)
