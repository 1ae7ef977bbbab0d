"""``fuel-upgrade bundle``: upgrade tarballs."""

from pathlib import Path
from typing import Any

import click

from fuel_upgrade.bundle.manifest import RepoPart
from fuel_upgrade.bundle.verify import read_head
from fuel_upgrade.cli.console import (
    json_option,
    print_json,
    print_pairs,
    print_table,
    progress_bar,
)
from fuel_upgrade.cli.report import report_bundle
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.system.size import say_size

_PATH = click.Path(path_type=Path)


@click.group()
def bundle() -> None:
    """Build, repair and inspect upgrade tarballs."""


bundle.add_command(report_bundle)


@bundle.command()
@click.argument("spec", metavar="BUNDLE_YAML", type=_PATH)
@click.option(
    "-o", "--output", "out", type=_PATH, required=True, help="The new file: .tar.zst, or .tar."
)
@json_option
def build(*, spec: Path, out: Path, as_json: bool) -> None:
    """Build an upgrade tarball from the parts that BUNDLE_YAML names.

    The same input gives the same bytes. Nothing appears under the output's name unless the
    tarball is whole.
    """
    # Only here: building needs libraries that a master, which inspects, may lack.
    from fuel_upgrade.bundle.pack import build_bundle  # noqa: PLC0415
    from fuel_upgrade.bundle.spec import parse_spec  # noqa: PLC0415

    text = _read_text(spec, "a bundle.yaml")
    with progress_bar(quiet=as_json) as progress:
        summary = build_bundle(parse_spec(text, source=spec), out, progress=progress)
    _show_summary(summary.to_json(), summary.repos, as_json=as_json)


@bundle.command()
@click.argument("request", metavar="REQUEST", type=_PATH)
@click.argument("tarball", type=_PATH)
@click.option(
    "--from",
    "sources",
    metavar="REPO",
    type=_PATH,
    multiple=True,
    required=True,
    help="The full repo of a release of the tarball, a folder or an archive; may be repeated.",
)
@click.option(
    "-o", "--output", "out", type=_PATH, required=True, help="The new file: .tar.zst, or .tar."
)
@json_option
def repair(
    *, request: Path, tarball: Path, sources: tuple[Path, ...], out: Path, as_json: bool
) -> None:
    """Build TARBALL anew with the packages that a master lacks of its base.

    REQUEST is what fuel-upgrade install --repair-request wrote on the master. Install the new
    tarball there in place of the refused one.
    """
    # Only here, as in build.
    from fuel_upgrade.bundle.repair import repair_bundle  # noqa: PLC0415
    from fuel_upgrade.bundle.request import RepairRequest  # noqa: PLC0415

    asked = RepairRequest.parse(_read_text(request, "a repair request"), source=str(request))
    with progress_bar(quiet=as_json) as progress:
        summary = repair_bundle(asked, tarball, sources, out, progress=progress)
    _show_summary(summary.to_json(), summary.repos, as_json=as_json)


def _read_text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", remedy=f"name {what}, readable") from error


@bundle.command()
@click.argument("tarball", type=_PATH)
@json_option
def inspect(*, tarball: Path, as_json: bool) -> None:
    """Say what is in a tarball; reads only its front."""
    head = read_head(tarball)
    if as_json:
        print_json(head.to_json())
        return
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
        what = f"diff of {base}" if base else "full"
        click.echo(f"release: {release.name} ({release.version}), {what}")
    _show_repos(head.repos)


def _show_summary(summary: dict[str, Any], repos: tuple[RepoPart, ...], *, as_json: bool) -> None:
    if as_json:
        print_json(summary)
        return
    print_pairs(
        {
            "tarball": f"{summary['path']} ({say_size(summary['bytes'])},"
            f" {summary['files']} files)",
            "Fuel version": summary["fuel_version"],
            "upgrades from": ", ".join(summary["upgrade_from"]),
        }
    )
    _show_repos(repos)


def _show_repos(repos: tuple[RepoPart, ...]) -> None:
    rows = [
        (
            part.place,
            f"diff of {part.base}" if part.base else "full",
            part.packages,
            say_size(part.size_bytes),
            part.full_packages,
            say_size(part.full_size_bytes),
        )
        for part in repos
    ]
    columns = ("repo", "kind", "packages", "size", "release packages", "release size")
    click.echo()
    print_table(columns, rows, empty="no repos")
