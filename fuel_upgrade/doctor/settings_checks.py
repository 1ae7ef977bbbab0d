"""Checks of the configuration file: its faults, its owner and its mode."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.config import Config, parse_with_faults
from fuel_upgrade.doctor.check import Check, failure, ok, warning
from fuel_upgrade.errors import ConfigError

NAME = "configuration"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings with defaults for invalid ones, the checks of the file, and its text."""

    config: Config
    checks: tuple[Check, ...]
    text: str = ""


def read_settings(place: Path, *, is_named: bool, root: Path | None = None) -> Settings:
    """Read a configuration file, even an invalid one; with ``is_named`` it must exist."""
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _without(place, is_named=is_named, root=root)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        check = failure(NAME, f"{place}: {reason}", f"make {place} readable text; be root")
        return Settings(_under(Config(), root), (check,))
    try:
        config, faults = parse_with_faults(text, source=str(place))
    except ConfigError as error:
        return Settings(
            _under(Config(), root), (failure(NAME, error.what, f"correct {place}"),), text
        )
    checks = tuple(failure(NAME, f"{place}: {fault}", f"correct {place}") for fault in faults)
    if not checks:
        checks = (ok(NAME, f"{place}: no faults"),)
    return Settings(_under(config, root), (*checks, *_modes(place, config)), text)


def _without(place: Path, *, is_named: bool, root: Path | None) -> Settings:
    check = ok(NAME, f"{place} does not exist: every setting has its default")
    if is_named:
        check = failure(NAME, f"{place}: no such file", "name an existing file with --config")
    return Settings(_under(Config(), root), (check,))


def _under(config: Config, root: Path | None) -> Config:
    return config if root is None else config.under(root)


def _modes(place: Path, config: Config) -> tuple[Check, ...]:
    status = place.stat()
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid not in (0, os.geteuid()):
        what = f"{place} belongs to user {status.st_uid}, who can change it; expected root"
        return (failure(NAME, what, f"chown root {place}"),)
    if mode & _OTHERS_WRITE:
        what = f"{place} can be written by others than its owner (mode {mode:04o})"
        return (failure(NAME, what, f"chmod go-w {place}"),)
    if _has_password(config) and mode & _OTHERS_READ:
        what = f"{place} contains a password, and others can read it (mode {mode:04o})"
        remedy = f"chmod 600 {place}, or name a separate file in nailgun.password_file"
        return (warning(NAME, what, remedy),)
    return ()


def _has_password(config: Config) -> bool:
    urls = (config.nailgun.proxy or "", config.registry.database or "")
    in_url = any(":" in url.partition("://")[2].rpartition("@")[0] for url in urls)
    return config.nailgun.password is not None or in_url
