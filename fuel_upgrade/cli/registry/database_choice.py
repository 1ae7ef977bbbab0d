"""The registry database that a command uses."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from fuel_upgrade.cli.client.daemon_client import current_target
from fuel_upgrade.config import Config, read

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Place:
    """The settings, and the URL of the database; ``is_named`` if ``--database`` gives it."""

    config: Config
    url: str
    is_named: bool = False

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
    """Pass the place to a command with :data:`database_option` as its first argument."""

    @functools.wraps(command)
    def with_place(*args: P.args, **kwargs: P.kwargs) -> R:
        target = current_target()
        config = read(target.config, root=target.root)
        database = kwargs.pop("database", None)
        url = config.registry_url if database is None else str(database)
        return command(Place(config, url, is_named=database is not None), *args, **kwargs)

    return with_place
