"""A pool of connections to SQLite or PostgreSQL: transactions and their errors."""

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import URL, Connection, Engine, Executable, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.registry.refusal import RefusedError, UnavailableError, bad_request
from fuel_upgrade.system.files import identity

#: As many as requests are handled at once, and 20 for a moment; PostgreSQL allows 100 by default.
_POOL = {"pool_size": 20, "max_overflow": 20, "pool_timeout": 10}
_WAIT_S = 10  # for a lock of another writer
_MIGRATION_WAIT_S = 300  # for another process that migrates a large database
_PRAGMAS = (
    "synchronous=FULL",  # the journal of an install relies on committed answers
    "foreign_keys=ON",
)
#: The parameters for libpq that the URL can override. A server that vanished is noticed by TCP.
_LIBPQ = {
    "application_name": "fuel-upgrade",
    "connect_timeout": "5",
    "keepalives_idle": "15",
    "tcp_user_timeout": "20000",
    "options": "-c lock_timeout=10s -c statement_timeout=30s"
    " -c idle_in_transaction_session_timeout=60s",
}
#: PostgreSQL errors after which the same transaction may well succeed: serialization, deadlock.
_PASSING = {"40001", "40P01"}
_TRIES = 8
_PAUSE_S = 0.02  # before the second try; twice as long before each further one, at random
#: "Program limit exceeded": an index takes no text of several KiB.
_TOO_LARGE = "54000"
_ADVISORY_LOCK = 0x6675656C  # "fuel": held by the one process that migrates
_WRITER = {"sqlite_begin": "IMMEDIATE"}

Value = TypeVar("Value")


