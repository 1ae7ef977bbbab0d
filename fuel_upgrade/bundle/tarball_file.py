"""Opens the file of a tarball, once for all that is read of it, and notices its changes.

The tarball may also be the one in the root folder of an ISO image.
"""

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.system.archive import CutShortError
from fuel_upgrade.system.file_part import FilePart
from fuel_upgrade.system.files import CHUNK_BYTES, is_being_written, open_regular
from fuel_upgrade.system.iso_image import IsoError, is_iso, root_files

SUFFIXES = (".tar.zst", ".tar")
"""The suffixes of tarballs."""
ISO_SUFFIX = ".iso"
"""The suffix of images, which are read as the tarball in them."""
DAMAGED = "get an undamaged copy of the tarball"
"""The remedy for a damaged tarball."""

_ZSTD, _TAR = b"\x28\xb5\x2f\xfd", b"ustar"
_START_BYTES = 262  # the end of the magic of a tar archive
_UNCHANGED = "nothing was changed"
_COPIED = "wait for the copy to end, then try again"
_CUT_OFF = "wait if it is still being copied; else copy it again, and compare the sizes"


@contextmanager
def opened_tarball(path: Path, *, begun_bytes: int | None = None) -> Iterator[io.BufferedReader]:
    """Yield the open file; every byte is read through this descriptor, whatever is at the path.

    ``begun_bytes`` was its size when its header was read.

    Raises:
        ConfigError: there is no such file, or it is a link, a folder, a pipe or a device.
        BundleError: a program writes it, it ends too early, or it was changed meanwhile.
    """
    descriptor = _open(path)
    try:
        before = _size_and_time(descriptor)
        _refuse_growing(path, descriptor)
        size_bytes = before[0] if begun_bytes is None else begun_bytes
        if before[0] == 0:  # so are files of the kernel, which may wait or never end
            raise _cut_short(path, size_bytes, 0)
        try:
            yield io.BufferedReader(_content(path, descriptor), CHUNK_BYTES)
        except CutShortError as error:
            raise _cut_short(path, size_bytes, _size_and_time(descriptor)[0]) from error
        if _size_and_time(descriptor) != before:
            raise BundleError(f"{path}: changed while it was read", remedy=_COPIED)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return open_regular(path, follows_link=False)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise ConfigError(
            f"{path}: no such file", remedy="name an upgrade tarball", state=_UNCHANGED
        ) from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EINVAL, errno.ENXIO):
            raise ConfigError(
                f"{path}: a link, a folder, a pipe or a device, expected a regular file",
                remedy="name the upgrade tarball itself",
                state=_UNCHANGED,
            ) from error
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}",
            remedy="make it readable for the user that reads it, root for the daemon",
            state=_UNCHANGED,
        ) from error


def _content(path: Path, descriptor: int) -> io.RawIOBase:
    start = os.pread(descriptor, _START_BYTES, 0)
    is_archive = start.startswith(_ZSTD) or start.endswith(_TAR)
    if is_archive or not is_iso(descriptor):
        return io.FileIO(descriptor, closefd=False)
    try:
        files = root_files(descriptor)
    except IsoError as error:
        raise BundleError(f"{path}: an ISO image, but {error}", remedy=DAMAGED) from error
    tarballs = [file for file in files if file.name.endswith(SUFFIXES)]
    if len(tarballs) != 1:
        names = ", ".join(file.name for file in tarballs or files) or "nothing"
        raise BundleError(
            f"{path}: an ISO image, expected one tarball in its root folder, found {names}",
            remedy="use an image made by fuel-upgrade bundle iso",
        )
    return FilePart(descriptor, tarballs[0].offset, tarballs[0].size_bytes)


def _refuse_growing(path: Path, descriptor: int) -> None:
    if is_being_written(descriptor):
        size_bytes, _ = _size_and_time(descriptor)
        raise BundleError(
            f"{path}: still growing: a program writes it, {size_bytes} bytes so far",
            remedy=_COPIED,
            state=_UNCHANGED,
        )


def _size_and_time(descriptor: int) -> tuple[int, int]:
    info = os.fstat(descriptor)
    return info.st_size, info.st_mtime_ns


def _cut_short(path: Path, begun_bytes: int, size_bytes: int) -> BundleError:
    if begun_bytes != size_bytes:
        what = f"still changing: it had {begun_bytes} bytes and has {size_bytes} now"
        return BundleError(f"{path}: {what}", remedy=_COPIED)
    what = f"cut short: it ends in the middle, after {size_bytes} bytes"
    return BundleError(f"{path}: {what}", remedy=_CUT_OFF)
