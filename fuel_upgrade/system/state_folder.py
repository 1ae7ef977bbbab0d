"""The folder of a daemon's state, which only its owner may enter, with files of the same kind."""

import os
import stat
from pathlib import Path

from fuel_upgrade.errors import PreflightError

FOLDER_MODE = 0o700
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def claim_state_folder(path: Path) -> tuple[Path, ...]:
    """Create the folder with mode 0700, or take all rights of others on it and on its files.

    Return the paths that others had rights on. Folders inside keep their modes: an install moves
    their content to its live paths.

    Raises:
        PreflightError: it belongs to another user, or others can write it: its content may be
            theirs.
    """
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    status = path.stat()
    if status.st_uid != os.geteuid():
        raise PreflightError(
            f"{path} belongs to user {status.st_uid}, and this process runs as {os.geteuid()}",
            remedy=f"run this as the owner of {path}, usually root",
        )
    if status.st_mode & _OTHERS_WRITE:
        raise PreflightError(
            f"{path} has mode {stat.S_IMODE(status.st_mode):04o}: users other than its owner can"
            " replace the journal, which undo trusts",
            remedy=f"check that its files are your own, then chmod 700 {path}",
        )
    files = (entry for entry in sorted(path.iterdir()) if entry.is_file())
    return tuple(entry for entry in (path, *files) if make_private(entry))


def make_private(path: Path) -> bool:
    """Take all rights of group and others on a path; return whether they had any.

    A missing path and a link have none.

    Raises:
        PreflightError: the path belongs to another user.
    """
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode) or not mode & _OTHERS:
            return False
        path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
    except FileNotFoundError:
        return False
    except PermissionError as error:
        remedy = f"check its content, then chown it to the user of {path.parent}"
        raise PreflightError(f"{path} belongs to another user", remedy=remedy) from error
    return True
