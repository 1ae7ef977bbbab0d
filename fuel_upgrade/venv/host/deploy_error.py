"""The error of a deployment."""

from __future__ import annotations

import errno
from pathlib import Path

_REMEDIES = {
    errno.ENOSPC: "free disk space there, and run again",
    errno.EDQUOT: "raise the quota, and run again",
    errno.EACCES: "run as a user who may write there, or choose another directory",
    errno.EROFS: "make this file system writable, and run again",
}


class DeployError(Exception):
    """A deployment is impossible, or was undone; ``remedy`` is one imperative sentence."""

    def __init__(self, what: str, remedy: str, *, exit_code: int = 7) -> None:
        super().__init__(what)
        self.remedy = remedy
        self.exit_code = exit_code


def host_error(error: OSError, path: Path) -> DeployError:
    """Return the error of a file operation on this host, at ``path`` if it names no file."""
    remedy = _REMEDIES.get(error.errno or 0, "repair this file or its disk, and run again")
    return DeployError(f"{error.filename or path}: {error.strerror}", remedy, exit_code=4)
