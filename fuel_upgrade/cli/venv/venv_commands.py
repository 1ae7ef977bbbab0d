"""``fuel-upgrade venv``: build and look after the venvs of a repo server."""

from pathlib import Path

import click

from fuel_upgrade.cli.console import print_json, print_pairs, print_table
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.operator_files import read_text
from fuel_upgrade.cli.option_values import PATH
from fuel_upgrade.cli.progress_bar import progress_bar
from fuel_upgrade.system.size import say_size


@command("fuel-upgrade venv build venvs.yaml -o /var/www/repo")
@click.argument("spec", metavar="VENVS_YAML", type=PATH)
@click.option("-o", "--output", "root", type=PATH, required=True, help="The repo server's folder.")
@click.option(
    "--service", "only", metavar="NAME", multiple=True, help="Only this service; may be repeated."
)
@click.option("--upgrade", is_flag=True, help="Resolve unchanged requirements anew.")
@click.option("--index-url", help="The package index in place of the default one.")
@click.option(
    "--find-links", "links", type=PATH, multiple=True, help="A folder of wheels; may be repeated."
)
@click.option("--offline", is_flag=True, help="Use no network: only the wheels of --find-links.")
@click.option(
    "--tool", type=click.Choice(("uv", "pip")), help="Default: uv, or pip if uv is not installed."
)
def build(  # noqa: PLR0913 - an option each
    *,
    spec: Path,
    root: Path,
    only: tuple[str, ...],
    upgrade: bool,
    index_url: str | None,
    links: tuple[Path, ...],
    offline: bool,
    tool: str | None,
    as_json: bool,
) -> None:
    """Build the venvs that VENVS_YAML describes, and publish them.

    Wheels and venvs with unchanged inputs are not built again. All venvs are published at once,
    and only if all of them were built.
    """
    from fuel_upgrade.venv.build_venvs import BuildOptions, build_venvs
    from fuel_upgrade.venv.python_tool import PackageIndex, choose_tool
    from fuel_upgrade.venv.venv_spec import parse_venv_spec

    text = read_text(spec, remedy="name a venvs.yaml, readable")
    parsed = parse_venv_spec(text, source=str(spec))
    own = root.absolute() / "links"
    folders = tuple(path.absolute() for path in links) + ((own,) if own.is_dir() else ())
    index = PackageIndex(folders if offline else folders[: len(links)], index_url, not offline)
    with progress_bar(quiet=as_json) as progress:
        built = build_venvs(
            parsed,
            spec.absolute().parent,
            root.absolute(),
            tool=choose_tool(tool),
            options=BuildOptions(index, only, upgrade),
            progress=progress,
        )
    if as_json:
        venvs = [{"changed": venv.is_new, **venv.entry.to_json()} for venv in built]
        print_json({"venvs": venvs})
        return
    rows = [
        (
            venv.entry.service,
            venv.entry.tag,
            venv.entry.platform,
            "built" if venv.is_new else "unchanged",
            say_size(venv.entry.archive.size_bytes),
            venv.entry.inputs[:16],
        )
        for venv in built
    ]
    print_table(("service", "tag", "platform", "state", "archive", "inputs"), rows, empty="none")


_ROOT = click.argument("root", metavar="REPO", type=PATH)


@command("fuel-upgrade venv list /var/www/repo", name="list")
@_ROOT
def list_venvs(*, root: Path, as_json: bool) -> None:
    """List the published venvs of REPO."""
    from fuel_upgrade.venv.repo_store import RepoStore

    entries = RepoStore(root).read_index().entries
    if as_json:
        print_json({"venvs": [entry.to_json() for entry in entries]})
        return
    rows = [
        (e.service, e.tag, e.platform, say_size(e.archive.size_bytes), e.inputs[:16])
        for e in entries
    ]
    print_table(("service", "tag", "platform", "archive", "inputs"), rows, empty="no venvs")


@command("fuel-upgrade venv show /var/www/repo horizon", name="show")
@_ROOT
@click.argument("service")
@click.option("--tag", help="The tag; needed if the service has several.")
@click.option("--platform", help="The platform; needed if the service has several.")
def show(*, root: Path, service: str, tag: str | None, platform: str | None, as_json: bool) -> None:
    """Show one published venv: its requirements of a host, and its packages."""
    from fuel_upgrade.venv.repo_store import RepoStore

    entry = RepoStore(root).read_index().find(service, tag=tag, platform=platform)
    if as_json:
        print_json(entry.to_json())
        return
    needs = entry.requires
    print_pairs(
        {
            "service": entry.service,
            "tag": entry.tag,
            "platform": entry.platform,
            "path": f"{entry.directory}/{entry.store_path}",
            "archive": f"{say_size(entry.archive.size_bytes)}, SHA-256 {entry.archive.sha256}",
            "tree": entry.tree,
            "python": f"{needs.python}, {needs.interpreter}",
            "glibc": f"{needs.glibc} or newer" if needs.glibc else "any",
            "units": ", ".join(entry.units) or "none",
            "releases": ", ".join(entry.releases) or "none",
            "packages": "\n".join(f"{wheel.package} {wheel.version}" for wheel in entry.wheels),
        }
    )


@command("fuel-upgrade venv diff /var/www/repo horizon 13.1.0 13.2.0", name="diff")
@_ROOT
@click.argument("service")
@click.argument("tag")
@click.argument("other")
@click.option("--platform", help="The platform; needed if the service has several.")
def diff(  # noqa: PLR0913 - an argument each
    *, root: Path, service: str, tag: str, other: str, platform: str | None, as_json: bool
) -> None:
    """Compare the packages of one service in two tags."""
    from fuel_upgrade.venv.repo_store import RepoStore
    from fuel_upgrade.venv.venv_index import compare_packages

    index = RepoStore(root).read_index()
    first = index.find(service, tag=tag, platform=platform)
    changes = compare_packages(first, index.find(service, tag=other, platform=platform))
    if as_json:
        names = ("package", "from", "to")
        print_json({"changes": [dict(zip(names, row, strict=True)) for row in changes]})
        return
    rows = [(package, before or "-", after or "-") for package, before, after in changes]
    print_table(("package", tag, other), rows, empty="the same packages")


@command("fuel-upgrade venv gc /var/www/repo --keep 2")
@_ROOT
@click.option("--keep", type=click.IntRange(1), default=3, help="Newest tags kept. Default: 3.")
@click.option("--dry-run", is_flag=True, help="Only show the tags that would be removed.")
def gc(*, root: Path, keep: int, dry_run: bool, as_json: bool) -> None:
    """Remove the venvs of old tags, and all files that no venv needs."""
    from fuel_upgrade.venv.repo_store import RepoStore

    tags, removed_bytes = RepoStore(root).collect(keep, dry_run=dry_run)
    if as_json:
        print_json({"tags": list(tags), "bytes": removed_bytes, "dry_run": dry_run})
        return
    verb = "would be removed" if dry_run else "removed"
    print_pairs({verb: ", ".join(tags) or "no tag", "freed": say_size(removed_bytes)})
