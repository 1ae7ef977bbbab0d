"""The registry that runs inside the daemon, and the daemon's own access to it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fuel_upgrade.config import Config, NailgunSettings
from fuel_upgrade.daemon.api_socket import listening
from fuel_upgrade.nailgun.keystone import TokenKeeper
from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from fuel_upgrade.system.files import refuse_open_file, write_file
from fuel_upgrade.upgrade.plan.master import known_fuel_version
from fuel_upgrade.upgrade.releases.own_sources import render_own

_USER = "fuel-upgrade"
_SOCKET = "reg.sock"  # no longer than api.sock: the system allows 107 bytes


@dataclass(frozen=True, slots=True)
class EmbeddedRegistry:
    """The access to the embedded registry: by a socket that only the daemon can open.

    Other users can neither fill its queue nor have its logins delayed.
    """

    settings: NailgunSettings
    socket: Path


@contextmanager
def embedded_registry(config: Config, keeper: TokenKeeper) -> Iterator[EmbeddedRegistry]:
    """Run the embedded registry, at its port and at a socket of the daemon's own.

    It gives ``keeper`` its first token without a login.
    """
    _migrate_apart(config)
    store = Store.open(config.registry_url, backups=config.paths.state)
    password = _read_password(config.paths.registry_password)
    user = ensure_user(store, _USER, password)
    keeper.token, _ = store.accounts.issue_token(user)
    app = create_app(
        store,
        master_ip=config.master_ip,
        fuel_version=lambda: known_fuel_version(config),
        dialect=config.registry.dialect,
        node_sources=partial(render_own, config),
    )
    path = config.paths.socket.with_name(_SOCKET)
    with (
        listening(path, group=None) as listener,
        RegistryServer(app, listener=listener),
        RegistryServer(app, config.registry.host, config.registry.port) as server,
    ):
        # not the configured access, which is for a Nailgun that does not exist
        settings = NailgunSettings(
            url=server.url,
            keystone_version="v2.0",
            username=_USER,
            password=password,
            dialect=config.registry.dialect,
            timeout_s=config.nailgun.timeout_s,
            deadline_s=config.nailgun.deadline_s,
            retries=config.nailgun.retries,
        )
        yield EmbeddedRegistry(settings, path)
    store.close()


def _migrate_apart(config: Config) -> None:
    """Migrate the registry in another process, which loads alembic: this one would keep 10 MiB.

    A failure has no effect, since the registry is opened afterwards, with the same failure.
    """
    process = os.fork()  # before the first thread, and before SQLite opens a file
    if process == 0:
        try:
            Store.open(config.registry_url, backups=config.paths.state).close()
        finally:
            os._exit(0)
    os.waitpid(process, 0)


def _read_password(path: Path) -> str:
    """Return the daemon's own password for the registry, created at the first start."""
    if not path.exists():
        write_file(path, secrets.token_urlsafe(32).encode(), mode=0o600)
    return refuse_open_file(path).read_text()
