"""``fuel-upgrade registry serve``: the registry as a service of its own."""

from pathlib import Path

import click

from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.option_values import PATH, REGISTRY_DIALECTS
from fuel_upgrade.cli.registry.database_choice import Place, database_option, pass_place


@command(
    "fuel-upgrade registry serve",
    "fuel-upgrade registry serve --tls-cert chain.pem --tls-key key.pem",
)
@click.option("--host", help="Listen at this address; the default is registry.host.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Listen at this TCP port, 0 for a free one; the default is registry.port.",
)
@click.option("--master-ip", help="The value of {MASTER_IP}; the default is master_ip.")
@click.option(
    "--dialect",
    type=click.Choice(REGISTRY_DIALECTS),
    help="Answer as this line of Nailgun versions, 6.1 for all up to 9.x; the default is"
    " registry.dialect.",
)
@click.option("--tls-cert", type=PATH, help="Speak HTTPS, with this certificate chain (PEM).")
@click.option("--tls-key", type=PATH, help="The key of the certificate (PEM).")
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
    as_json: bool,
) -> None:
    """Run the registry in the foreground.

    It stops on SIGTERM or Ctrl-C, after the requests in progress, and ignores SIGHUP. Options
    override the settings of config.yaml. The log goes to stderr. With --json the address is printed
    to stdout once it listens.
    """
    from fuel_upgrade.cli.registry.registry_service import Listening, serve_until_signal, tls_files

    config = place.config
    listening = Listening(
        host=host or config.registry.host,
        port=config.registry.port if port is None else port,
        master_ip=master_ip or config.master_ip,
        dialect=dialect or config.registry.dialect,
        tls=tls_files(tls_cert, tls_key),
    )
    serve_until_signal(place, listening, as_json=as_json)
