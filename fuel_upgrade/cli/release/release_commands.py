"""``fuel-upgrade releases``: lists, shows, deletes and compares registered releases."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient, current_target, pass_client
from fuel_upgrade.cli.console import echo, json_is_wanted, print_json, print_pairs, print_table
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.option_values import OPERATING_SYSTEMS
from fuel_upgrade.cli.release.find_release import resolve
from fuel_upgrade.cli.release.release_table import print_releases
from fuel_upgrade.errors import ConfigError, UpgradeError
from fuel_upgrade.system.times import say_time


def list_all(context: click.Context) -> None:
    """List all releases, if the group is called without a command."""
    _list(current_target().client().get("/releases"), as_json=json_is_wanted(context))


@command(
    "fuel-upgrade releases list --os ubuntu",
    "fuel-upgrade releases list --state available --json",
    name="list",
)
@click.option(
    "--os", "system", type=click.Choice(OPERATING_SYSTEMS), help="Only of this operating system."
)
@click.option("--state", help="Only in this state, such as available.")
@pass_client
def list_releases(
    client: DaemonClient, *, system: str | None, state: str | None, as_json: bool
) -> None:
    """List releases, each with its repos."""
    releases = [
        release
        for release in client.get("/releases")
        if system in (None, release["operating_system"].lower())
        and state in (None, release["state"])
    ]
    _list(releases, as_json=as_json)


def _list(releases: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"releases": releases})
    else:
        print_releases(releases)


@command("fuel-upgrade releases show 3", "fuel-upgrade releases show 2014.2-6.0/ubuntu --json")
@click.argument("release", metavar="ID|VERSION[/OS]")
@pass_client
def show(client: DaemonClient, *, release: str, as_json: bool) -> None:
    """Show all of a release.

    Roles, repos in order, networks, the clusters that use it and the installs that registered it.
    For a VERSION each of its releases is shown; --json always prints a list.
    """
    releases = [_whole(client, match) for match in resolve(client.get("/releases"), release)]
    if as_json:
        print_json({"releases": releases})
        return
    for number, match in enumerate(releases):
        if number:
            echo()
        _show(match)


def _whole(client: DaemonClient, release: dict[str, Any]) -> dict[str, Any]:
    whole: dict[str, Any] = client.get(f"/releases/{release['id']}")
    return whole


def _show(release: dict[str, Any]) -> None:
    body = release["body"]
    roles = body.get("roles") or sorted(body.get("roles_metadata") or {})
    print_pairs(
        {
            "release": release["name"],
            "id": release["id"],
            "version": release["version"],
            "operating system": release["operating_system"],
            "state": release["state"],
            "roles": ", ".join(map(str, roles)) or "none",
            "networks": "; ".join(_networks(body.get("networks_metadata"))) or "none",
            "puppet manifests": release["puppet_manifests_source"] or "none",
            "puppet modules": release["puppet_modules_source"] or "none",
            "clusters": ", ".join(f"{c['name']} (id {c['id']})" for c in release["clusters"])
            or "none",
            "base of": ", ".join(map(_named, release["base_of"])) or "none",
            "registered by": ", ".join(_installs(release)) or "no install of this master's journal",
        }
    )
    echo()
    rows = [
        (number, repo["name"], _or_dash(repo.get("priority")), repo["location"])
        for number, repo in enumerate(release["repos"], 1)
    ]
    print_table(("", "repo", "priority", "location"), rows, empty="no repos")


def _or_dash(value: object) -> object:
    return "-" if value is None else value


def _named(release: dict[str, Any]) -> str:
    return f"{release['name']} ({release['version']}), id {release['id']}"


def _networks(metadata: object) -> Iterable[str]:
    """Return the networks of each provider (``nova_network``, ``neutron``)."""
    for provider, described in metadata.items() if isinstance(metadata, dict) else ():
        networks = described.get("networks") if isinstance(described, dict) else None
        names = [str(n.get("name")) for n in networks or () if isinstance(n, dict)]
        if names:
            yield f"{provider}: {', '.join(names)}"


def _installs(release: dict[str, Any]) -> Iterable[str]:
    for install in release["installs"]:
        undo = ", can be undone" if install["id"] == release["undoable"] else ""
        yield f"{install['id']} ({install['state']}, {say_time(install['started_s'])}{undo})"


@command("fuel-upgrade releases delete 2014.1.1-5.1/centos --yes")
@click.argument("chosen", metavar="ID|VERSION[/OS]...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--force", is_flag=True, help="Also if others build on it, or an install could be undone."
)
@pass_client
def delete(
    client: DaemonClient, *, chosen: tuple[str, ...], yes: bool, force: bool, as_json: bool
) -> None:
    """Delete releases from Nailgun, not from the disk.

    Their repos and puppet files stay. Refused while a cluster uses one, another release builds on
    it, or the install that registered it can be undone. fuel-upgrade gc retires releases with
    their files, and can be undone.
    """
    from fuel_upgrade.release.chain import newest_version_first
    from fuel_upgrade.upgrade.releases.deletion_rules import Ties, refusals, refused

    registered = client.get("/releases")
    chosen_by_id = {item["id"]: item for ref in chosen for item in resolve(registered, ref)}
    failures = [
        failure
        for release in chosen_by_id.values()
        for failure in refusals(
            Ties.from_json(_whole(client, release)), leaving=chosen_by_id.keys(), force=force
        )
    ]
    if failures:
        raise refused(failures)
    # newest first, so that no remaining release lacks its base meanwhile
    order = sorted(chosen_by_id.values(), key=lambda item: newest_version_first(item["version"]))
    if not yes:
        _ask(order)
    done = _delete_all(client, order, force=force)
    if as_json:
        print_json({"releases": done})
        return
    for item in done:
        echo(f"deleted: {_named(item['deleted'])}")
    _say_left([path for item in done for path in item["left"]])


def _ask(order: Sequence[dict[str, Any]]) -> None:
    if not sys.stdin.isatty():
        raise ConfigError("stdin is no terminal: cannot ask for confirmation", remedy="give --yes")
    for item in order:
        echo(_named(item), err=True)
    click.confirm("Delete from Nailgun? This is not undone by a rollback.", abort=True, err=True)


def _delete_all(
    client: DaemonClient, order: Sequence[dict[str, Any]], *, force: bool
) -> list[dict[str, Any]]:
    done: list[dict[str, Any]] = []
    suffix = "?force=true" if force else ""
    for item in order:
        try:
            done.append(client.delete(f"/releases/{item['id']}{suffix}"))
        except UpgradeError as error:
            before = "; ".join(_named(item["deleted"]) for item in done)
            raise error.amended(state=f"deleted before it: {before}" if done else None) from error
    return done


def _say_left(paths: Sequence[str]) -> None:
    if paths:
        echo("\nstays on disk, for nothing else here needs it:")
        for path in paths:
            echo(f"  {path}")
        echo(
            "Remove it by hand. fuel-upgrade gc retires releases that are registered together with"
            "\nsuch files, and can be undone: use it instead next time."
        )


@command(
    "fuel-upgrade releases diff 2014.1.1-5.1/ubuntu 2014.2-6.0/ubuntu",
    "fuel-upgrade releases diff openstack.yaml 3 --os centos",
    name="diff",
)
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@click.option(
    "--os", "system", type=click.Choice(OPERATING_SYSTEMS), help="Only of this operating system."
)
@pass_client
def diff(client: DaemonClient, *, one: str, other: str, system: str | None, as_json: bool) -> int:
    """Compare two releases field by field.

    The order and priority of repos count too. A and B are each the ID or VERSION[/OS] of a
    registered release, or a file: an openstack.yaml or an upgrade tarball. Releases of the same
    operating system are compared; a file only by the fields that it has and Nailgun shows, which
    excludes repos. Exit code 8 if they differ.
    """
    from fuel_upgrade.cli.release.diff_command import DIFFERENT, compare

    comparisons = compare(client, one, other, system)
    if as_json:
        print_json({"comparisons": [comparison.to_json() for comparison in comparisons]})
    else:
        for comparison in comparisons:
            comparison.show()
    return 0 if all(comparison.is_equal for comparison in comparisons) else DIFFERENT
