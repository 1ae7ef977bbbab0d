"""Mounts that only this process sees and that end with it. Needs root."""

import ctypes
import os
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
# linux/sched.h, linux/mount.h; Python 3.11 has no os.unshare
_CLONE_NEWNS = 0x00020000
_MS_RDONLY = 0x1
_MS_REMOUNT = 0x20
_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_PRIVATE = 0x40000
_MNT_DETACH = 0x2


def enter_private_namespace() -> None:
    """Give this thread, and the processes that it starts, mounts that no other process sees.

    Raises:
        OSError: the process lacks the permission.
    """
    _checked(_LIBC.unshare(_CLONE_NEWNS), Path("/"))
    _mount(None, Path("/"), None, _MS_REC | _MS_PRIVATE)


def mount_memory(place: Path, size_bytes: int) -> None:
    """Mount an empty file system in memory that holds ``size_bytes``.

    Raises:
        OSError: the kernel refuses.
    """
    _mount(b"tmpfs", place, b"tmpfs", 0, f"size={size_bytes},mode=755".encode())


def bind(source: Path, place: Path) -> None:
    """Mount a folder or file at ``place`` too.

    Raises:
        OSError: the kernel refuses.
    """
    _mount(os.fsencode(source), place, None, _MS_BIND)


def set_read_only(place: Path, *, read_only: bool) -> None:
    """Make a mount of :func:`bind` read-only or writable.

    Raises:
        OSError: the kernel refuses; EBUSY while a file is open for writing through this mount.
    """
    flags = _MS_REMOUNT | _MS_BIND | (_MS_RDONLY if read_only else 0)
    _mount(None, place, None, flags)


def unmount(place: Path) -> None:
    """Unmount ``place`` and all mounts below it; open files stay open.

    Raises:
        OSError: there is no mount at ``place``.
    """
    _checked(_LIBC.umount2(os.fsencode(place), _MNT_DETACH), place)


def _mount(
    source: bytes | None, place: Path, kind: bytes | None, flags: int, options: bytes | None = None
) -> None:
    done = _LIBC.mount(source, os.fsencode(place), kind, ctypes.c_ulong(flags), options)
    _checked(done, place)


def _checked(result: int, place: Path) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(place))
