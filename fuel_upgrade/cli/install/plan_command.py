"""``fuel-upgrade plan``: what an install would do, to look at and to keep."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient, pass_client
from fuel_upgrade.cli.client.follow_job import order_lines
from fuel_upgrade.cli.console import json_option, print_folded, print_json, print_table
from fuel_upgrade.cli.group import examples
from fuel_upgrade.errors import ConfigError, PreflightError
from fuel_upgrade.system.size import say_size
from fuel_upgrade.upgrade.event_json import parse_fields
from fuel_upgrade.upgrade.events import OrderChosen

_PATH = click.Path(path_type=Path)
_KINDS = ("added", "upgraded", "rebuilt", "downgraded", "removed")

verify_option = click.option(
    "--verify-base",
    is_flag=True,
    help="Compute the checksum of every package that is inherited from repos here.",
)
view_option = click.option(
    "--full-view", is_flag=True, help="Also build the full view of each repo that is a diff."
)
repair_option = click.option(
    "--repair-request",
    "repair",
    type=_PATH,
    help="Where packages of the base are missing here, write to this file which.",
)


@click.command(
    epilog=examples(
        "fuel-upgrade plan fuel-6.0-upgrade.tar.zst",
        "fuel-upgrade plan fuel-6.0-upgrade.tar.zst --out plan.json",
        "fuel-upgrade plan /root/tarballs --packages",
    )
)
@click.argument("tarballs", metavar="TARBALL...", nargs=-1, required=True, type=_PATH)
@verify_option
@view_option
@repair_option
@click.option("--packages", is_flag=True, help="Name every package that changes.")
@click.option("--out", type=_PATH, help="Also write the plan to this file, for install --plan.")
@json_option
@pass_client
def plan(  # noqa: PLR0913 - an option each
    client: DaemonClient,
    *,
    tarballs: tuple[Path, ...],
    verify_base: bool,
    full_view: bool,
    repair: Path | None,
    packages: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Show what installing a tarball would do; changes nothing.

    Of several tarballs, or a folder of them: in which order, and the steps of the first. With
    --out the plan is kept, and install --plan carries out just that, or refuses.
    """
    request = request_of(tarballs, verify_base=verify_base, full_view=full_view)
    with writing_repair(client, request, repair):
        found = client.post("/plans", request)
    if out is not None:
        _keep(found, out)
    show_plan(found, as_json=as_json, packages=packages)


def request_of(tarballs: tuple[Path, ...], *, verify_base: bool, full_view: bool) -> dict[str, Any]:
    """Return the body that asks for these tarballs; none where a plan names it."""
    paths = [str(path.absolute()) for path in tarballs]
    which: dict[str, Any] = {"tarball": paths[0]} if len(paths) == 1 else {"tarballs": paths}
    return {**which, "verify_base": verify_base, "full_view": full_view}


