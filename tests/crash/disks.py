"""Small disks of a test's own, that are full or read-only when it says so.

They are mounted in a mount namespace of this process: nobody else sees them, and whatever
becomes of the process, they are gone with it.
"""

import ctypes
import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.tools import in_ci

_CLONE_NEWNS = 0x00020000  # unshare(2)


def needs_mounts() -> pytest.MarkDecorator:
    """Mark tests that mount: skipped with the reason where that cannot be, failing in CI."""
    reason = "needs the right to mount: root, in a container that is privileged"
    if _can_mount():
        return pytest.mark.skipif(False, reason="nothing is missing")  # noqa: FBT003 - its form
    if in_ci():
        return pytest.mark.skipif(f"__import__('pytest').fail({reason!r})", reason=reason)
    return pytest.mark.skip(reason=reason)


def _can_mount() -> bool:
    argv = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    try:
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@cache
def _go_apart() -> None:
    """Give this process mounts of its own; it needs that once."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    _run("mount", "--make-rprivate", "/")


@dataclass(frozen=True, slots=True)
class Disk:
    """A mounted file system; the file ``room`` below it fills it up."""

    place: Path

    @property
    def free_bytes(self) -> int:
        info = os.statvfs(self.place)
        return info.f_bavail * info.f_frsize

    def fill(self, left_bytes: int) -> None:
        """Leave at most so much free space."""
        self.make_room()
        taken = self.free_bytes - left_bytes
        if taken <= 0:
            return
        with (self.place / "ballast").open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, taken)

    def make_room(self) -> None:
        (self.place / "ballast").unlink(missing_ok=True)

    def make_read_only(self) -> None:
        _run("mount", "-o", "remount,ro", str(self.place))

    def make_writable(self) -> None:
        _run("mount", "-o", "remount,rw", str(self.place))


@contextmanager
def disk(place: Path, *, size_bytes: int) -> Iterator[Disk]:
    """Mount a disk at ``place``."""
    _go_apart()
    place.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=0755", "tmpfs", str(place))
    try:
        yield Disk(place)
    finally:
        _run("umount", "--lazy", str(place))


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(errno.EIO, f"{' '.join(argv)}: {done.stderr.strip()}")
