"""Access to Nailgun as configured: URLs, user, and whether a login works."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import Target
from fuel_upgrade.config import NailgunSettings, read
from fuel_upgrade.errors import ConfigError, OutsideError, UpgradeError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.nailgun.credentials import Access, is_password, read_access
from fuel_upgrade.nailgun.http_response import say_url
from fuel_upgrade.system.files import write_file


@dataclass(frozen=True, slots=True)
class AccessReport:
    """The answers of Keystone and Nailgun; ``error`` is the failure that ended the check."""

    version: str | None = None
    keystone: str | None = None
    dialect: str | None = None
    auth_required: bool = True
    error: UpgradeError | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "keystone_version": self.keystone,
            "fuel_version": self.version,
            "dialect": self.dialect,
            "auth_required": self.auth_required,
            "login_works": self.error is None,
            "error": None if self.error is None else self.error.to_json(),
        }

    def to_pairs(self) -> dict[str, object]:
        """Return names and values for output as text."""
        return {
            "Keystone version": self.keystone or "unknown",
            "Fuel version": self.version or "unknown",
            "dialect": self.dialect or "unknown",
            "login": self._login(),
        }

    def _login(self) -> str:
        if self.error is not None:
            return "does not work"
        return "works" if self.auth_required else "not required: Nailgun's authentication is off"


@dataclass(frozen=True, slots=True)
class Kept:
    """The file with the new password, and the version of the Keystone that accepted it."""

    place: Path
    keystone: str | None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"password_file": str(self.place), "keystone_version": self.keystone}


def ask_and_keep(target: Target) -> Kept:
    """Ask for the password on the terminal, log in with it, and write it to its file.

    Raises:
        ConfigError: no terminal, or no file can be written; OutsideError: the login failed.
    """
    settings = read_settings(target)
    place = settings.password_file
    if place is None:
        raise ConfigError(
            "nailgun.password_file is not set: expected the file to write the password to",
            remedy="set it in config.yaml, for example to /etc/fuel-upgrade/nailgun.password",
        )
    # the old content is replaced and may be damaged
    access = read_access(replace(settings, password_file=None, password=_ask(place)), {})
    access_report = try_access(access.settings)
    if access_report.error is not None:
        raise access_report.error.amended(state=f"{place} was not written") from access_report.error
    _write(place, access.settings.password or "")
    return Kept(place, access_report.keystone)


def read_settings(target: Target) -> NailgunSettings:
    """Return the settings of Nailgun.

    Raises:
        ConfigError: they are missing or invalid.
    """
    settings = read(target.config, root=target.root).nailgun
    if settings.url is None:
        raise ConfigError(
            "nailgun.url is not set: the daemon runs its embedded registry, and logs in by itself",
            remedy="set nailgun.url in config.yaml where there is a Nailgun",
        )
    return settings


def try_access(settings: NailgunSettings) -> AccessReport:
    """Log in, read the version of Nailgun, and send a request that needs a token."""
    access_report = AccessReport()
    with NailgunClient(settings) as client:
        try:
            access_report = replace(access_report, keystone=client.keystone.version())
            access_report = replace(access_report, auth_required=client.log_in())
            access_report = replace(access_report, version=client.version())
            access_report = replace(access_report, dialect=client.dialect().name)
            client.running_tasks()
        except OutsideError as error:
            return replace(access_report, error=error)
    return access_report


def describe(access: Access) -> Mapping[str, Any]:
    """Return the configured access, without the password."""
    settings = access.settings
    with NailgunClient(settings) as client:
        keystone = client.keystone
    return {
        "url": settings.url,
        "keystone_url": keystone.url,
        "user": keystone.login.username,
        "tenant": keystone.login.project,
        "password": f"from {access.source}",
        "proxy": say_url(settings.proxy) if settings.proxy else None,
        "ca_file": str(settings.ca_file) if settings.ca_file else None,
    }


def _ask(place: Path) -> str:
    if not sys.stdin.isatty():
        raise ConfigError(
            "stdin is no terminal: expected one, to ask for the password",
            remedy=f"run it in a terminal, or write {place} by other means, with mode 0600",
        )
    password: str = click.prompt("Password", hide_input=True, err=True)
    if not is_password(password):
        raise ConfigError(
            "the password has characters that cannot be printed, or is very long",
            remedy="change it in Keystone to one that a file of one line can hold",
        )
    return password


def _write(place: Path, password: str) -> None:
    try:
        write_file(place, f"{password}\n".encode(), mode=0o600)
    except OSError as error:
        raise ConfigError(
            f"{place}: cannot be written: {error.strerror}",
            remedy="make its folder, and run it as the user of the daemon, mostly root",
        ) from error
