"""Disks that remember: files of a FUSE file system, to be the backing files of loop devices.

A flush of the loop device arrives here as an fsync of the file. The program serves until its file
system is unmounted; it must be a process of its own, as its users wait for it inside the kernel.
"""

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Any

import mfusepy

from tests.crash.power.log import LogWriter

_LONG_S = 3600  # the files change only by requests that pass here


class RecordedDisks(mfusepy.Operations):  # type: ignore[misc]  # the library has no types
    """A folder with a file for each image; writes go into the image and the log."""

    use_ns = True

    def __init__(self, images: list[Path], log: LogWriter) -> None:
        self._numbers = {f"/{image.name}": number for number, image in enumerate(images)}
        self._files = [os.open(image, os.O_RDWR | os.O_CLOEXEC) for image in images]
        self._log = log

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        del fh
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
        size = os.fstat(self._files[self._number(path)]).st_size
        return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": size}

    def readdir(self, path: str, fh: int) -> list[str]:
        del path, fh
        return [".", "..", *(name.removeprefix("/") for name in self._numbers)]

    def open(self, path: str, flags: int) -> int:
        del flags
        return self._number(path)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        del path
        return os.pread(self._files[fh], size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        del path
        self._log.write(fh, offset, data)
        return os.pwrite(self._files[fh], data, offset)

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        del path, datasync
        self._log.flush(fh)
        return 0

    def _number(self, path: str) -> int:
        if path not in self._numbers:
            raise mfusepy.FuseOSError(errno.ENOENT)
        return self._numbers[path]


def main(mountpoint: str, log: str, *images: str) -> None:
    """Serve ``images`` below ``mountpoint``, one request after the other."""
    disks = RecordedDisks([Path(image) for image in images], LogWriter(Path(log)))
    mfusepy.FUSE(
        disks,
        mountpoint,
        foreground=True,
        nothreads=True,
        attr_timeout=_LONG_S,
        entry_timeout=_LONG_S,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