class Database:
    """The transactions of one database; usable from any thread.

    SQLite has one writer at a time: those of this process wait for their turn here, and those of
    others by its own lock, taken before the first read so that nothing read can be outdated.
    """

    def __init__(self, url: URL) -> None:
        self.name = url.render_as_string(hide_password=True)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url)
        reader = {"sqlite_begin": ""} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reader = self.engine.execution_options(**reader)
        self._readers = sessionmaker(self._reader)
        self._writers = sessionmaker(self.engine.execution_options(**_WRITER))
        self._turn = threading.Lock()
        self._file: tuple[int, ...] | None = None  # the identity of SQLite's file

    @classmethod
    def connect(cls, url: str) -> Self:
        """Prepare for the database at ``url``; only a file of SQLite is opened, or made, now.

        Raises:
            ConfigError: the URL is none of ``sqlite:////ABSOLUTE/PATH`` and ``postgresql://...``.
            UnavailableError: the file cannot be opened, or is no database.
        """
        database = cls(_parse(url))
        if database.is_sqlite:
            with database.explaining():
                database.make_file()
        return database

    @property
    def file(self) -> Path:
        """The file of SQLite."""
        return Path(self.engine.url.database or "")

    def make_file(self) -> None:
        """See to it that the file is there, with the log that lets readers go on beside a writer.

        It is made here, not by SQLite, so that nobody else ever reads the hashes in it.
        """
        self.file.touch(mode=0o600)
        deadline = time.monotonic() + _WAIT_S
        while True:
            try:
                with self.engine.connect() as connection:
                    connection.execution_options(sqlite_begin="")
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                    self._file = identity(self.file)
                    return
            except DBAPIError as error:
                # changing it asks for the whole file, and SQLite does not wait for that
                if not _is_locked(error) or time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_S)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def read(self, work: Callable[[Session], Value]) -> Value:
        """Return the result of ``work``, which reads by one statement.

        Raises:
            UnavailableError: the database does not answer.
        """
        with self.explaining(), self._readers() as session:
            return work(session)

    def scalar(self, statement: Executable, values: Mapping[str, object]) -> Any:
        """Return one value, without the cost of a session: for queries of every request.

        Raises:
            UnavailableError: the database does not answer.
        """
        with self.explaining(), self._reader.connect() as connection:
            return connection.scalar(statement, values)

    def write(self, work: Callable[[Session], Value]) -> Value:
        """Run ``work`` as one transaction, and return its result.

        ``work`` may run several times, as PostgreSQL ends one of two transactions that wait for
        each other; only its last run is kept.

        Raises:
            IntegrityError: a constraint refused it.
            UnavailableError: the database does not answer; after the loss of a connection it
                the change may have been made nevertheless.
        """
        with self.explaining():
            for number in range(1, _TRIES):
                try:
                    return self._write_once(work)
                except DBAPIError as error:
                    if _sqlstate(error) not in _PASSING:
                        raise
                    time.sleep(random.uniform(0, _PAUSE_S * 2**number))  # noqa: S311 - no secret
            return self._write_once(work)

    def write_or_refuse(
        self, work: Callable[[Session], Value], refusal: RefusedError | None
    ) -> Value:
        """Run ``work`` as one transaction; a violated constraint raises ``refusal``."""
        try:
            return self.write(work)
        except IntegrityError as error:
            if refusal is None:
                raise
            raise refusal from error

    def _write_once(self, work: Callable[[Session], Value]) -> Value:
        if not self.is_sqlite:
            with self._writers.begin() as session:
                return work(session)
        if not self._turn.acquire(timeout=_WAIT_S):
            raise self._unavailable(f"no turn to write came within {_WAIT_S} s")
        try:
            with self._writers.begin() as session:
                return work(session)
        finally:
            self._turn.release()

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Give a connection whose reads all see the same moment."""
        level = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self.explaining(), self.engine.connect() as connection:
            yield connection.execution_options(**level)

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """Give a transaction that one process has at a time, in which tables may be changed."""
        with self.explaining(), self.engine.connect() as connection:
            if not self.is_sqlite:
                with connection.begin():
                    _take_advisory_lock(connection)
                    yield connection
                return
            try:
                _prepare_migration(connection)
                with connection.begin():
                    yield connection
            finally:
                connection.invalidate()  # its settings are not those of the others

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Convert errors of the database into ours, except those of integrity.

        Open connections go on with a file that was deleted, and new ones would make another.
        """
        if self._file is not None and identity(self.file) != self._file:
            raise self._unavailable("its file was deleted or replaced")
        try:
            yield
        except IntegrityError:
            raise
        except (SQLAlchemyError, OSError) as error:
            raise self._explained(error) from error

    def _explained(self, error: SQLAlchemyError | OSError) -> RefusedError | UnavailableError:
        if isinstance(error, DataError) or _sqlstate(error) == _TOO_LARGE:
            return bad_request("The database cannot store a text of this form or length")
        # the driver's own words: those of SQLAlchemy go on to statement and parameters
        reason = error.orig if isinstance(error, DBAPIError) else error
        return self._unavailable(" ".join(str(reason).split()))

    def _unavailable(self, reason: str) -> UnavailableError:
        if self.is_sqlite:
            remedy = (
                "free disk space, make its folder writable, and check that no other program wrote "
                "the file; put a deleted file back, then restart its service"
            )
        else:
            remedy = (
                "start the PostgreSQL server, or correct registry.database in config.yaml, its "
                "password or the rights of its role"
            )
        return UnavailableError(
            f"the registry's database {self.name} cannot be used: {reason}", remedy=remedy
        )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None  # its message may show the text, with a password
    backend = parsed.get_backend_name() if parsed else "no URL"
    if parsed and backend == "sqlite" and Path(parsed.database or "").is_absolute():
        return parsed.set(drivername="sqlite")
    if parsed and backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigError(
        "the registry's database: expected sqlite:////ABSOLUTE/PATH or "
        f"postgresql+psycopg://USER@HOST/NAME, found {backend}",
        remedy="correct registry.database in config.yaml, or --database",
    )


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": float(_WAIT_S)}, **_POOL
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing: _begin_sqlite does
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    kind = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    if kind:
        connection.exec_driver_sql(f"BEGIN {kind}")


def _prepare_migration(connection: Connection) -> None:
    """Let a migration replace a table without touching the rows that refer to it.

    SQLite takes these settings only outside of transactions.
    """
    connection.execution_options(sqlite_begin="")
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_MIGRATION_WAIT_S * 1000}")
    connection.commit()
    connection.execution_options(**_WRITER)


def _postgresql_engine(url: URL) -> Engine:
    args = {name: value for name, value in _LIBPQ.items() if name not in url.query}
    # pre-ping: a server that was restarted has no part in a connection from before
    return create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=args, **_POOL)


def _take_advisory_lock(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_MIGRATION_WAIT_S}s'")
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")


def _sqlstate(error: Exception) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def _is_locked(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", 0)
    return bool(code & 0xFF == sqlite3.SQLITE_BUSY)  # the low byte: extended codes add to it
