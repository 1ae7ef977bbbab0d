"""``fuel-upgrade bundle``: upgrade tarballs."""

from pathlib import Path

import click

from fuel_upgrade.cli.console import print_json, print_pairs
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.operator_files import read_text
from fuel_upgrade.cli.option_values import PATH
from fuel_upgrade.cli.progress_bar import progress_bar
from fuel_upgrade.system.size import say_size


@command("fuel-upgrade bundle build bundle.yaml -o fuel-6.0-upgrade.tar.zst")
@click.argument("spec", metavar="BUNDLE_YAML", type=PATH)
@click.option(
    "-o", "--output", "out", type=PATH, required=True, help="The new file: .tar.zst, or .tar."
)
def build(*, spec: Path, out: Path, as_json: bool) -> None:
    """Build an upgrade tarball as BUNDLE_YAML describes.

    The same input gives the same bytes. The output file appears only if the tarball is complete.
    """
    from fuel_upgrade.bundle.pack import build_bundle
    from fuel_upgrade.bundle.spec import parse_spec
    from fuel_upgrade.cli.bundle.bundle_output import show_summary

    text = read_text(spec, remedy="name a bundle.yaml, readable")
    with progress_bar(quiet=as_json) as progress:
        summary = build_bundle(parse_spec(text, source=spec), out, progress=progress)
    show_summary(summary.to_json(), summary.repos, as_json=as_json)


@command(
    "fuel-upgrade bundle repair request.yaml fuel-6.0-upgrade.tar.zst \\",
    "    --from 6.0/ubuntu -o fuel-6.0-upgrade-repaired.tar.zst",
)
@click.argument("request", metavar="REQUEST", type=PATH)
@click.argument("tarball", type=PATH)
@click.option(
    "--from",
    "sources",
    metavar="REPO",
    type=PATH,
    multiple=True,
    required=True,
    help="The full repo of a release of the tarball, a folder or an archive; may be repeated.",
)
@click.option(
    "-o", "--output", "out", type=PATH, required=True, help="The new file: .tar.zst, or .tar."
)
def repair(
    *, request: Path, tarball: Path, sources: tuple[Path, ...], out: Path, as_json: bool
) -> None:
    """Build TARBALL anew with the packages that a master lacks.

    REQUEST is the file of fuel-upgrade install --repair-request on the master. Install the new
    tarball there instead of the refused one.
    """
    from fuel_upgrade.bundle.repair import repair_bundle
    from fuel_upgrade.bundle.repair_request import RepairRequest
    from fuel_upgrade.cli.bundle.bundle_output import show_summary

    text = read_text(request, remedy="name a repair request, readable")
    repair = RepairRequest.parse(text, source=str(request))
    with progress_bar(quiet=as_json) as progress:
        summary = repair_bundle(repair, tarball, sources, out, progress=progress)
    show_summary(summary.to_json(), summary.repos, as_json=as_json)


@command("fuel-upgrade bundle iso fuel-6.0-upgrade.tar -o fuel-6.0-upgrade.iso")
@click.argument("tarball", type=PATH)
@click.option("-o", "--output", "out", type=PATH, required=True, help="The new file: .iso.")
def iso(*, tarball: Path, out: Path, as_json: bool) -> None:
    """Write an ISO image of TARBALL.

    fuel-upgrade install takes the image, or the folder where it is mounted. It needs xorriso. The
    same tarball gives the same bytes.
    """
    from fuel_upgrade.bundle.media.iso_file import build_iso

    with progress_bar(quiet=as_json) as progress:
        summary = build_iso(tarball, out, progress=progress)
    if as_json:
        print_json(summary.to_json())
    else:
        print_pairs(
            {
                "image": f"{summary.path} ({say_size(summary.size_bytes)})",
                "label": summary.label,
                "tarball": summary.tarball,
                "seal": f"sha256:{summary.seal_sha256} (not signed)",
            }
        )


@command(
    "fuel-upgrade bundle inspect fuel-6.0-upgrade.tar.zst",
    "fuel-upgrade bundle inspect fuel-6.0-upgrade.tar.zst --json",
)
@click.argument("tarball", type=PATH)
def inspect(*, tarball: Path, as_json: bool) -> None:
    """List the content of a tarball.

    Only its header is read.
    """
    from fuel_upgrade.bundle.verify import read_head
    from fuel_upgrade.cli.bundle.bundle_output import show_head

    head = read_head(tarball)
    if as_json:
        print_json(head.to_json())
    else:
        show_head(head)
