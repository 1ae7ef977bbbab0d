"""A PostgreSQL server of the tests' own: in a temporary folder, reached by a unix socket only."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.tools import needs_here

START_TIMEOUT_S = 60
#: The server refuses to run as root. Debian's package makes this user.
ACCOUNT = "postgres"
#: A role that must give its password, unlike "fuel", which needs none.
GUARDED = "guarded"
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def binaries() -> Path | None:
    """Return the folder of the server's programs: Debian does not put them into PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_major, reverse=True)
    actual = [Path(path) for path in (shutil.which("initdb"), *versions) if path]
    return actual[0].resolve().parent if actual else None


def _major(path: Path) -> float:
    return float(path.parts[-3])


def needs_postgres() -> pytest.MarkDecorator:
    """Mark a test as one that runs a PostgreSQL server; without one as ``tests.tools.needs``."""
    missing = [] if binaries() else ["PostgreSQL's server"]
    if os.geteuid() == 0 and ACCOUNT not in {entry.pw_name for entry in pwd.getpwall()}:
        missing.append(f"the user {ACCOUNT}")
    return needs_here(*missing)


#: For ``params`` and ``parametrize``: each kind of database that the registry has.
KINDS = ["sqlite", pytest.param("postgresql", marks=needs_postgres())]


class PostgresServer:
    """One cluster; it may be stopped and started again."""

    def __init__(self, folder: Path, *, settings: tuple[str, ...] = FAST) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)

    @property
    def _programs(self) -> Path:
        actual = binaries()
        assert actual is not None
        return actual

    @property
    def _owner(self) -> str | None:
        return ACCOUNT if os.geteuid() == 0 else None

    def make(self) -> None:
        if self._owner:
            shutil.chown(self.folder, self._owner)
        argv = ["-D", str(self._data), "-U", "fuel", "-A", "trust", "-N", "-E", "UTF8"]
        subprocess.run(
            [self._programs / "initdb", *argv, "--locale=C"],
            user=self._owner, group=self._owner, cwd="/", check=True, capture_output=True,
        )  # fmt: skip
        rules = self._data / "pg_hba.conf"
        rules.write_text(f"local all {GUARDED} scram-sha-256\n{rules.read_text()}")

    def start(self) -> None:
        given = [f"-c{each}" for each in ("listen_addresses=", *self._settings)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-k", self.folder, *given],
                user=self._owner, group=self._owner, cwd="/", stdout=log, stderr=log,
            )  # fmt: skip
        for _ in range(START_TIMEOUT_S * 20):
            try:
                self._connect().close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.05)
            else:
                return
        pytest.fail("PostgreSQL did not start")

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it; by default it breaks every connection off (SIGINT: "fast shutdown")."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(START_TIMEOUT_S)
            self._process = None

    def new_database(self) -> str:
        """Return the URL of a new, empty database."""
        name = f"registry_{os.getpid()}_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, name: str, *, user: str = "fuel") -> str:
        return f"postgresql+psycopg://{user}@/{name}?host={self.folder}"

    def execute(self, statement: str) -> None:
        with self._connect() as connection:
            connection.execute(statement.encode())

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.folder), user="fuel", dbname="postgres", autocommit=True
        )


@contextmanager
def running_postgres(*, settings: tuple[str, ...] = FAST) -> Iterator[PostgresServer]:
    """Give a server that runs; afterwards it is ended and its folder removed.

    pytest's own folders are private, and the server is another user: it gets one beside them.
    """
    folder = Path(tempfile.mkdtemp(prefix="registry-pg-"))
    server = PostgresServer(folder, settings=settings)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


NewUrl = Callable[[str], str]


def url_maker(request: pytest.FixtureRequest, folder: Path) -> NewUrl:
    """Return a function that gives the URL of a new database of one of :data:`KINDS`."""
    numbers = count(1)

    def new_url(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{folder}/registry-{next(numbers)}.sqlite"
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.new_database()

    return new_url
