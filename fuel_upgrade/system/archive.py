"""Reads tar archives as streams; trusts nothing in them."""

import hashlib
import posixpath
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Protocol, TypeVar

from fuel_upgrade.errors import BundleError
from fuel_upgrade.system import budgets, tar_header
from fuel_upgrade.system.compression import DAMAGE
from fuel_upgrade.system.tar_header import BLOCK_BYTES, Header

CHUNK_BYTES = 1 << 20
_Data = TypeVar("_Data", bytes, bytes | memoryview)
_ENTRY_BYTES = 128  # of a path in the dictionary of a reader, beside its characters
_SHOWN_CHARS = 200  # of a path in an error
_USE_ANOTHER_COPY = "name another file, or get an undamaged copy of this one"


class CutShortError(BundleError):
    """An archive is incomplete: its copy may still be in progress."""


class Source(Protocol):
    """A stream of bytes, such as ``io.BufferedReader``."""

    def read(self, size_bytes: int, /) -> bytes:
        """Return as many bytes; fewer only at the end of the stream."""

    def read1(self, size_bytes: int, /) -> bytes | memoryview:
        """Return at most as many bytes; none only at the end of the stream."""


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


class Names(Protocol):
    """The names of the members so far, such as a dict."""

    def get(self, path: str, /) -> Kind | None:
        """Return the kind of a member, or None."""

    def __setitem__(self, path: str, kind: Kind, /) -> None:
        """Add a member, or change its kind."""


class ArchiveReader:
    """Reads a tar stream once and refuses members that could write outside the destination.

    Absolute paths, ``..``, duplicate paths, paths below a link, links out of the archive, devices
    and pipes are refused before any byte of the member is written. So are paths and numbers of
    members beyond ``budgets``.
    """

    def __init__(
        self,
        stream: Source,
        *,
        name: str,
        on_data: Callable[[int], None] = lambda _: None,
        max_members: int = budgets.MEMBERS,
        seen: Names | None = None,
    ) -> None:
        self._stream = stream
        self._name = name
        self._on_data = on_data  # called with the length of each chunk, and 0 for each header
        self._members_left = max_members
        self._names_left = budgets.NAMES_BYTES
        self._unread = 0  # bytes of the current member
        self._padding = 0
        self._seen: Names = {} if seen is None else seen

    def members(self) -> Iterator[Member]:
        """Yield the members in order; data that :meth:`chunks` did not read is skipped.

        Raises:
            BundleError: the archive is incomplete or damaged, or has a refused member.
        """
        while (header := self._next_header()) is not None:
            self._members_left -= 1
            if self._members_left < 0:
                raise self._refused(header.name, "more members than it can honestly have")
            member = self._checked(header)
            if member is None:
                continue
            self._unread = member.size_bytes
            self._padding = -member.size_bytes % BLOCK_BYTES
            yield member
            if self._unread:
                for _ in self.chunks():
                    pass
            if self._padding:
                self._take(self._padding)
        self._expect_only_zeros()

    def chunks(self) -> Iterator[bytes | memoryview]:
        """Yield the data of the current member in chunks of at most 1 MiB."""
        while self._unread:
            data = self._read(self._stream.read1, min(CHUNK_BYTES, self._unread))
            if not data:
                raise self._cut_short()
            self._unread -= len(data)
            yield data
            self._on_data(len(data))

    def read(self) -> bytes:
        """Return the whole data of the current member, which must be small; in one buffer."""
        data = self._take(self._unread)
        self._unread = 0
        self._on_data(len(data))
        return data

    def hash_data(self) -> str:
        """Return the SHA-256 of the data of the current member."""
        digest = hashlib.sha256()
        for data in self.chunks():
            digest.update(data)
        return digest.hexdigest()

    def _next_header(self) -> Header | None:
        overrides: dict[str, str] = {}
        header = self._read_header()
        if header is None or header.kind not in tar_header.EXTENSIONS:
            return header
        for _ in range(budgets.EXTENSIONS):
            overrides.update(self._read_extension(header))
            described = self._read_header()
            if described is None:
                raise self._refused(header.name, "an extension header without a member")
            if described.kind not in tar_header.EXTENSIONS:
                return self._with_overrides(described, overrides)
            header = described
        raise self._refused(header.name, "too many extension headers of one member")

    def _read_extension(self, header: Header) -> dict[str, str]:
        if header.size_bytes > budgets.EXTENSION_BYTES:
            raise self._refused(header.name, f"an extension header of {header.size_bytes} bytes")
        data = self._take(header.size_bytes)
        self._take(-header.size_bytes % BLOCK_BYTES)
        try:
            return tar_header.decode_extension(header.kind, data)
        except ValueError as error:
            raise self._refused(header.name, str(error)) from error

    def _with_overrides(self, header: Header, overrides: dict[str, str]) -> Header:
        header = header._replace(
            name=overrides.get("path", header.name),
            target=overrides.get("linkpath", header.target),
        )
        if "size" not in overrides:
            return header
        try:
            return header._replace(size_bytes=tar_header.parse_size(overrides["size"]))
        except ValueError as error:
            raise self._refused(header.name, str(error)) from error

    def _read_header(self) -> Header | None:
        self._on_data(0)  # asks for cancellation
        block = self._take(BLOCK_BYTES)
        if block == _ZEROS:
            return None
        try:
            header = tar_header.decode(block)
        except ValueError as error:
            raise BundleError(
                f"{self._name}: not a tar archive, or damaged: {error}", remedy=_USE_ANOTHER_COPY
            ) from error
        if header.size_bytes < 0:  # a binary size has a sign; read(-1) would read the whole stream
            raise self._refused(header.name, f"a size of {header.size_bytes}")
        return header

    def _checked(self, header: Header) -> Member | None:
        path = self._safe_path(header.name)
        kind = _KINDS.get(header.kind)
        if kind is None:
            raise self._refused(path, f"a member of type {header.kind!r} (a device or a pipe)")
        if path == ".":
            if kind is Kind.FOLDER:
                return None
            raise self._refused(header.name, "the destination itself, but not a folder")
        size_bytes = header.size_bytes if kind is Kind.FILE else 0
        target = ""
        if kind is Kind.LINK:
            self._refuse_way_out(path, header.target)
            target = header.target
        elif kind is Kind.HARD_LINK:
            target = self._safe_path(header.target)
        member = Member(path, kind, size_bytes, header.mode, target)
        self._refuse_clash(member)
        return member

    def _safe_path(self, name: str) -> str:
        path = name.rstrip("/")
        while path.startswith("./"):
            path = path[2:].lstrip("/")
        parts = path.split("/")
        if not path:
            return "."
        if path.startswith("/") or (path != "." and {"", ".", ".."} & {*parts}):
            raise self._refused(name, "a path that is absolute or contains '.' or '..'")
        self._refuse_fault(path)
        return path

    def _refuse_fault(self, path: str) -> None:
        if fault := path_fault(path):
            raise self._refused(path, fault)

    def _refuse_way_out(self, path: str, target: str) -> None:
        self._refuse_fault(target)
        if climbs_behind_a_name(target):
            raise self._refused(path, f"a link to {target!r} with '..' after a name")
        resolved = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        outside = target.startswith("/") or resolved.split("/")[0] == ".."
        if not target or outside:
            raise self._refused(path, f"a link to {target!r}, outside the archive")

    def _refuse_clash(self, member: Member) -> None:
        known = self._seen.get(member.path)
        if known is not None and not (known is member.kind is Kind.FOLDER):
            raise self._refused(member.path, "a duplicate path")
        parent = member.path.rpartition("/")[0]
        while parent and (above := self._seen.get(parent)) is not Kind.FOLDER:
            if above is not None:
                raise self._refused(member.path, f"a path below {parent}, which is not a folder")
            self._remember(parent, Kind.FOLDER)
            parent = parent.rpartition("/")[0]
        if member.kind is Kind.HARD_LINK and self._seen.get(member.target) is not Kind.FILE:
            raise self._refused(
                member.path, f"a hard link to {member.target!r}, which is not a file before it"
            )
        self._remember(member.path, Kind.FILE if member.kind is Kind.HARD_LINK else member.kind)

    def _remember(self, path: str, kind: Kind) -> None:
        self._seen[path] = kind
        self._names_left -= len(path) + _ENTRY_BYTES
        if self._names_left < 0:
            raise self._refused(path, "the paths of the archive are too long and too many")

    def _read(self, read: Callable[[int], _Data], size_bytes: int) -> _Data:
        try:
            return read(size_bytes)
        except EOFError as error:  # of the compressed stream
            raise self._cut_short() from error
        except DAMAGE as error:
            raise BundleError(
                f"{self._name}: damaged or cut short: {error}", remedy=_USE_ANOTHER_COPY
            ) from error

    def _take(self, size_bytes: int) -> bytes:
        data = self._read(self._stream.read, size_bytes)
        if len(data) != size_bytes:
            raise self._cut_short()
        return data

    def _expect_only_zeros(self) -> None:
        padding = 0
        while data := self._read(self._stream.read, CHUNK_BYTES):
            padding += len(data)
            if padding > budgets.PADDING_BYTES or data.strip(b"\0"):
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
            f"{self._name}: member {path[:_SHOWN_CHARS]!r} is refused: {why}",
            remedy="do not use this archive; ask its vendor",
        )


