"""Checks of who can read and change what the daemon trusts, and of the operator's hooks."""

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
    """Which bits a file must not have, and what it must be set to."""

    path: Path
    forbidden: int
    expected: int
    why: str


def check_modes(config: Config) -> Iterator[Check]:
    """Look at the files and folders by which others could change or learn what they must not."""
    found = [check for rule in _rules(config.paths) if (check := _check(rule))]
    yield from found or [ok(_MODES, "nobody but their owners can change the daemon's files")]


def _rules(paths: Paths) -> tuple[_Rule, ...]:
    undo, secret = "undo trusts it", "it has a password in it"
    return (
        _Rule(paths.state, _OTHERS_WRITE, 0o755, undo),
        _Rule(paths.journal, _OTHERS_WRITE, 0o644, undo),
        _Rule(paths.registry_password, 0o077, 0o600, secret),
        _Rule(paths.socket, stat.S_IRWXO, 0o660, "who can open it can install"),
        _Rule(paths.hooks, _OTHERS_WRITE, 0o755, "hooks run as the daemon"),
    )


def _check(rule: _Rule) -> Check | None:
    try:
        status = rule.path.stat()
    except FileNotFoundError:
        return None  # not made yet
    except OSError as error:
        what = f"{rule.path} cannot be looked at: {error.strerror}"
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
    """Look which hooks there are, which are refused, and which are meant and do not run."""
    points = {point: find_hooks(folder, point) for point in POINTS}
    faults = [fault for hooks in points.values() for fault in hooks.refused]
    for fault in faults:
        remedy = "make hooks and their folders root's and writable by root only, or remove them"
        yield failure(_HOOKS, f"refused: {fault}", remedy)
    yield from _unknown_points(folder)
    yield from _switched_off(folder)
    if not faults:
        names = [f"{hook.title}" for hooks in points.values() for hook in hooks.accepted]
        yield ok(_HOOKS, f"{folder}: {', '.join(names) or 'none'}")


def _unknown_points(folder: Path) -> Iterator[Check]:
    for place in _entries(folder):
        if place.is_dir() and place.name not in POINTS:
            likely = get_close_matches(place.name, POINTS, n=1)
            remedy = f"rename it to {likely[0]}" if likely else f"points are: {', '.join(POINTS)}"
            yield warning(_HOOKS, f"{place} is no point at which hooks run", remedy)


def _switched_off(folder: Path) -> Iterator[Check]:
    for place in (path for point in POINTS for path in _entries(folder / point)):
        if place.is_file() and not place.stat().st_mode & 0o111 and "." not in place.name:
            what = f"{place} does not run: it is not executable"
            yield warning(_HOOKS, what, f"chmod 755 {place}, or remove it")


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
