"""The command that systemctl reload runs: fuel-upgrade config reload."""

from fuel_upgrade.cli.client.daemon_client import DaemonClient, pass_client
from fuel_upgrade.cli.console import echo, print_json
from fuel_upgrade.cli.group import command


@command("fuel-upgrade config reload", name="reload")
@pass_client
def reload_config(client: DaemonClient, *, as_json: bool) -> None:
    """Reload the configuration file in the daemon.

    A running job keeps the settings that it began with. If the file is invalid, the daemon keeps
    its settings, and the exit code is 2. systemctl reload fuel-upgrade runs this command.
    """
    answer = client.post("/reloads", {})
    if as_json:
        print_json(answer)
        return
    echo(f"reloaded: {', '.join(answer['changed']) or 'nothing changed'}")
    if answer["need_restart"]:
        names = ", ".join(answer["need_restart"])
        echo(f"only after systemctl restart fuel-upgrade: {names}")
