"""``fuel-upgrade bundle split``, ``join`` and ``answer``: tarballs on several media."""

import re
from pathlib import Path

import click

from fuel_upgrade.cli.console import echo, print_json, print_pairs
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.operator_files import read_text, write_text
from fuel_upgrade.cli.option_values import PATH
from fuel_upgrade.cli.progress_bar import progress_bar
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.system.size import say_size

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_MOST_PERCENT = 100


def _size(_: click.Context, __: click.Parameter, text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,15})([KMG]?)i?B?", text, re.IGNORECASE)
    if not match:
        raise click.BadParameter(f"{text!r}: expected a size such as 700M or 4G")
    return int(match[1]) * _UNITS[match[2].upper()]


def _percent(_: click.Context, __: click.Parameter, text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,3})%?", text)
    if not match or int(match[1]) > _MOST_PERCENT:
        raise click.BadParameter(f"{text!r}: expected a share such as 20%")
    return int(match[1])


@command("fuel-upgrade bundle split fuel-6.0-upgrade.tar -o volumes --volume-size 4G")
@click.argument("tarball", type=PATH)
@click.option("-o", "--output", "out", type=PATH, required=True, help="The new folder.")
@click.option(
    "--volume-size", "volume_bytes", callback=_size, required=True, help="Such as 700M or 4G."
)
@click.option(
    "--recovery", "percent", callback=_percent, default="0", help="Add such a share, such as 20%."
)
def split(*, tarball: Path, out: Path, volume_bytes: int, percent: int, as_json: bool) -> None:
    """Split TARBALL, or an image of it, into volumes.

    They are joined in any order. Recovery volumes, which need par2, restore any lost or damaged
    part up to their share.
    """
    from fuel_upgrade.bundle.media.split_tarball import split_tarball

    with progress_bar(quiet=as_json) as progress:
        written = split_tarball(tarball, out, volume_bytes, percent, progress=progress)
    if as_json:
        print_json({"path": str(out), "volumes": [path.name for path in written]})
    else:
        rows = {path.name: say_size(path.stat().st_size) for path in written}
        print_pairs({"folder": str(out), **rows})


@command("fuel-upgrade bundle join /media/1 /media/2 -o fuel-6.0-upgrade.tar")
@click.argument("volumes", metavar="VOLUME...", nargs=-1, required=True, type=PATH)
@click.option("-o", "--output", "out", type=PATH, required=True, help="The new tarball.")
@click.option("--request", type=PATH, help="Write a request for missing blocks to this file.")
def join(*, volumes: tuple[Path, ...], out: Path, request: Path | None, as_json: bool) -> None:
    """Join volumes, in any order, to the tarball.

    VOLUME is a file or a folder of files: volumes, recovery volumes and answers. Lost and damaged
    ones are restored, if there are recovery volumes enough.
    """
    from fuel_upgrade.bundle.media.join_volumes import restore
    from fuel_upgrade.system.yaml_text import dump_yaml

    paths = [path for place in volumes for path in _files(place)]
    with progress_bar(quiet=as_json) as progress:
        result = restore(paths, out, progress=progress)
    if result.request is not None:
        if request:
            write_text(request, dump_yaml(result.request.to_json()))
        raise BundleError(
            f"{result.request.tarball}: no volume has the blocks {result.request}",
            remedy=f"send {request or 'the request that --request FILE writes'} to the build side,"
            " which answers it by fuel-upgrade bundle answer, and join again with the answer",
            failures=result.faults,
        )
    if as_json:
        print_json({"path": str(out), "faults": list(result.faults)})
        return
    for fault in result.faults:
        echo(f"restored: {fault}")
    print_pairs({"tarball": f"{out} ({say_size(out.stat().st_size)})"})


@command("fuel-upgrade bundle answer request.yaml fuel-6.0-upgrade.tar -o answer")
@click.argument("request", type=PATH)
@click.argument("tarball", type=PATH)
@click.option("-o", "--output", "out", type=PATH, required=True, help="The new file.")
def answer(*, request: Path, tarball: Path, out: Path, as_json: bool) -> None:
    """Write the blocks of TARBALL that REQUEST names.

    REQUEST is the file of fuel-upgrade bundle join --request. Join again with the answer.
    """
    from fuel_upgrade.bundle.media.join_volumes import Request
    from fuel_upgrade.bundle.media.join_volumes import answer as write_answer

    text = read_text(request, remedy="name a request of fuel-upgrade bundle join")
    with progress_bar(quiet=as_json) as progress:
        parsed = Request.parse(text, source=str(request))
        write_answer(parsed, tarball, out, progress=progress)
    if as_json:
        print_json({"path": str(out), "bytes": out.stat().st_size})
    else:
        print_pairs({"answer": f"{out} ({say_size(out.stat().st_size)})"})


def _files(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    files = sorted(p for p in place.iterdir() if p.is_file() and not p.name.startswith("."))
    if not files:
        raise ConfigError(f"{place}: no file in this folder", remedy="name the folder of volumes")
    return files
