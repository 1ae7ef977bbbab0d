"""Inputs that are costly to make, made once a worker, for the tests that start what is installed.

Their folders import them in a ``conftest.py``: unit tests do not pay for all that is loaded here.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.releases import RELEASES, write_inputs
from tests.host import Host, make_host
from tests.master import build
from tests.postgres import NewUrl, PostgresServer, running_postgres, url_maker


@pytest.fixture(scope="session")
def tarballs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The demo's tarballs by Fuel version: 5.1 full, 6.0 a diff, 6.0.1 that Nailgun refuses."""
    folder = tmp_path_factory.mktemp("tarballs")
    write_inputs(folder)
    return {
        release.fuel: build(
            folder / f"bundle-{release.fuel}.yaml", folder / f"fuel-{release.fuel}-upgrade.tar.zst"
        )
        for release in RELEASES
    }


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for all tests of a worker: each takes a database of its own."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> NewUrl:
    """What gives the URL of a new database, by its kind."""
    return url_maker(request, tmp_path)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A master of Fuel 5.0; its daemon is not started."""
    return make_host(tmp_path / "root")
