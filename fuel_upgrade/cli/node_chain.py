"""Which repos a command for nodes means: those of a registered release, or those given."""

from collections.abc import Callable

import click

from fuel_upgrade.cli.client import DaemonClient
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.sources import NodeSource, from_release, parse_repo_argument
from fuel_upgrade.release.model import RegisteredRelease

release_argument = click.argument("release", required=False)
os_option = click.option("--os", "os_key", type=click.Choice(["ubuntu", "centos"]), required=True)
repos_option = click.option(
    "--repos", help="Take these repos instead of a release's: newest first, with commas."
)
timeout_option = click.option(
    "--timeout", "timeout_s", type=float, default=30.0, show_default=True, help="Seconds a repo."
)


def find_chain(
    client: Callable[[], DaemonClient], release: str | None, repos: str | None, os_key: str
) -> tuple[NodeSource, ...]:
    """Return the chain that RELEASE or ``--repos`` names; the daemon is asked for a release only.

    Raises:
        ConfigError: both or neither are given, or no release or several match.
    """
    if (release is None) == (repos is None):
        raise ConfigError(
            "expected either RELEASE or --repos", remedy="name a release, or the repos' URLs"
        )
    if repos is not None:
        return tuple(parse_repo_argument(text.strip(), os_key) for text in repos.split(","))
    listed = [RegisteredRelease.from_json(data) for data in client().get("/releases")]
    return from_release(_pick(listed, str(release), os_key))


def _pick(listed: list[RegisteredRelease], wanted: str, os_key: str) -> RegisteredRelease:
    """Return the one release that ``wanted`` names for this operating system."""
    matching = [
        r for r in listed if r.os_key == os_key and wanted in (str(r.id), r.version, r.name)
    ]
    if len(matching) != 1:
        known = ", ".join(f"{r.id}: {r.name} ({r.version})" for r in listed) or "none"
        raise ConfigError(
            f"{wanted}: {len(matching)} releases for {os_key} match (registered: {known})",
            remedy="name one of them by its id, see fuel-upgrade releases",
        )
    return matching[0]
