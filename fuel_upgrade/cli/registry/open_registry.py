"""The registry's store, opened for a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from fuel_upgrade.cli.registry.database_choice import Place
from fuel_upgrade.config import Config
from fuel_upgrade.errors import ConfigError, NotFoundError
from fuel_upgrade.registry.refusal import RefusedError
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.store.database import Database
from fuel_upgrade.system.state_folder import claim_state_folder


@contextmanager
def opened(place: Place) -> Iterator[Store]:
    """Yield the store, with its tables migrated; close it afterwards.

    Raises:
        ConfigError: the URL on the command line has a password.
        PreflightError: the database is in the state folder, which is another user's.
    """
    _prepare(place)
    store = Store.open(place.url, backups=place.backups)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def connected(place: Place) -> Iterator[Database]:
    """Yield the database without migration; errors as :func:`opened`."""
    _prepare(place)
    database = Database.connect(place.url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def refusals() -> Iterator[None]:
    """Raise refusals, which clients get as HTTP statuses, as errors of the command."""
    try:
        yield
    except RefusedError as error:
        if error.status is HTTPStatus.NOT_FOUND:
            raise NotFoundError(
                error.reason, remedy="list the users: fuel-upgrade registry user list"
            ) from error
        raise ConfigError(error.reason, remedy="name another, or give --replace") from error


def _prepare(place: Place) -> None:
    _refuse_password(place)
    if place.url == Config(paths=place.config.paths).registry_url:
        claim_state_folder(place.config.paths.state)  # as the daemon does


def _refuse_password(place: Place) -> None:
    try:
        parsed = make_url(place.url) if place.is_named else None
    except ArgumentError:
        return  # refused when it is opened, without showing the password
    if parsed is not None and (parsed.password is not None or "password" in parsed.query):
        raise ConfigError(
            "--database has a password, which every user of this host could read in the process "
            "list",
            remedy="put it into the PGPASSFILE of libpq, or into registry.database in config.yaml",
        )
