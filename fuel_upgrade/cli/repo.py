"""``fuel-upgrade repo``: diff repos, on the build side."""

from pathlib import Path

import click

from fuel_upgrade.cli.console import json_option, print_json, print_pairs, progress_bar, size
from fuel_upgrade.cli.prove import dependency_options, end_strictly, prove, show_dependencies
from fuel_upgrade.cli.report import report_repo
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.description import DiffDescription
from fuel_upgrade.repo.evidence import read_dependencies
from fuel_upgrade.repo.sign import SigningKey

_PATH = click.Path(path_type=Path)


@click.group()
def repo() -> None:
    """Build diff repos, prove them, and report what changed."""


repo.add_command(prove)
repo.add_command(report_repo)


@repo.command()
@click.argument("base", type=_PATH)
@click.argument("current", type=_PATH)
@click.option("-o", "--output", "out", type=_PATH, required=True, help="The new folder to write.")
@click.option("--copy", is_flag=True, help="Copy packages; the default is to hard-link them.")
@click.option("--verify", is_flag=True, help="Also check the content of hard-linked packages.")
@click.option("--suite", help="The apt suite of CURRENT, where it has several.")
@click.option("--base-suite", help="The apt suite of BASE, where it has several.")
@click.option("--label", help="The Label of the diff repo's Release file, which pins match.")
@click.option("--indexes-only", is_flag=True, help="Leave the packages out: only look at a diff.")
@dependency_options
@click.option("--sign-with", metavar="KEYID", help="Sign the repo's index by gpg with this key.")
@click.option("--gpg-home", type=_PATH, help="The folder of gpg's keyring; default: gpg's own.")
@json_option
def diff(  # noqa: PLR0913 - one parameter an option
    *,
    base: Path,
    current: Path,
    out: Path,
    copy: bool,
    verify: bool,
    suite: str | None,
    base_suite: str | None,
    label: str | None,
    indexes_only: bool,
    check_dependencies: bool,
    strict: bool,
    sign_with: str | None,
    gpg_home: Path | None,
    as_json: bool,
) -> None:
    """Write the repo of those packages of CURRENT that BASE lacks, by checksum.

    BASE and CURRENT are folders, or tar archives, of two apt or two yum repos; BASE may itself
    be a diff repo. Packages are told apart by the checksums in the indexes, never by version.
    The output is a valid repo with indexes of its own, and appears whole, and proved to be with
    BASE all of CURRENT, or not at all. Hard
    links share their content with CURRENT: do not change packages there in place.
    """
    options = DiffOptions(
        link=not copy,
        verify_links=verify,
        suite=suite,
        base_suite=base_suite,
        label=label,
        indexes_only=indexes_only,
        key=SigningKey(sign_with, gpg_home) if sign_with else None,
    )
    with progress_bar(quiet=as_json) as progress:
        description = build_diff(base, current, out, options, progress=progress)
    found = read_dependencies(current, suite=suite) if check_dependencies or strict else None
    if as_json:
        checked = {"dependencies": found.to_json()} if found else {}
        print_json({"path": str(out), **description.to_json(), **checked})
    else:
        _show(out, description)
        show_dependencies(found)
    end_strictly(found, strict=strict)


def _show(out: Path, description: DiffDescription) -> None:
    counts = description.counts
    carried = ", ".join(
        f"{counts[name]} {name}" for name in ("added", "upgraded", "rebuilt", "downgraded")
    )
    print_pairs(
        {
            "diff repo": f"{out} ({description.kind.value})",
            "carried": f"{counts['carried']} packages, {size(description.carried_bytes)}",
            "  of these": carried,
            "inherited": f"{counts['inherited']} packages stay in the base repo",
            "removed": f"{counts['removed']} packages of the base are gone",
            "full repo": f"{counts['carried'] + counts['inherited']} packages,"
            f" {size(description.result_bytes)}",
        }
    )
