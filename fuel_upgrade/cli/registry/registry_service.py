"""The registry, run until a signal ends it."""

import ipaddress
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sdnotify
import structlog

from fuel_upgrade.cli.console import print_json
from fuel_upgrade.cli.registry.database_choice import Place
from fuel_upgrade.cli.registry.open_registry import opened
from fuel_upgrade.daemon.log import configure
from fuel_upgrade.errors import ConfigError, OutsideError
from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.server import RegistryServer, TlsFiles
from fuel_upgrade.upgrade.plan.master import known_fuel_version
from fuel_upgrade.upgrade.releases.own_sources import render_own

_ENDING = {signal.SIGTERM, signal.SIGINT}
_LOOK_S = 1  # how often the server thread is checked

_log = structlog.get_logger("fuel_upgrade.registry")


@dataclass(frozen=True, slots=True)
class Listening:
    """The address of the registry, and the Nailgun version that it emulates."""

    host: str
    port: int
    master_ip: str
    dialect: str
    tls: TlsFiles | None


def serve_until_signal(place: Place, listening: Listening, *, as_json: bool) -> None:
    """Serve until SIGTERM or SIGINT, not SIGHUP; requests in progress are finished first."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that closes sends it
    config = place.config
    configure(None, level=config.log_level)
    if listening.tls is None and not _is_loopback(listening.host):
        _log.warning(
            "passwords and tokens cross the network unencrypted: the registry listens at"
            f" {listening.host} without --tls-cert"
        )
    with opened(place) as store:
        if not store.accounts.users():
            _log.warning("nobody can log in yet: fuel-upgrade registry user add NAME")
        app = create_app(
            store,
            master_ip=listening.master_ip,
            fuel_version=lambda: known_fuel_version(config),
            dialect=listening.dialect,
            # only a host with the repos can render the sources of nodes
            node_sources=partial(render_own, config) if config.paths.repos.is_dir() else None,
        )
        with (
            _signals_held(),
            RegistryServer(app, listening.host, listening.port, tls=listening.tls) as server,
        ):
            _log.info("ready", url=server.url, database=store.database.name)
            if as_json:
                print_json({"url": server.url, "database": store.database.name})
            _wait_for_signal(server)
    _log.info("stopped")


@contextmanager
def _signals_held() -> Iterator[None]:
    """Block the signals, also in threads that start meanwhile, for an explicit wait."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait_for_signal(server: RegistryServer) -> None:
    systemd = sdnotify.SystemdNotifier()
    systemd.notify("READY=1")
    while signal.sigtimedwait(_ENDING, _LOOK_S) is None:
        if not server.is_running:
            raise OutsideError(
                "the registry's server ended by itself", remedy="look in the log for the reason"
            )
    systemd.notify("STOPPING=1")


def tls_files(cert: Path | None, key: Path | None) -> TlsFiles | None:
    """Return the files for HTTPS, or None for HTTP.

    Raises:
        ConfigError: only one of them is configured.
    """
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise ConfigError("--tls-cert and --tls-key go together", remedy="name both files, or none")
    return TlsFiles(cert, key)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
