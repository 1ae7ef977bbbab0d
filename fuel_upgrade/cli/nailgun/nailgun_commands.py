"""The commands that test the access to Nailgun without the daemon: nailgun check, nailgun login."""

import os

import click

from fuel_upgrade.cli.client.daemon_client import Target
from fuel_upgrade.cli.console import echo, print_json, print_pairs, report
from fuel_upgrade.cli.group import command


@command("fuel-upgrade nailgun check", "fuel-upgrade nailgun check --json")
@click.pass_obj
def check(target: Target, *, as_json: bool) -> int:
    """Show the configured access to Nailgun, and whether a login works.

    Exit code 7 if not.
    """
    from fuel_upgrade.cli.nailgun.nailgun_access import describe, read_settings, try_access
    from fuel_upgrade.nailgun.credentials import read_access

    access = read_access(read_settings(target), os.environ)
    access_report = try_access(access.settings)
    if as_json:
        print_json({**describe(access), **access_report.to_json()})
    else:
        described = {name: value or "none" for name, value in describe(access).items()}
        print_pairs({**described, **access_report.to_pairs()})
        if access_report.error is not None:
            report(access_report.error)
    return 0 if access_report.error is None else access_report.error.exit_code


@command("fuel-upgrade nailgun login")
@click.pass_obj
def login(target: Target, *, as_json: bool) -> None:
    """Ask for the password of Nailgun, test it and save it.

    It is written to nailgun.password_file, for the daemon.
    """
    from fuel_upgrade.cli.nailgun.nailgun_access import ask_and_keep

    done = ask_and_keep(target)
    if as_json:
        print_json(done.to_json())
        return
    echo(f"logged in, Keystone {done.keystone}; the password is in {done.place}")
    echo("the daemon reads it with the next login that Nailgun refuses, or at once by:")
    echo("systemctl reload fuel-upgrade")
