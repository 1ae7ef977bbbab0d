"""Reads and writes tar archives as streams; a reader trusts nothing in the archive.

``tarfile`` of Python takes five to ten times as long as tar on many small files (measured).
Here it decodes single headers only.
"""

import hashlib
import os
import posixpath
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from fuel_upgrade.errors import BundleError
from fuel_upgrade.system.compression import DAMAGE

BLOCK_BYTES = 512
CHUNK_BYTES = 1 << 20
_MAX_NAME_BYTES = 4096  # PATH_MAX
_MAX_PAX_BYTES = 1 << 16
_MAX_DIGITS = 20  # of a size: more than any file needs, less than int() refuses
_USE_ANOTHER_COPY = "name another file, or get an undamaged copy of this one"


class CutShortError(BundleError):
    """An archive is incomplete: its copy may still be in progress."""


class Kind(Enum):
    """The type of a member."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    HARD_LINK = "hard link"


@dataclass(frozen=True, slots=True)
class Member:
    """One member. ``path`` is relative without ``.`` and ``..``; ``mode`` is permission bits."""

    path: str
    kind: Kind
    size_bytes: int = 0
    mode: int = 0o644
    target: str = ""


class ArchiveReader:
    """Reads a tar stream once and refuses members that could write outside the destination.

    Absolute paths, ``..``, duplicate paths, paths below a link, links out of the archive, devices
    and pipes are refused before any byte of the member is written.
    """

    def __init__(
        self, stream: BinaryIO, *, name: str, on_data: Callable[[int], None] = lambda _: None
    ) -> None:
        self._stream = stream
        self._name = name
        self._on_data = on_data  # called with the length of each chunk
        self._unread = 0  # bytes of the current member
        self._padding = 0
        self._seen: dict[str, Kind] = {}

    def members(self) -> Iterator[Member]:
        """Yield the members in order; data that :meth:`chunks` did not read is skipped.

        Raises:
            BundleError: the archive is incomplete or damaged, or has a refused member.
        """
        while (info := self._next_header()) is not None:
            member = self._checked(info)
            if member is None:
                continue
            self._unread = member.size_bytes
            self._padding = -member.size_bytes % BLOCK_BYTES
            yield member
            for _ in self.chunks():
                pass
            self._take(self._padding)
        self._expect_only_zeros()

    def chunks(self) -> Iterator[bytes]:
        """Yield the data of the current member in chunks."""
        while self._unread:
            data = self._read(min(CHUNK_BYTES, self._unread))
            if not data:
                raise self._cut_short()
            self._unread -= len(data)
            yield data
            self._on_data(len(data))

    def _next_header(self) -> tarfile.TarInfo | None:
        overrides: dict[str, str] = {}
        while True:
            info = self._read_header()
            if info is None or info.type not in _EXTENSIONS:
                break
            limit = _MAX_PAX_BYTES if info.type in _PAX else _MAX_NAME_BYTES
            if info.size > limit:
                raise self._refused(info.name, f"an extension header of {info.size} bytes")
            data = self._take(info.size)
            self._take(-info.size % BLOCK_BYTES)
            overrides.update(_extension(info.type, data))
        if info is not None:
            info.name = overrides.get("path", info.name)
            info.linkname = overrides.get("linkpath", info.linkname)
            if "size" in overrides:
                info.size = self._parse_size(info.name, overrides["size"])
        return info

    def _parse_size(self, name: str, text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
            raise self._refused(name, f"a size of {text[:_MAX_DIGITS]!r}")
        return int(text)

    def _read_header(self) -> tarfile.TarInfo | None:
        block = self._take(BLOCK_BYTES)
        if block == bytes(BLOCK_BYTES):
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise BundleError(
                f"{self._name}: not a tar archive, or damaged: {error}", remedy=_USE_ANOTHER_COPY
            ) from error
        if info.size < 0:  # a binary size has a sign, and read(-1) would read the whole stream
            raise self._refused(info.name, f"a size of {info.size}")
        return info

    def _checked(self, info: tarfile.TarInfo) -> Member | None:
        path = self._safe_path(info.name)
        if path == "." and info.isdir():
            return None
        if path == ".":
            raise self._refused(info.name, "the destination itself, but not a folder")
        mode = info.mode & 0o777
        if info.type in _PLAIN_FILES:
            member = Member(path, Kind.FILE, info.size, mode)
        elif info.isdir():
            member = Member(path, Kind.FOLDER, 0, mode)
        elif info.issym():
            self._refuse_way_out(path, info.linkname)
            member = Member(path, Kind.LINK, 0, mode, info.linkname)
        elif info.islnk():
            member = Member(path, Kind.HARD_LINK, 0, mode, self._safe_path(info.linkname))
        else:
            raise self._refused(path, f"a member of type {info.type!r} (a device or a pipe)")
        self._refuse_clash(member)
        return member

    def _safe_path(self, name: str) -> str:
        path = name.rstrip("/")
        while path.startswith("./"):
            path = path[2:].lstrip("/")
        parts = path.split("/")
        if not path:
            return "."
        if "\0" in path or path.startswith("/") or (path != "." and {"", ".", ".."} & {*parts}):
            raise self._refused(name, "a path that is absolute or contains '.' or '..'")
        return path

    def _refuse_way_out(self, path: str, target: str) -> None:
        if climbs_behind_a_name(target):
            raise self._refused(path, f"a link to {target!r} with '..' after a name")
        resolved = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        outside = target.startswith("/") or resolved.split("/")[0] == ".."
        if not target or "\0" in target or outside:
            raise self._refused(path, f"a link to {target!r}, outside the archive")

    def _refuse_clash(self, member: Member) -> None:
        known = self._seen.get(member.path)
        if known is not None and not (known is member.kind is Kind.FOLDER):
            raise self._refused(member.path, "a duplicate path")
        parent = posixpath.dirname(member.path)
        while parent:
            if self._seen.get(parent, Kind.FOLDER) is not Kind.FOLDER:
                raise self._refused(member.path, f"a path below {parent}, which is not a folder")
            self._seen[parent] = Kind.FOLDER
            parent = posixpath.dirname(parent)
        if member.kind is Kind.HARD_LINK and self._seen.get(member.target) is not Kind.FILE:
            raise self._refused(
                member.path, f"a hard link to {member.target!r}, which is not a file before it"
            )
        self._seen[member.path] = Kind.FILE if member.kind is Kind.HARD_LINK else member.kind

    def _read(self, size_bytes: int) -> bytes:
        try:
            return self._stream.read(size_bytes)
        except DAMAGE as error:
            raise BundleError(
                f"{self._name}: damaged or cut short: {error}", remedy=_USE_ANOTHER_COPY
            ) from error

    def _take(self, size_bytes: int) -> bytes:
        data = self._read(size_bytes)
        if len(data) != size_bytes:
            raise self._cut_short()
        return data

    def _expect_only_zeros(self) -> None:
        while data := self._read(CHUNK_BYTES):
            if data.strip(b"\0"):
                raise BundleError(
                    f"{self._name}: has data after the end of the archive",
                    remedy=_USE_ANOTHER_COPY,
                )

    def _cut_short(self) -> BundleError:
        return CutShortError(
            f"{self._name}: cut short (is a copy still in progress?)", remedy=_USE_ANOTHER_COPY
        )

    def _refused(self, path: str, why: str) -> BundleError:
        return BundleError(
            f"{self._name}: member {path!r} is refused: {why}",
            remedy="do not use this archive; ask its vendor",
        )


# Sparse files are not among them, as they are in tarfile: their data is not their content.
_PLAIN_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_PAX = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
_EXTENSIONS = (*_PAX, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)


def climbs_behind_a_name(target: str) -> bool:
    """Return whether the target of a link has ``..`` after a name.

    After a name, ``..`` could follow another link upwards, so it may only come first.
    """
    parts = [part for part in target.split("/") if part not in (".", "")]
    return any(two == ".." != one for one, two in pairwise(parts))


def _extension(kind: bytes, data: bytes) -> dict[str, str]:
    if kind == tarfile.GNUTYPE_LONGNAME:
        return {"path": os.fsdecode(data.rstrip(b"\0"))}
    if kind == tarfile.GNUTYPE_LONGLINK:
        return {"linkpath": os.fsdecode(data.rstrip(b"\0"))}
    if kind == tarfile.XGLTYPE:
        return {}
    return _pax_records(data)


def _pax_records(data: bytes) -> dict[str, str]:
    """Parse records of ``LENGTH KEY=VALUE`` and a line feed (POSIX pax interchange format)."""
    records = {}
    while data:
        length_text = data[:_MAX_DIGITS].partition(b" ")[0]
        length = int(length_text) if length_text.isdigit() else 0
        if not len(length_text) < length <= len(data):
            raise BundleError("a pax header is malformed", remedy=_USE_ANOTHER_COPY)
        key, _, value = data[len(length_text) + 1 : length - 1].partition(b"=")
        if key.startswith(b"GNU.sparse."):
            raise BundleError(
                "the archive has a sparse file", remedy="make the archive without tar --sparse"
            )
        if key in (b"path", b"linkpath", b"size"):
            records[key.decode()] = os.fsdecode(value)
        data = data[length:]
    return records


def extract(reader: ArchiveReader, into: Path) -> None:
    """Write every member below ``into``, an empty folder."""
    for member in reader.members():
        write_member(reader, member, into / member.path)


def write_member(reader: ArchiveReader, member: Member, target: Path) -> str:
    """Write the current member to ``target``; return the SHA-256 of its content, or ""."""
    if member.kind is Kind.FOLDER:
        target.mkdir(parents=True, exist_ok=True)
        return ""
    if not target.parent.exists():
        target.parent.mkdir(parents=True)
    if member.kind is Kind.LINK:
        target.symlink_to(member.target)
        return ""
    if member.kind is Kind.HARD_LINK:
        target.hardlink_to(target.parents[member.path.count("/")] / member.target)
        return ""
    return _write_data(reader, target, 0o755 if member.mode & 0o100 else 0o644)


def _write_data(reader: ArchiveReader, target: Path, mode: int) -> str:
    digest = hashlib.sha256()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(target, flags, mode)
    try:
        os.fchmod(descriptor, mode)  # whatever the umask
        for data in reader.chunks():
            digest.update(data)
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)
    return digest.hexdigest()


class ArchiveWriter:
    """Writes a tar stream whose bytes depend only on names, modes and contents."""

    def __init__(self, stream: BinaryIO, *, mtime: int = 0) -> None:
        self._stream = stream
        self._mtime = mtime

    def add_bytes(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """Add a file with the content ``data``."""
        self._header(path, tarfile.REGTYPE, len(data), mode)
        self._stream.write(data)
        self._pad(len(data))

    def add_file(self, path: str, source: Path, *, size_bytes: int, mode: int = 0o644) -> str:
        """Add a file from disk; return the SHA-256 of its written bytes.

        Raises:
            BundleError: the size of the file is not ``size_bytes``.
        """
        self._header(path, tarfile.REGTYPE, size_bytes, mode)
        digest = hashlib.sha256()
        written = 0
        with source.open("rb") as file:
            while data := file.read(CHUNK_BYTES):
                digest.update(data)
                written += len(data)
                self._stream.write(data)
        if written != size_bytes:
            raise BundleError(
                f"{source}: {written} bytes, expected {size_bytes}",
                remedy="do not change the inputs while the archive is written; start again",
            )
        self._pad(size_bytes)
        return digest.hexdigest()

    def add_link(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        self._header(path, tarfile.SYMTYPE, 0, 0o777, target)

    def finish(self) -> None:
        """Write the end of the archive: two zero blocks (POSIX ustar)."""
        self._stream.write(bytes(2 * BLOCK_BYTES))

    def _header(self, path: str, kind: bytes, size: int, mode: int, target: str = "") -> None:
        info = tarfile.TarInfo(path)
        info.type, info.size, info.mode, info.linkname = kind, size, mode, target
        info.mtime, info.uname, info.gname = self._mtime, "root", "root"
        self._stream.write(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))

    def _pad(self, size: int) -> None:
        self._stream.write(bytes(-size % BLOCK_BYTES))