# Sparse files are not among the files, as they are in tarfile: their data is not their content.
_KINDS = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.AREGTYPE: Kind.FILE,
    tarfile.CONTTYPE: Kind.FILE,
    tarfile.DIRTYPE: Kind.FOLDER,
    tarfile.SYMTYPE: Kind.LINK,
    tarfile.LNKTYPE: Kind.HARD_LINK,
}
_ZEROS = bytes(BLOCK_BYTES)


def path_fault(path: str) -> str | None:
    """Return the reason why no archive may have this path, or None.

    It has control characters, is not UTF-8, or is longer or deeper than a file system or a removal
    can take.
    """
    if not path.isprintable():
        return "control characters, or not in UTF-8"
    size_bytes, levels = len(path) if path.isascii() else len(path.encode()), path.count("/") + 1
    is_long = size_bytes > budgets.NAME_BYTES and (
        size_bytes > budgets.PATH_BYTES
        or max(len(name.encode()) for name in path.split("/")) > budgets.NAME_BYTES
    )
    if is_long or levels > budgets.PATH_DEPTH:
        return f"too long or too deep: {size_bytes} bytes, {levels} levels"
    return None


def climbs_behind_a_name(target: str) -> bool:
    """Return whether the target of a link has ``..`` after a name.

    After a name, ``..`` could follow another link upwards, so it may only come first.
    """
    parts = [part for part in target.split("/") if part not in (".", "")]
    return any(two == ".." != one for one, two in pairwise(parts))
