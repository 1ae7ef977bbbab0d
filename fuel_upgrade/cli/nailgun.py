"""The commands that try the way to Nailgun, without the daemon: nailgun check, nailgun login."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.client import Target
from fuel_upgrade.cli.console import json_option, print_json, print_pairs, report
from fuel_upgrade.config import NailgunSettings, read
from fuel_upgrade.errors import ConfigError, OutsideError, UpgradeError
from fuel_upgrade.nailgun.answer import say_url
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.nailgun.credentials import Access, is_password, read_access
from fuel_upgrade.system.files import write_file


@click.command()
@json_option
@click.pass_obj
def check(target: Target, *, as_json: bool) -> int:
    """Say how Nailgun is reached, and whether logging in works. Exit code 7 if not."""
    access = read_access(_settings(target), os.environ)
    found = _try(access.settings)
    if as_json:
        print_json({**_describe(access), **found.to_json()})
    else:
        described = {name: value or "none" for name, value in _describe(access).items()}
        print_pairs({**described, **found.to_pairs()})
        if found.error is not None:
            report(found.error)
    return 0 if found.error is None else found.error.exit_code


@click.command()
@click.pass_obj
def login(target: Target) -> None:
    """Ask for the password, try it, and write it to nailgun.password_file for the daemon."""
    settings = _settings(target)
    place = settings.password_file
    if place is None:
        raise ConfigError(
            "nailgun.password_file is not set: expected the file to write the password to",
            remedy="set it in config.yaml, for example to /etc/fuel-upgrade/nailgun.password",
        )
    # what is in the file now is to be replaced, and may be damaged
    access = read_access(replace(settings, password_file=None, password=_ask(place)), {})
    found = _try(access.settings)
    if found.error is not None:
        found.error.state = f"{place} was not written"
        raise found.error
    _write(place, access.settings.password or "")
    click.echo(f"logged in, Keystone {found.keystone}; the password is in {place}")
    click.echo("the daemon reads it when it starts: systemctl restart fuel-upgrade")


@dataclass(frozen=True, slots=True)
class _Found:
    """What answered, as far as it came; ``error`` is what ended it."""

    version: str | None = None
    keystone: str | None = None
    dialect: str | None = None
    error: UpgradeError | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "keystone_version": self.keystone,
            "fuel_version": self.version,
            "dialect": self.dialect,
            "login_works": self.error is None,
            "error": None if self.error is None else self.error.to_json(),
        }

    def to_pairs(self) -> dict[str, object]:
        return {
            "Keystone version": self.keystone or "unknown",
            "Fuel version": self.version or "unknown",
            "dialect": self.dialect or "unknown",
            "login": "works" if self.error is None else "does not work",
        }


def _settings(target: Target) -> NailgunSettings:
    settings = read(target.config, root=target.root).nailgun
    if settings.url is None:
        raise ConfigError(
            "nailgun.url is not set: the daemon runs its embedded registry, and logs in by itself",
            remedy="set nailgun.url in config.yaml where there is a Nailgun",
        )
    return settings


def _try(settings: NailgunSettings) -> _Found:
    """Log in, ask what runs, and ask for something that wants a token."""
    found = _Found()
    with NailgunClient(settings) as client:
        try:
            found = replace(found, keystone=client.keystone.version())
            client.keystone.renew()
            found = replace(found, version=client.version())
            found = replace(found, dialect=client.dialect().name)
            client.running_tasks()
        except OutsideError as error:
            return replace(found, error=error)
    return found


def _describe(access: Access) -> Mapping[str, Any]:
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
