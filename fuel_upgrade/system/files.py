"""Durable file operations: after a power cut each is complete or has no effect."""

import ctypes
import errno
import fcntl
import hashlib
import os
import shutil
import signal
import stat
import struct
from collections.abc import Collection, Iterable
from pathlib import Path

from fuel_upgrade.errors import ConfigError

_LIBC = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2
_AT_SYMLINK_NOFOLLOW = 0x100
# struct statx, statx(2): mask, then inode at byte 32, then birth time at byte 80.
_STATX = struct.Struct("=I28xQ40xqI")
_STATX_BYTES = 256
_STATX_INO = 0x100
_STATX_BTIME = 0x800
CHUNK_BYTES = 1 << 20
DISCARDED = "discarded-"
"""The prefix of the names that :func:`discard` gives."""


def write_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write ``data`` to ``path``; readers and crashes see the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)  # whatever the umask
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def open_private(path: Path) -> int:
    """Open a file for reading and writing, and create it if it is missing.

    No other user can open it, and so lock it, whatever the umask and its mode so far.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, 0o600)
    return descriptor


def sync_folder(path: Path) -> None:
    """Make the entries of a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_filesystem(path: Path) -> None:
    """Make all writes to the file system of ``path`` durable, with one call.

    An fsync of each of many small files is nine times slower (measured).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _LIBC.syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(path))
    finally:
        os.close(descriptor)


def rename(source: Path, target: Path) -> None:
    """Move ``source`` to ``target``, which must not exist; durable on return.

    Raises:
        FileExistsError: ``target`` exists; nothing was moved.
    """
    _renameat2(source, target, _RENAME_NOREPLACE)


def exchange(one: Path, other: Path) -> None:
    """Swap two existing paths of one file system atomically; durable on return."""
    _renameat2(one, other, _RENAME_EXCHANGE)


def _renameat2(source: Path, target: Path, flags: int) -> None:
    done = _LIBC.renameat2(
        _AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), ctypes.c_uint(flags)
    )
    if done != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(source), None, str(target))
    for folder in {source.parent, target.parent}:
        sync_folder(folder)


def identity(path: Path) -> tuple[int, ...] | None:
    """Return the identity of the file, folder or link at ``path``; None if there is none.

    The identity is the inode number and the birth time in nanoseconds. It survives a rename, and
    a later file has another one even with the same inode. The device number is not part of it:
    it may change at a reboot.
    """
    buffer = ctypes.create_string_buffer(_STATX_BYTES)
    failed = _LIBC.statx(
        _AT_FDCWD, os.fsencode(path), _AT_SYMLINK_NOFOLLOW, _STATX_INO | _STATX_BTIME, buffer
    )
    if failed:
        code = ctypes.get_errno()
        if code in (errno.ENOENT, errno.ENOTDIR):
            return None
        raise OSError(code, os.strerror(code), str(path))
    mask, inode, born_s, born_ns = _STATX.unpack_from(buffer)
    return inode, born_s * 10**9 + born_ns if mask & _STATX_BTIME else 0


def make_folders(path: Path) -> tuple[Path, ...]:
    """Create ``path`` and its missing parents; return the created folders, topmost first."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    for folder in reversed(missing):
        folder.mkdir()
        sync_folder(folder.parent)
    return tuple(reversed(missing))


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove the empty ones of these folders, durably; a missing folder is no error."""
    for folder in folders:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            continue
        _sync_absence(folder)


def remove_tree(path: Path) -> None:
    """Remove a file, a link or a whole folder, durably; a missing path is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    _sync_absence(path)


def remove_together(paths: Collection[Path]) -> None:
    """Remove several trees, durably: all are moved aside before any of them loses a file.

    A crash leaves no incomplete tree at its path; a second call removes the moved trees.
    """
    discard(paths)
    for path in paths:
        remove_tree(discarded(path))


def discard(paths: Collection[Path]) -> None:
    """Move trees aside, durably, for a later removal; fast for trees of any size."""
    for path in paths:
        if os.path.lexists(path):
            remove_tree(discarded(path))
            rename(path, discarded(path))


def discarded(path: Path) -> Path:
    """Return the path to which :func:`discard` moves a tree."""
    return path.with_name(f"{DISCARDED}{path.name}")


def _sync_absence(path: Path) -> None:
    """Make the absence of ``path`` durable.

    The next record may be on another disk and survive a power cut that undoes this removal: the
    path would be back although the record says that it is gone.
    """
    sync_folder(next(parent for parent in path.absolute().parents if parent.is_dir()))


def hash_file(path: Path, algorithm: str = "sha256") -> str:
    """Return the checksum of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def link_file(source: Path, target: Path) -> bool:
    """Hard-link ``source`` to ``target``; return False if the file system cannot."""
    try:
        os.link(source.resolve() if source.is_symlink() else source, target)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            return False
        raise
    return True


def copy_hashed(source: Path, target: Path, algorithm: str) -> str:
    """Copy the content of a file; return the checksum of the written bytes."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(CHUNK_BYTES):
            digest.update(chunk)
            writer.write(chunk)
    return digest.hexdigest()


def open_regular(path: Path, *, follows_link: bool = True) -> int:
    """Open a regular file for reading, without a wait: no folder, pipe, device or socket.

    Return its descriptor.

    Raises:
        OSError: it is none, or a symbolic link and not ``follows_link``, or cannot be opened.
    """
    no_link = 0 if follows_link else os.O_NOFOLLOW
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | no_link)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return descriptor


def is_being_written(descriptor: int) -> bool:
    """Return whether a program of this host has an open file open for writing.

    The kernel refuses a read lease, fcntl(2), while one has. The result is also False where
    there are no leases: on some network file systems and, without CAP_LEASE, for files of other
    users.
    """
    try:
        # a program that opens it for writing now causes a signal: SIGIO would end this process
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False


def refuse_open_file(path: Path) -> Path:
    """Return the path of a secret file if only its owner can read it.

    Raises:
        ConfigError: other users can read it.
    """
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path}: others can read it", remedy=f"chmod 600 {path}")
    return path
