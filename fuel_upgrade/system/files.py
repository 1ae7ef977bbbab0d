"""Durable file operations: what is written here survives a power cut, or is not there at all."""

import ctypes
import errno
import fcntl
import hashlib
import json
import os
import shutil
import signal
import struct
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.system.age import say_age
from fuel_upgrade.system.times import say_time

_LIBC = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2
_AT_SYMLINK_NOFOLLOW = 0x100
# struct statx of Linux, statx(2): mask, then inode at byte 32, then time of birth at byte 80.
_STATX = struct.Struct("=I28xQ40xqI")
_STATX_BYTES = 256
_STATX_INO = 0x100
_STATX_BTIME = 0x800
CHUNK_BYTES = 1 << 20
_TIME = "%Y-%m-%dT%H:%M:%S%z"
# The start of a process is counted from the boot, and that moves when the clock is set.
_SAME_START_S = 5.0


def write_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Put ``data`` at ``path`` so that a reader and a crash see the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)  # the umask has no say
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names inside the folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_filesystem(path: Path) -> None:
    """Make everything written to the file system of ``path`` durable, with one call.

    An fsync for each of many small files is nine times slower (measured).
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
    """Swap two existing paths of one file system in one indivisible move; durable on return."""
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
    """Name the file, folder or link at ``path`` itself, or return None where there is none.

    Moving it does not change this name (inode number and time of birth, in nanoseconds; the
    device's number is left out, as it may be another one after a reboot), and what is made later
    has another one, even if it is given the same inode.
    """
    buffer = ctypes.create_string_buffer(_STATX_BYTES)
    found = _LIBC.statx(
        _AT_FDCWD, os.fsencode(path), _AT_SYMLINK_NOFOLLOW, _STATX_INO | _STATX_BTIME, buffer
    )
    if found != 0:
        code = ctypes.get_errno()
        if code in (errno.ENOENT, errno.ENOTDIR):
            return None
        raise OSError(code, os.strerror(code), str(path))
    mask, inode, born_s, born_ns = _STATX.unpack_from(buffer)
    return inode, born_s * 10**9 + born_ns if mask & _STATX_BTIME else 0


def make_folders(path: Path) -> tuple[Path, ...]:
    """Make ``path`` and what is missing above it; return what was made, topmost first."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    for folder in reversed(missing):
        folder.mkdir()
        sync_folder(folder.parent)
    return tuple(reversed(missing))


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those of the folders that are empty or already gone, durably; keep the others."""
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
    """Remove a file, a link or a folder with all below it, durably; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    _sync_absence(path)


def remove_together(paths: Collection[Path]) -> None:
    """Remove several trees, durably; before any of them lacks a file, none is at its place.

    What a crash leaves of them has another name, from which a second call removes it.
    """
    discard(paths)
    for path in paths:
        remove_tree(discarded(path))


def discard(paths: Collection[Path]) -> None:
    """Move trees aside, durably, to be removed later: in no time, however much they hold."""
    for path in paths:
        if os.path.lexists(path):
            remove_tree(discarded(path))
            rename(path, discarded(path))


def discarded(path: Path) -> Path:
    """Return where :func:`discard` puts a tree."""
    return path.with_name(f"discarded-{path.name}")


def _sync_absence(path: Path) -> None:
    """Make it durable that there is nothing at ``path``, whoever removed it.

    What is recorded next may lie on another disk and outlive a power cut that this does not: the
    record would say that the path is gone, and it would be back.
    """
    sync_folder(next(parent for parent in path.absolute().parents if parent.is_dir()))


def hash_file(path: Path, algorithm: str = "sha256") -> str:
    """Return the hexadecimal checksum of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def link_file(source: Path, target: Path) -> bool:
    """Hard-link ``source`` to ``target`` where that can be; return whether it could."""
    try:
        os.link(source.resolve() if source.is_symlink() else source, target)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            return False
        raise
    return True


def copy_hashed(source: Path, target: Path, algorithm: str) -> str:
    """Copy a file's content and return the checksum of the bytes that were written."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(CHUNK_BYTES):
            digest.update(chunk)
            writer.write(chunk)
    return digest.hexdigest()


def _since(text: str) -> str:
    """Say since when and how long, of a time as the file of a lock has it."""
    began_s = datetime.strptime(text, _TIME).timestamp()
    return f"since {say_time(began_s)}, {say_age(time.time() - began_s)} ago"


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a lock, and what is known of it in words."""

    pid: int
    described: str


class Lock:
    """A lock that one process holds and that a crash releases; its file says who holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock; False when another process, or another Lock of this one, has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        owner = {
            "pid": os.getpid(),
            "started_s": psutil.Process().create_time(),
            "since": time.strftime(_TIME),
        }
        self._descriptor = descriptor
        with suppress(OSError):  # a full disk: the lock is what counts, not who is told to have it
            os.ftruncate(descriptor, 0)
            os.write(descriptor, json.dumps(owner).encode())
        return True

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> "Holder | None":
        """Return the living process that has the lock; the lock itself is left alone.

        A look that took it for a moment could have another process refused.
        """
        try:
            data: dict[str, Any] = json.loads(self._path.read_text())
            pid, started_s = int(data["pid"]), float(data["started_s"])
            is_same = abs(psutil.Process(pid).create_time() - started_s) <= _SAME_START_S
        except (OSError, ValueError, KeyError, TypeError, OverflowError, psutil.Error):
            return None
        return Holder(pid, self.owner()) if is_same else None

    def owner(self) -> str:
        """Describe who holds the lock, for an error message.

        A process that was started later than the one that took the lock only has its id.
        """
        try:
            data: dict[str, Any] = json.loads(self._path.read_text())
            pid, started_s = int(data["pid"]), float(data["started_s"])
            held = _since(data["since"])
            process = psutil.Process(pid)
            found_s, name = process.create_time(), process.name()
        except (OSError, ValueError, KeyError, TypeError, OverflowError, psutil.Error):
            return "another process"
        if abs(found_s - started_s) > _SAME_START_S:
            return (
                f"a process that had the id {pid} and is gone, {held}; {pid} is {name} now,"
                f" started {say_time(found_s)}"
            )
        return f"process {pid} ({name}), started {say_time(started_s)}, {held}"


class LockedPidFile:
    """A pid file that cannot go stale: it counts only while its writer holds the lock on it.

    A context manager in the form that python-daemon's ``DaemonContext(pidfile=...)`` takes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def __enter__(self) -> Self:
        """Lock the file and write this process's id.

        Raises:
            BlockingIOError: a living process holds it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)  # and leave the file to its writer
            raise
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._file = descriptor
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the file and let the lock go."""
        if self._file is not None:
            self.path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None


def is_being_written(path: Path) -> bool:
    """Tell whether a program of this host has a file open for writing.

    Asked by a read lease, fcntl(2), which is not given while one has. False as well where there are
    no leases: on some network file systems, and, without CAP_LEASE, on files of other users.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        # who opens it for writing right now has a signal sent to us: not SIGIO, which would end us
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False


def refuse_open_file(path: Path) -> Path:
    """Return the path of a file with a secret, if only its owner can read it.

    Raises:
        ConfigError: others can.
    """
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path}: others can read it", remedy=f"chmod 600 {path}")
    return path
