"""Output of the commands of ``fuel-upgrade bundle``."""

from typing import Any

from fuel_upgrade.bundle.manifest import RepoPart
from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.cli.console import echo, print_json, print_pairs, print_table
from fuel_upgrade.system.size import say_size


def show_head(head: BundleHead) -> None:
    """Print the header of a tarball."""
    print_pairs(
        {
            "tarball": f"{head.path} ({say_size(head.size_bytes)}, {len(head.sealed) + 1} files,"
            f" unpacks to {say_size(head.unpacked_bytes)})",
            "Fuel version": head.fuel_version,
            "upgrades from": ", ".join(head.description.upgrade_from),
            "installer": head.installer or "none",
            "seal": f"sha256:{head.seal_sha256} (not signed)",
        }
    )
    for release in head.releases:
        base = head.diff_releases.get(release.version)
        content = f"diff of {base}" if base else "full"
        echo(f"release: {release.name} ({release.version}), {content}")
    _show_repos(head.repos)
    show_venvs([part.to_json() for part in head.venvs])


def show_summary(summary: dict[str, Any], repos: tuple[RepoPart, ...], *, as_json: bool) -> None:
    """Print the summary of a built tarball."""
    if as_json:
        print_json(summary)
        return
    print_pairs(
        {
            "tarball": f"{summary['path']} ({say_size(summary['bytes'])},"
            f" {summary['files']} files)",
            "Fuel version": summary["fuel_version"],
            "upgrades from": ", ".join(summary["upgrade_from"]),
            **({"dropped": ", ".join(summary["dropped"])} if summary["dropped"] else {}),
        }
    )
    _show_repos(repos)
    show_venvs(summary["venvs"])


def show_venvs(parts: list[dict[str, Any]]) -> None:
    """Print the venvs in a tarball, if there are any."""
    rows = [
        (p["version"], p["tag"], f"{p['carried']} of {p['venvs']}", say_size(p["bytes"]))
        for p in parts
    ]
    if rows:
        echo()
        print_table(("venvs of", "tag", "in the tarball", "size"), rows, empty="")


def _show_repos(repos: tuple[RepoPart, ...]) -> None:
    rows = [
        (
            part.place,
            f"diff of {part.base}" if part.base else "full",
            f"{part.packages} of {part.full_packages}",
            f"{say_size(part.size_bytes)} of {say_size(part.full_size_bytes)}",
        )
        for part in repos
    ]
    columns = ("repo", "kind", "packages", "size, of the release's")
    echo()
    print_table(columns, rows, empty="no repos")
