"""Expensive inputs of tests, built once a worker.

Their folders import them in a ``conftest.py``: unit tests do not pay for all that is loaded here.
"""

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.releases import RELEASES, write_inputs
from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from tests.host import Host, make_host
from tests.master import build
from tests.postgres import NewUrl, PostgresServer, running_postgres, url_maker


@pytest.fixture(scope="session")
def tarballs(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, Path]:
    """The demo's tarballs by Fuel version: 5.1 full, 6.0 a diff, 6.0.1 that Nailgun refuses.

    All workers share them: the first one makes them, the others wait for it.
    """
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "tarballs"
    folder.mkdir(exist_ok=True)
    actual = {r.fuel: folder / f"fuel-{r.fuel}-upgrade.tar.zst" for r in RELEASES}
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            write_inputs(folder)
            for fuel, tarball in actual.items():
                build(folder / f"bundle-{fuel}.yaml", tarball)
            (folder / "made").touch()
    return actual


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for all tests of a worker: each uses a new database."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> NewUrl:
    """Functions that give the URL of a new database, by its kind."""
    return url_maker(request, tmp_path)


@pytest.fixture
def nailgun_store(tmp_path: Path) -> Iterator[Store]:
    """The content of a Nailgun; its user admin has the password "right"."""
    store = Store.open(f"sqlite:///{tmp_path}/nailgun.sqlite")
    ensure_user(store, "admin", "right")
    yield store
    store.close()


@pytest.fixture
def nailgun(nailgun_store: Store) -> Iterator[str]:
    """The URL of a new Nailgun: the registry in this process."""
    app = create_app(nailgun_store, master_ip="10.20.0.2", fuel_version=lambda: "5.0")
    with RegistryServer(app, "127.0.0.1", 0) as server:
        yield server.url


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A master of Fuel 5.0; its daemon is not started."""
    return make_host(tmp_path / "root")
