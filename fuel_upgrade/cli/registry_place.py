"""Which registry database a command works on."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from fuel_upgrade.cli.client import Target
from fuel_upgrade.config import Config, read
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.registry.store import Store

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Place:
    """The settings, and the URL of the database, which may differ from theirs."""

    config: Config
    url: str

    @property
    def backups(self) -> Path:
        """The folder for a backup of PostgreSQL."""
        return self.config.paths.state


database_option = click.option(
    "--database",
    metavar="URL",
    help="Use this database instead of registry.database of the configuration: "
    "sqlite:////ABSOLUTE/PATH or postgresql+psycopg://USER@HOST/NAME, without a password.",
)


def pass_place(command: Callable[Concatenate[Place, P], R]) -> Callable[P, R]:
    """Give a command that has :data:`database_option` the place as its first argument."""

    @functools.wraps(command)
    def with_place(*args: P.args, **kwargs: P.kwargs) -> R:
        target = click.get_current_context().find_object(Target)
        if target is None:
            raise RuntimeError("the command runs outside of fuel-upgrade")
        config = read(target.config, root=target.root)
        database = kwargs.pop("database", None)
        url = config.registry_url if database is None else _without_password(str(database))
        return command(Place(config, url), *args, **kwargs)

    return with_place


@contextmanager
def opened(place: Place) -> Iterator[Store]:
    """Give the store, with its tables brought up to date; close it afterwards."""
    if place.url == Config(paths=place.config.paths).registry_url:
        place.config.paths.state.mkdir(parents=True, exist_ok=True)  # as the daemon does
    store = Store.open(place.url, backups=place.backups)
    try:
        yield store
    finally:
        store.close()


def _without_password(url: str) -> str:
    try:
        parsed = make_url(url)
    except ArgumentError:
        return url  # refused where it is opened, without being shown
    if parsed.password is not None or "password" in parsed.query:
        raise ConfigError(
            "--database has a password, which every user of this host could read in the process "
            "list",
            remedy="put it into the PGPASSFILE of libpq, or into registry.database in config.yaml",
        )
    return url
