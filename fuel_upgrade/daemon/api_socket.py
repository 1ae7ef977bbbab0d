"""The unix sockets of the daemon: of the API, for a group too, and of its own registry."""

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from fuel_upgrade.errors import OutsideError

_BACKLOG = 64
_log = structlog.get_logger("fuel_upgrade.service")


@contextmanager
def listening(path: Path, group: str | None) -> Iterator[socket.socket]:
    """Listen at ``path``, for its owner and ``group`` only.

    The socket gets its name after its mode, when it listens: a client that waits for the name is
    never refused. The lock of the pid file is held, so an existing socket is of a dead daemon.

    Raises:
        OutsideError: it cannot be made there.
    """
    fresh = path.with_name(f"{path.name[:-1]}~")  # no longer: the system allows 107 bytes
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(fresh))
        if group is not None:
            _give_to_group(fresh, group)
        fresh.chmod(0o600 if group is None else 0o660)
        listener.listen(_BACKLOG)
        fresh.replace(path)
    except OSError as error:
        listener.close()
        raise OutsideError(
            f"{path}: cannot listen there: {error}",
            remedy="set paths.socket in config.yaml to a path of at most 100 characters",
        ) from error
    try:
        yield listener
    finally:
        listener.close()
        path.unlink(missing_ok=True)


def _give_to_group(path: Path, group: str) -> None:
    """Set the group of a file, if the group exists and permissions allow it."""
    try:
        shutil.chown(path, group=group)
    except (LookupError, PermissionError) as error:
        _log.info("members of no group may ask the daemon", group=group, reason=str(error))
