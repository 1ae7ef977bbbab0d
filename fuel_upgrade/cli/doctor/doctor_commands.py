"""The commands that check a host: fuel-upgrade doctor, and config check."""

from pathlib import Path

import click

from fuel_upgrade.cli.client.daemon_client import Target
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.option_values import PATH


@command(
    "fuel-upgrade doctor",
    "fuel-upgrade doctor --json",
    "fuel-upgrade doctor --bundle /root/support.tar.gz",
)
@click.option("--bundle", type=PATH, metavar="FILE", help="Also pack all for support into FILE.")
@click.option("--force", is_flag=True, help="Let --bundle replace a file that exists.")
@click.pass_obj
def doctor(target: Target, *, bundle: Path | None, force: bool, as_json: bool) -> int:
    """Check this host for causes of failures.

    It needs no daemon and changes nothing. Exit code 0: no check failed, warnings aside; 2: the
    configuration alone is wrong; 4: another check failed. With --bundle, logs, journal,
    configuration, versions and the state of the unit are packed, passwords and tokens masked.
    """
    from fuel_upgrade.cli.doctor.doctor_output import check_and_pack

    return check_and_pack(target, bundle, force=force, as_json=as_json)


@command("fuel-upgrade config check", name="check")
@click.pass_obj
def check_config(target: Target, *, as_json: bool) -> int:
    """Check the configuration file.

    All faults are reported at once, and which users can read or change the file. Exit code 2 if
    there is a fault. The command needs no daemon; fuel-upgrade doctor checks more.
    """
    from fuel_upgrade.cli.doctor.doctor_output import check_settings

    return check_settings(target, as_json=as_json)
