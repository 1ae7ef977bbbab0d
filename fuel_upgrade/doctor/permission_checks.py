"""Checks of owner and mode of the files that the daemon trusts, and of the operator's hooks."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from fuel_upgrade.config import Config, Paths
from fuel_upgrade.doctor.check import Check, failure, ok, warning
from fuel_upgrade.upgrade.hooks import POINTS, find_hooks

_MODES, _HOOKS = "modes", "hooks"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class _Rule:
    """The forbidden mode bits and the expected mode of a file."""

    path: Path
    forbidden: int
    expected: int
    why: str


def check_modes(config: Config) -> Iterator[Check]:
    """Check that other users cannot change the daemon's files or read its secrets."""
    problems = [check for rule in _rules(config.paths) if (check := _check(rule))]
    yield from problems or [ok(_MODES, "only their owners can change the daemon's files")]


def _rules(paths: Paths) -> tuple[_Rule, ...]:
    undo, secret = "undo trusts it", "it contains a password"
    return (
        _Rule(paths.state, 0o077, 0o700, undo),
        _Rule(paths.journal, 0o077, 0o600, undo),
        _Rule(paths.lock, 0o077, 0o600, "any user who can open it can stop installs"),
        _Rule(paths.registry_password, 0o077, 0o600, secret),
        _Rule(paths.socket, stat.S_IRWXO, 0o660, "any user who can open it can install"),
        _Rule(paths.hooks, _OTHERS_WRITE, 0o755, "hooks run as the daemon"),
    )


def _check(rule: _Rule) -> Check | None:
    try:
        status = rule.path.stat()
    except FileNotFoundError:
        return None  # it does not exist yet
    except OSError as error:
        what = f"{rule.path} cannot be checked: {error.strerror}"
        return warning(_MODES, what, "run fuel-upgrade doctor as root")
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid not in (0, os.geteuid()):
        what = f"{rule.path} belongs to user {status.st_uid}, expected root: {rule.why}"
        return failure(_MODES, what, f"chown root {rule.path}")
    if mode & rule.forbidden:
        what = f"{rule.path} has mode {mode:04o}, expected {rule.expected:04o}: {rule.why}"
        return failure(_MODES, what, f"chmod {rule.expected:o} {rule.path}")
    return None


def check_hooks(folder: Path) -> Iterator[Check]:
    """Check for refused hooks, unknown points and files that are not executable."""
    points = {point: find_hooks(folder, point) for point in POINTS}
    faults = [fault for hooks in points.values() for fault in hooks.refused]
    for fault in faults:
        remedy = "make root the owner of hooks and their folders, and the only one who can write"
        yield failure(_HOOKS, f"refused: {fault}", remedy)
    yield from _unknown_points(folder)
    yield from _switched_off(folder)
    if not faults:
        names = [f"{hook.title}" for hooks in points.values() for hook in hooks.accepted]
        yield ok(_HOOKS, f"{folder}: {', '.join(names) or 'none'}")


def _unknown_points(folder: Path) -> Iterator[Check]:
    for path in _entries(folder):
        if path.is_dir() and path.name not in POINTS:
            similar = get_close_matches(path.name, POINTS, n=1)
            remedy = f"rename it to {similar[0]}" if similar else f"points are: {', '.join(POINTS)}"
            yield warning(_HOOKS, f"{path} is not a point at which hooks run", remedy)


def _switched_off(folder: Path) -> Iterator[Check]:
    for path in (path for point in POINTS for path in _entries(folder / point)):
        if path.is_file() and not path.stat().st_mode & 0o111 and "." not in path.name:
            what = f"{path} does not run: it is not executable"
            yield warning(_HOOKS, what, f"chmod 755 {path}, or remove it")


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
