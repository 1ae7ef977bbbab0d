"""``fuel-upgrade venv deploy``, ``verify``, ``rollback``: the venvs of this host."""

from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.console import print_json, print_pairs
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.option_values import PATH
from fuel_upgrade.errors import BundleError, OutsideError, PreflightError, StepError

_SERVICE = click.argument("service")
_TAG = click.option("--tag", required=True, help="The tag of the venv.")
_DIRECTORY = click.option(
    "--directory",
    type=PATH,
    default=Path("/openstack/venvs"),
    help="The folder of the venvs. Default: /openstack/venvs.",
)


@command("fuel-upgrade venv deploy horizon --tag 13.1.0 --url http://repo:8181")
@_SERVICE
@_TAG
@click.option("--url", required=True, help="The repo server.")
@_DIRECTORY
@click.option("--platform", help="Default: the platform of this host.")
@click.option("--ca-file", type=PATH, help="Certificates of the repo server's authority.")
@click.option("--rate", type=click.IntRange(0), default=0, help="Bytes a second; 0: no limit.")
@click.option(
    "--jitter",
    "jitter_s",
    type=click.FloatRange(0),
    default=0,
    help="Wait a random time first, at most so many seconds.",
)
@click.option("--check", "check_only", is_flag=True, help="Only show the changes.")
@click.option("--content", is_flag=True, help="Compare the checksums of all files first.")
def deploy(  # noqa: PLR0913 - an option each
    *,
    service: str,
    tag: str,
    url: str,
    directory: Path,
    platform: str | None,
    ca_file: Path | None,
    rate: int,
    jitter_s: float,
    check_only: bool,
    content: bool,
    as_json: bool,
) -> None:
    """Deploy the venv of SERVICE if the published one differs.

    The new venv is proved beside the old one, then a link is switched. If the check of the service
    fails, the former venv is active again.
    """
    _carry_out(
        "deploy",
        as_json=as_json,
        service=service,
        tag=tag,
        url=url,
        directory=directory,
        platform=platform,
        ca_file=str(ca_file) if ca_file else None,
        rate=rate,
        jitter_s=jitter_s,
        check_only=check_only,
        content=content,
    )


@command("fuel-upgrade venv verify horizon --tag 13.1.0")
@_SERVICE
@_TAG
@_DIRECTORY
def verify(*, service: str, tag: str, directory: Path, as_json: bool) -> None:
    """Compare the active venv of SERVICE with its description, by checksum.

    Bytecode that the service wrote is accepted.
    """
    _carry_out("verify", as_json=as_json, service=service, tag=tag, directory=directory)


@command("fuel-upgrade venv rollback horizon --tag 13.1.0")
@_SERVICE
@_TAG
@_DIRECTORY
def rollback(*, service: str, tag: str, directory: Path, as_json: bool) -> None:
    """Make the previous venv of SERVICE the active one again."""
    _carry_out("rollback", as_json=as_json, service=service, tag=tag, directory=directory)


@command("fuel-upgrade venv deployer -o deploy-venv.pyz")
@click.option("-o", "--output", "out", type=PATH, required=True, help="The new file.")
def deployer(*, out: Path, as_json: bool) -> None:
    """Write the deployer as one file, which needs nothing on a host but Python 3.9 or newer."""
    from fuel_upgrade.venv.deployer_file import write_deployer

    write_deployer(out)
    if as_json:
        print_json({"path": str(out)})
    else:
        print_pairs({"deployer": out})


_FAMILIES = {
    family.exit_code: family for family in (BundleError, PreflightError, StepError, OutsideError)
}


def _carry_out(action: str, *, as_json: bool, **values: Any) -> None:
    from fuel_upgrade.venv.host.deploy_error import DeployError
    from fuel_upgrade.venv.host.request import DeployRequest

    try:
        result = DeployRequest(action, **values).carry_out()
    except DeployError as error:
        raise _FAMILIES[error.exit_code](str(error), remedy=error.remedy) from error
    if as_json:
        print_json(result)
        return
    print_pairs(
        {
            "changed": "yes" if result["changed"] else "no",
            "from": result["from"] or "none",
            "to": result["to"],
        }
    )
