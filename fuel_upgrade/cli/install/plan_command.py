"""``fuel-upgrade plan``: shows and saves the plan of an install."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.client.daemon_client import DaemonClient, pass_client
from fuel_upgrade.cli.console import echo, print_folded, print_json, print_table
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.operator_files import read_json, write_json, write_text
from fuel_upgrade.cli.option_values import PATH
from fuel_upgrade.errors import ConfigError, PreflightError
from fuel_upgrade.system.new_output import require_new
from fuel_upgrade.system.size import say_size

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
    type=PATH,
    help="Where packages of the base are missing here, write to this file which.",
)


@command(
    "fuel-upgrade plan fuel-6.0-upgrade.tar.zst",
    "fuel-upgrade plan fuel-6.0-upgrade.tar.zst --out plan.json",
    "fuel-upgrade plan /root/tarballs --packages",
)
@click.argument("tarballs", metavar="TARBALL...", nargs=-1, required=True, type=PATH)
@verify_option
@view_option
@repair_option
@click.option("--packages", is_flag=True, help="Name every package that changes.")
@click.option("--out", type=PATH, help="Also write the plan to this file, for install --plan.")
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
    """Show the changes that an install would make.

    The command changes nothing. For several tarballs, or a folder of them, it shows their order and
    the steps of the first. --out saves the plan; install --plan carries out exactly that plan, or
    refuses.
    """
    request = request_of(tarballs, verify_base=verify_base, full_view=full_view)
    with writing_repair(client, request, repair):
        plan_json = client.post("/plans", request)
    if out is not None:
        _keep(plan_json, out)
    show_plan(plan_json, as_json=as_json, packages=packages)


def request_of(tarballs: tuple[Path, ...], *, verify_base: bool, full_view: bool) -> dict[str, Any]:
    """Return the request body for these tarballs; empty if a plan names the tarball."""
    # the daemon follows no link to a tarball: its target is chosen here, with the user's own rights
    paths = [os.path.realpath(p) if p.is_symlink() else str(p.absolute()) for p in tarballs]
    which: dict[str, Any] = {"tarball": paths[0]} if len(paths) == 1 else {"tarballs": paths}
    return {**which, "verify_base": verify_base, "full_view": full_view}


def read_plan(path: Path) -> dict[str, Any]:
    """Read a saved plan, without the packages, which may be many; the daemon validates it.

    Raises:
        ConfigError: it cannot be read, or is not a JSON object.
    """
    remedy = "name a file of fuel-upgrade plan --out"
    kept = read_json(path, "a plan", remedy=remedy)
    if not isinstance(kept, dict):
        kind = type(kept).__name__
        raise ConfigError(f"{path}: not a plan: expected an object, found {kind}", remedy=remedy)
    return {name: value for name, value in kept.items() if name != "packages"}


def _keep(shown: dict[str, Any], out: Path) -> None:
    if "order" in shown:
        raise ConfigError("--out needs one tarball", remedy="name the first of the order")
    if "install" in shown:
        raise PreflightError(
            f"Fuel {shown['fuel_version']} is already installed: there is no plan to save",
            remedy="leave out --out",
            code="already-installed",
        )
    write_json(out, shown)


@contextmanager
def writing_repair(
    client: DaemonClient, request: dict[str, Any], out: Path | None
) -> Iterator[None]:
    """Write a repair request to ``out`` if the checks fail because of missing packages.

    Raises:
        ConfigError: ``out`` exists, or several tarballs are given.
    """
    if out is not None:
        require_new(out)
    if out is not None and ("tarball" not in request or Path(request["tarball"]).is_dir()):
        raise ConfigError("--repair-request needs one tarball", remedy="name the refused one")
    try:
        yield
    except PreflightError:
        if out is not None:
            needed = {name: request[name] for name in ("tarball", "verify_base")}
            shown = client.post("/repair-requests", needed)["request"]
            if shown is not None:
                _write_request(out, shown)
        raise


def _write_request(out: Path, request: dict[str, Any]) -> None:
    from fuel_upgrade.bundle.repair_request import render

    write_text(out, render(request))
    echo(f"the missing packages are listed in {out}: take it to the build side", err=True)


def show_plan(shown: dict[str, Any], *, as_json: bool, packages: bool = False) -> None:
    """Print a plan, or the order of several tarballs and the plan of the first."""
    if as_json:
        print_json(shown)
        return
    if "install" in shown:
        echo(
            f"installed already: Fuel {shown['fuel_version']}, id {shown['install']};"
            " an install would change nothing"
        )
        return
    if "order" not in shown:
        _show_one(shown, packages=packages)
        return
    from fuel_upgrade.cli.client.job_stream import order_lines
    from fuel_upgrade.upgrade.event_json import parse_fields
    from fuel_upgrade.upgrade.events import OrderChosen

    for line in order_lines(parse_fields(OrderChosen, shown)):
        echo(line)
    if shown["first"]:
        echo()
        _show_one(shown["first"], packages=packages)


def _show_one(shown: dict[str, Any], *, packages: bool) -> None:
    echo(f"Fuel {shown['fuel_from']} -> {shown['fuel_to']}\n")
    for warning in shown.get("warnings", ()):
        print_folded(f"warning: {warning}", indent=2)
        echo()
    _show_running(shown["running_tasks"])
    _show_releases(shown["releases"])
    _show_packages(shown["packages"], named=packages)
    echo("\nsteps, each with its undo:")
    width = len(str(len(shown["steps"])))
    for step in shown["steps"]:
        print_folded(f"{step['number']:>{width + 2}}. {step['title']}", width + 4)
        print_folded(f"{'':{width + 4}}undo: {step['undo']}", width + 10)
    _show_calls(shown["calls"])
    _show_costs(shown)


def _show_releases(releases: list[dict[str, Any]]) -> None:
    echo("releases, each with its repos, newest first:")
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
        echo("Until it is not, an install waits (--wait-for-tasks) or is refused.\n")


def _base_note(release: dict[str, Any]) -> str:
    base = release["base_found"]
    if base is None or base["found"] in (None, base["named"]):
        return ""
    count = base["inherited"]
    return f": {base['found']} has all {count} packages and is used in place of {base['named']}"


def _show_packages(repos: list[dict[str, Any]], *, named: bool) -> None:
    echo("\npackages of each repo, since its base:")
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
        echo(f"\n  {repo['version']} {repo['operating_system']}:")
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
        echo(f"\n{title}")
        for call in calls:
            if call["undo"] is undo:
                print_folded(
                    f"  {call['count']:>3} x {call['method']:<6} {call['path']}: {call['purpose']}",
                    8,
                )


def _show_costs(shown: dict[str, Any]) -> None:
    echo(f"\nreads {say_size(shown['read_bytes'])}, writes {say_size(shown['write_bytes'])}")
    for disk in shown["disks"]:
        sizes = {
            k.removesuffix("_bytes"): say_size(v) for k, v in disk.items() if k[-6:] == "_bytes"
        }
        print_folded(
            f"disk {disk['mount_point']}: {sizes['free']} free; takes {sizes['needed']},"
            f" which leaves {sizes['peak_free']} (at least {sizes['reserve']} must stay);"
            f" then {sizes['released']} of earlier backups are deleted:"
            f" {sizes['after_free']} free; of the live files, {sizes['backup']} are kept as"
            " the new backup",
            2,
        )
    bound = shown["memory"]["bound_bytes"]
    echo(f"memory of the daemon: at most {say_size(bound) if bound else 'unknown (xz)'}")
