"""Errors for a daemon that does not answer, or not as expected."""

import http.client
import os
import stat
from pathlib import Path

from fuel_upgrade import __version__
from fuel_upgrade.errors import ConfigError, OutsideError, PreflightError, UpgradeError

TIMEOUT_S = 60.0  # a plan reads the header of a tarball; the event stream has no timeout
_HISTORY = "see its result: fuel-upgrade history, and journalctl -u fuel-upgrade"
_RESTART = "systemctl restart fuel-upgrade"


def unreachable(place: Path, error: OSError) -> UpgradeError:
    """Return the error for a socket to which no connection can be made."""
    if isinstance(error, PermissionError):
        return _denied(place)
    if isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
        return OutsideError(
            f"fuel-upgraded does not answer at {place}: {error.strerror}",
            remedy="start it: systemctl start fuel-upgrade, or fuel-upgraded --detach",
            state="nothing was changed",
            code="daemon-down",
        )
    if isinstance(error, TimeoutError):
        return _timed_out("a connection")
    return ConfigError(
        f"{place} is no socket to connect to: {error}",
        remedy="name the daemon's socket with --socket, or in paths.socket of config.yaml",
        code="bad-socket",
    )


def unanswered(request: str, error: Exception) -> OutsideError:
    """Return the error for a request without a complete answer."""
    if isinstance(error, TimeoutError):
        return _timed_out(request)
    if isinstance(error, (OSError, http.client.IncompleteRead)):
        return OutsideError(
            f"fuel-upgraded went away before it answered {request}: {error}",
            remedy=_HISTORY,
            code="daemon-lost",
        )
    return garbled(request, f"{type(error).__name__}: {error}")


def cut_off(job: str, reason: str) -> OutsideError:
    """Return the error for a stream of events that ended before its job."""
    return OutsideError(
        f"lost fuel-upgraded in the middle of job {job}: {reason}",
        remedy=_HISTORY,
        code="daemon-lost",
    )


def garbled(request: str, reason: str) -> OutsideError:
    """Return the error for an answer that is not of fuel-upgraded."""
    return OutsideError(
        f"the answer to {request} is not of fuel-upgraded: {reason}",
        remedy="name the daemon's socket with --socket, or in paths.socket of config.yaml",
        code="bad-answer",
    )


def of_other_version(request: str, version: str | None) -> OutsideError:
    """Return the error for a request that a daemon of another version does not know."""
    return OutsideError(
        f"fuel-upgraded is of version {version or 'unknown'} and does not know {request},"
        f" which this command of version {__version__} asks for",
        remedy=f"have both of one version: {_RESTART}, when no install runs",
        state="nothing was changed",
        code="other-version",
    )


def _timed_out(request: str) -> OutsideError:
    return OutsideError(
        f"fuel-upgraded gave no answer to {request} within {TIMEOUT_S:g} s",
        remedy="see its log: journalctl -u fuel-upgrade; then run the command again",
        code="daemon-timeout",
    )


def _denied(place: Path) -> PreflightError:
    """Return the error for a user without access; its remedy names the group with access."""
    barrier = _barrier(place)
    group = _group_that_may(barrier)
    others = (
        f", or a member of the group {group}: usermod -aG {group} {_user()}, then log in again"
        if group
        else ": sudo fuel-upgrade ..."
    )
    return PreflightError(
        f"{barrier}: permission denied: only its owner and its group may talk to fuel-upgraded",
        remedy=f"be root{others}",
        code="socket-denied",
    )


def _barrier(place: Path) -> Path:
    """Return the folder above the socket that denies access, or else the socket."""
    for folder in reversed(place.absolute().parents):
        if not os.access(folder, os.X_OK):
            return folder
    return place


def _group_that_may(barrier: Path) -> str | None:
    """Return the name of the group that has access, unless it is root's."""
    import grp

    try:
        info = barrier.stat()
        needed = stat.S_IXGRP if stat.S_ISDIR(info.st_mode) else stat.S_IWGRP
        may = bool(info.st_gid and info.st_mode & needed)
        return grp.getgrgid(info.st_gid).gr_name if may else None
    except (OSError, KeyError):
        return None


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return "USER"