def read_plan(path: Path) -> dict[str, Any]:
    """Read a kept plan; the daemon looks whether it is one.

    Raises:
        ConfigError: it cannot be read, or is no JSON object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}: not a plan: {error}", remedy="name what fuel-upgrade plan --out wrote"
        ) from error
    if not isinstance(found, dict):
        raise ConfigError(
            f"{path}: not a plan: expected an object, found {type(found).__name__}",
            remedy="name what fuel-upgrade plan --out wrote",
        )
    return found


def _keep(found: dict[str, Any], out: Path) -> None:
    if "order" in found:
        raise ConfigError("--out is about one tarball", remedy="name one, the first of the order")
    if "install" in found:
        raise PreflightError(
            f"Fuel {found['fuel_version']} is installed already: there is no plan to keep",
            remedy="leave out --out",
            code="already-installed",
        )
    from fuel_upgrade.system.files import write_file

    try:
        write_file(out, (json.dumps(found, indent=2) + "\n").encode())
    except OSError as error:
        raise ConfigError(f"{out}: {error}", remedy="name a file that can be written") from error


@contextmanager
def writing_repair(
    client: DaemonClient, request: dict[str, Any], out: Path | None
) -> Iterator[None]:
    """Write what the master lacks to ``out`` if the checks fail.

    Raises:
        ConfigError: ``out`` exists, or several tarballs are meant.
    """
    if out is not None and out.exists():
        raise ConfigError(f"{out}: exists already", remedy="name a new file, or remove this one")
    if out is not None and ("tarball" not in request or Path(request["tarball"]).is_dir()):
        raise ConfigError(
            "--repair-request is about one tarball", remedy="name the one that was refused"
        )
    try:
        yield
    except PreflightError:
        found = client.post("/repair-requests", request)["request"] if out is not None else None
        if out is not None and found is not None:
            _write_request(out, found)
        raise


def _write_request(out: Path, found: dict[str, Any]) -> None:
    from fuel_upgrade.bundle.repair_request import render

    try:
        out.write_text(render(found), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{out}: {error}", remedy="name a file that can be written") from error
    click.echo(f"what is missing was written to {out}: take it to the build side", err=True)


def show_plan(found: dict[str, Any], *, as_json: bool, packages: bool = False) -> None:
    """Print a plan, or the order of several tarballs and the plan of the first."""
    if as_json:
        print_json(found)
        return
    if "install" in found:
        click.echo(
            f"installed already: Fuel {found['fuel_version']}, id {found['install']};"
            " an install would change nothing"
        )
        return
    if "order" not in found:
        _show_one(found, packages=packages)
        return
    for line in order_lines(parse_fields(OrderChosen, found)):
        click.echo(line)
    if found["first"]:
        click.echo()
        _show_one(found["first"], packages=packages)


def _show_one(found: dict[str, Any], *, packages: bool) -> None:
    click.echo(f"Fuel {found['fuel_from']} -> {found['fuel_to']}\n")
    for warning in found.get("warnings", ()):
        print_folded(f"warning: {warning}", indent=2)
        click.echo()
    _show_running(found["running_tasks"])
    _show_releases(found["releases"])
    _show_packages(found["packages"], named=packages)
    click.echo("\nsteps, each with its undo:")
    width = len(str(len(found["steps"])))
    for step in found["steps"]:
        print_folded(f"{step['number']:>{width + 2}}. {step['title']}", width + 4)
        print_folded(f"{'':{width + 4}}undo: {step['undo']}", width + 10)
    _show_calls(found["calls"])
    _show_costs(found)


def _show_releases(releases: list[dict[str, Any]]) -> None:
    click.echo("releases, each with its repos, newest first:")
    for release in releases:
        print_folded(f"  {release['name']} ({release['version']}){_base_note(release)}", 4)
        for repo in release["repos"]:
            print_folded(f"    {repo['name']}: {repo['location']}", 6)
        if release["full_view"]:
            print_folded(f"    or alone, the full view: {release['full_view']}", 6)


def _show_running(tasks: list[dict[str, Any]]) -> None:
    for task in tasks:
        print_folded(f"Nailgun is at work: {task['what']}", 2)
    if tasks:
        click.echo("Until it is not, an install waits (--wait-for-tasks) or is refused.\n")


def _base_note(release: dict[str, Any]) -> str:
    base = release["base_found"]
    if base is None or base["found"] in (None, base["named"]):
        return ""
    count = base["inherited"]
    return f": {base['found']} has all {count} packages and is taken in place of {base['named']}"


def _show_packages(repos: list[dict[str, Any]], *, named: bool) -> None:
    click.echo("\npackages of each repo, since its base:")
    rows = [
        (
            f"  {repo['version']} {repo['operating_system']}",
            *(repo["counts"].get(kind, 0) for kind in _KINDS),
            repo["inherited"],
        )
        for repo in repos
    ]
    print_table(("  repo", *_KINDS, "kept"), rows, empty="  none")
    for repo in repos if named else ():
        click.echo(f"\n  {repo['version']} {repo['operating_system']}:")
        if repo["note"]:
            print_folded(f"    {repo['note']}", 4)
        for change in repo["changes"]:
            print_folded(f"    {_change(change)}", 6)


def _change(change: dict[str, Any]) -> str:
    old, new = (", ".join(change[side]) for side in ("old_versions", "new_versions"))
    versions = " -> ".join(dict.fromkeys(side for side in (old, new) if side))
    return f"{change['kind']}: {change['name']} ({change['architecture']}) {versions}"


def _show_calls(calls: list[dict[str, Any]]) -> None:
    for undo, title in ((False, "requests to Nailgun:"), (True, "and to undo it:")):
        click.echo(f"\n{title}")
        for call in calls:
            if call["undo"] is undo:
                print_folded(
                    f"  {call['count']:>3} x {call['method']:<6} {call['path']}: {call['purpose']}",
                    8,
                )


def _show_costs(found: dict[str, Any]) -> None:
    click.echo(f"\nreads {say_size(found['read_bytes'])}, writes {say_size(found['write_bytes'])}")
    for disk in found["disks"]:
        sizes = {
            k.removesuffix("_bytes"): say_size(v) for k, v in disk.items() if k[-6:] == "_bytes"
        }
        print_folded(
            f"disk {disk['mount_point']}: {sizes['free']} free; takes {sizes['needed']},"
            f" which leaves {sizes['peak_free']} (at least {sizes['reserve']} must stay);"
            f" then {sizes['released']} of earlier backups are given up:"
            f" {sizes['after_free']} free; of what is live now, {sizes['backup']} are kept as"
            " the new backup",
            2,
        )
    bound = found["memory"]["bound_bytes"]
    click.echo(f"memory of the daemon: at most {say_size(bound) if bound else 'unknown (xz)'}")
