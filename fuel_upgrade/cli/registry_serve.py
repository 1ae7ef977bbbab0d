"""``fuel-upgrade registry serve``: the registry as a service of its own."""

import ipaddress
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
import sdnotify
import structlog

from fuel_upgrade.cli.registry_place import Place, database_option, opened, pass_place
from fuel_upgrade.config import DIALECTS
from fuel_upgrade.daemon.log import configure
from fuel_upgrade.errors import ConfigError, OutsideError
from fuel_upgrade.registry.app import create_app
from fuel_upgrade.registry.server import RegistryServer, TlsFiles
from fuel_upgrade.upgrade.master import known_fuel_version
from fuel_upgrade.upgrade.own_sources import render_own

_PATH = click.Path(path_type=Path)
_ENDING = {signal.SIGTERM, signal.SIGINT}
_LOOK_S = 1  # how soon a server that died by itself is noticed

_log = structlog.get_logger("fuel_upgrade.registry")


@click.command()
@click.option("--host", help="Listen at this address; the default is registry.host.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Listen at this TCP port, 0 for a free one; the default is registry.port.",
)
@click.option("--master-ip", help="The value of {MASTER_IP}; the default is master_ip.")
@click.option(
    "--dialect",
    type=click.Choice(DIALECTS[1:]),
    help="Answer as this line of Nailgun versions, 6.1 for all up to 9.x; the default is"
    " registry.dialect.",
)
@click.option("--tls-cert", type=_PATH, help="Speak HTTPS, with this certificate chain (PEM).")
@click.option("--tls-key", type=_PATH, help="The key of the certificate (PEM).")
@database_option
@pass_place
def serve(  # noqa: PLR0913 - an option each
    place: Place,
    *,
    host: str | None,
    port: int | None,
    master_ip: str | None,
    dialect: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
) -> None:
    """Run the registry in the foreground until SIGTERM or Ctrl-C.

    What is under way is finished first. The settings are those of config.yaml; an option takes
    the place of one. The log goes to stderr.
    """
    config = place.config
    host = host or config.registry.host
    tls = _tls_files(tls_cert, tls_key)
    configure(None, level=config.log_level)
    if tls is None and not _is_loopback(host):
        _log.warning(
            f"passwords and tokens cross the network unencrypted: the registry listens at {host}"
            " without --tls-cert"
        )
    with opened(place) as store:
        if not store.accounts.users():
            _log.warning("nobody can log in yet: fuel-upgrade registry user add NAME")
        app = create_app(
            store,
            master_ip=master_ip or config.master_ip,
            fuel_version=lambda: known_fuel_version(config),
            dialect=dialect or config.registry.dialect,
            # only a host that has the repos can tell what nodes get of them
            node_sources=partial(render_own, config) if config.paths.repos.is_dir() else None,
        )
        with _signals_held():
            listening = config.registry.port if port is None else port
            with RegistryServer(app, host, listening, tls=tls) as server:
                _log.info("ready", url=server.url, database=store.database.name)
                _serve_until_signal(server)
    _log.info("stopped")


@contextmanager
def _signals_held() -> Iterator[None]:
    """Keep the signals for who waits for them; threads that start meanwhile never get one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve_until_signal(server: RegistryServer) -> None:
    systemd = sdnotify.SystemdNotifier()
    systemd.notify("READY=1")
    while signal.sigtimedwait(_ENDING, _LOOK_S) is None:
        if not server.is_running:
            raise OutsideError(
                "the registry's server ended by itself", remedy="look in the log for the reason"
            )
    systemd.notify("STOPPING=1")


def _tls_files(cert: Path | None, key: Path | None) -> TlsFiles | None:
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
