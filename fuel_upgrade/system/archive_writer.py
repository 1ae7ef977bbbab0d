"""Writes tar archives as streams."""

import hashlib
import tarfile
from pathlib import Path
from typing import BinaryIO

from fuel_upgrade.errors import BundleError
from fuel_upgrade.system import tar_header
from fuel_upgrade.system.files import CHUNK_BYTES
from fuel_upgrade.system.hashing import Hasher, read_short
from fuel_upgrade.system.tar_header import BLOCK_BYTES, Header


class ArchiveWriter:
    """Writes a tar stream whose bytes depend only on names, modes and contents."""

    def __init__(self, stream: BinaryIO, hasher: Hasher | None = None, *, mtime: int = 0) -> None:
        self._stream = stream
        self._new_digest = hasher.new if hasher else lambda _: hashlib.sha256()
        self._mtime = mtime

    def add_bytes(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """Add a file with the content ``data``."""
        self._header(path, tarfile.REGTYPE, len(data), mode)
        self._stream.write(data)
        self._pad(len(data))

    def add_file(
        self, path: str, source: str, *, size_bytes: int, mode: int = 0o644, hashed: bool = True
    ) -> str:
        """Add a file from disk; return the SHA-256 of its written bytes, unless not ``hashed``.

        Raises:
            BundleError: the size of the file is not ``size_bytes``.
        """
        if size_bytes < CHUNK_BYTES:
            data = read_short(source)
            if len(data) != size_bytes:
                raise _other_size(source, len(data), size_bytes)
            self.add_bytes(path, data, mode=mode)
            return hashlib.sha256(data).hexdigest()
        self._header(path, tarfile.REGTYPE, size_bytes, mode)
        digest = self._new_digest(size_bytes)
        written = 0
        with Path(source).open("rb", buffering=0) as file:
            while data := file.read(CHUNK_BYTES):
                if hashed:
                    digest.update(data)
                written += len(data)
                self._stream.write(data)
        if written != size_bytes:
            raise _other_size(source, written, size_bytes)
        self._pad(size_bytes)
        return digest.hexdigest()

    def add_link(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        self._header(path, tarfile.SYMTYPE, 0, 0o777, target)

    def add_folder(self, path: str) -> None:
        """Add a folder."""
        self._header(f"{path}/", tarfile.DIRTYPE, 0, 0o755)

    def finish(self) -> None:
        """Write the end of the archive: two zero blocks (POSIX ustar)."""
        self._stream.write(bytes(2 * BLOCK_BYTES))

    def _header(self, path: str, kind: bytes, size: int, mode: int, target: str = "") -> None:
        header = Header(path, kind, size, mode, target)
        self._stream.write(tar_header.encode(header, mtime=self._mtime))

    def _pad(self, size: int) -> None:
        if rest := size % BLOCK_BYTES:
            self._stream.write(bytes(BLOCK_BYTES - rest))


def _other_size(source: str, actual: int, expected: int) -> BundleError:
    return BundleError(
        f"{source}: {actual} bytes, expected {expected}",
        remedy="do not change the inputs while the archive is written; start again",
    )
