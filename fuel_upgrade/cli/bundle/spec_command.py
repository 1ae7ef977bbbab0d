"""``fuel-upgrade bundle spec``: ``bundle.yaml`` for the artifacts of build jobs."""

from pathlib import Path

import click

from fuel_upgrade.cli.console import echo, print_json
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.operator_files import write_text
from fuel_upgrade.cli.option_values import OPERATING_SYSTEMS, PATH


@command(
    "fuel-upgrade bundle spec 6.0:5.1 5.1.1:5.1 5.0.2 --current 6.0 \\",
    "    --artifacts build/artifacts --deps deps -o bundle.yaml",
)
@click.argument("versions", metavar="NEW[:BASE]...", nargs=-1, required=True)
@click.option("--current", metavar="VERSION", required=True, help="The version built here.")
@click.option(
    "--artifacts", type=PATH, required=True, help="The folder of the current version's artifacts."
)
@click.option(
    "--deps", type=PATH, required=True, help="The folder of the others, DEPS/VERSION for each."
)
@click.option(
    "--upgrade-from",
    metavar="VERSION",
    multiple=True,
    help="A version that a master may have; may be repeated.",
)
@click.option(
    "--only",
    type=click.Choice(OPERATING_SYSTEMS),
    multiple=True,
    help="Leave other operating systems out; may be repeated.",
)
@click.option("-o", "--output", "out", type=PATH, help="Write it to this file instead.")
def spec(  # noqa: PLR0913 - one parameter an option
    *,
    versions: tuple[str, ...],
    current: str,
    artifacts: Path,
    deps: Path,
    upgrade_from: tuple[str, ...],
    only: tuple[str, ...],
    out: Path | None,
    as_json: bool,
) -> None:
    """Write the bundle.yaml for artifacts of builds.

    NEW:BASE takes the diff repos of the Fuel version NEW against BASE, NEW its full repos. Masters
    may have any of these versions, unless --upgrade-from names some. The artifacts have the names
    of the 6.0 build system, such as diff-ubuntu-repo-6.0-5.1.tar and puppet.tgz.
    """
    from fuel_upgrade.bundle.artifacts import Builds, BuiltVersion, compose
    from fuel_upgrade.system.yaml_text import dump_yaml

    data = compose(
        [BuiltVersion.parse(text) for text in versions],
        Builds(current, artifacts, deps),
        beside=out.parent if out else None,
        upgrade_from=upgrade_from,
        only=only,
    )
    if out:
        write_text(out, dump_yaml(data))
    if as_json:
        print_json(data)
    elif not out:
        echo(dump_yaml(data), nl=False)
