"""Writes the members of an archive below folders, through descriptors of the folders."""

import os
from pathlib import Path
from typing import Self

from fuel_upgrade.system.archive import ArchiveReader, Kind, Member
from fuel_upgrade.system.hashing import Hasher

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_OPEN = 32  # folders: members come sorted, so that few are open at a time


def extract(reader: ArchiveReader, into: Path) -> None:
    """Write every member below ``into``, an empty folder."""
    with Destination(into) as destination, Hasher() as hasher:
        for member in reader.members():
            destination.write(reader, member, member.path, hasher)


class Destination:
    """A folder below which members are written; no symbolic link below it is followed.

    Each file is created in the descriptor of its folder (openat(2)), so that its path is not
    resolved again and a link that another process puts in between has no effect.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, _FOLDER)
        self._open: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        for descriptor in (self._root, *self._open.values()):
            os.close(descriptor)

    def write(self, reader: ArchiveReader, member: Member, path: str, hasher: Hasher) -> str:
        """Write the current member to ``path`` below the folder; return a file's SHA-256, else "".

        Raises:
            OSError: the file cannot be written, or a part of ``path`` is a link.
        """
        if member.kind is Kind.FOLDER:
            self._folder(path)
            return ""
        folder, _, name = path.rpartition("/")
        within = self._folder(folder)
        if member.kind is Kind.FILE:
            return _write_file(reader, member, name, within, hasher)
        if member.kind is Kind.LINK:
            os.symlink(member.target, name, dir_fd=within)
        else:
            self._link(member.target, name, within)
        return ""

    def _link(self, target: str, name: str, within: int) -> None:
        folder, _, source = target.rpartition("/")
        within = os.dup(within)  # opening the folder of the target may close it
        try:
            os.link(
                source,
                name,
                src_dir_fd=self._folder(folder),
                dst_dir_fd=within,
                follow_symlinks=False,
            )
        finally:
            os.close(within)

    def _folder(self, path: str) -> int:
        """Return the descriptor of a folder, which is created with its parents if need be."""
        if not path:
            return self._root
        if path in self._open:
            return self._open[path]
        missing = [path]
        while (parent := missing[-1].rpartition("/")[0]) and parent not in self._open:
            missing.append(parent)
        descriptor = self._open[parent] if parent else self._root
        for folder in reversed(missing):
            descriptor = self._open_folder(folder, descriptor)
        return descriptor

    def _open_folder(self, path: str, parent: int) -> int:
        name = path.rpartition("/")[2]
        try:
            descriptor = os.open(name, _FOLDER, dir_fd=parent)
        except FileNotFoundError:
            os.mkdir(name, dir_fd=parent)
            descriptor = os.open(name, _FOLDER, dir_fd=parent)
        if len(self._open) == _MAX_OPEN:
            oldest = next(iter(self._open))
            os.close(self._open.pop(oldest))
        self._open[path] = descriptor
        return descriptor


def _write_file(
    reader: ArchiveReader, member: Member, name: str, within: int, hasher: Hasher
) -> str:
    mode = 0o755 if member.mode & 0o100 else 0o644
    descriptor = os.open(name, _CREATE, mode, dir_fd=within)
    try:
        os.fchmod(descriptor, mode)  # whatever the umask
        digest = hasher.new(member.size_bytes)
        for data in reader.chunks():
            digest.update(data)
            written = os.write(descriptor, data)
            while written < len(data):
                written += os.write(descriptor, memoryview(data)[written:])
        return digest.hexdigest()
    finally:
        os.close(descriptor)
