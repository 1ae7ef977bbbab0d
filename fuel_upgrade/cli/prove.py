"""``fuel-upgrade repo prove``: that a base and a diff repo are together the release."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.console import json_option, print_json, print_pairs
from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.dependencies import DependencyReport
from fuel_upgrade.repo.evidence import Suites, prove_repos
from fuel_upgrade.repo.prove import SHOWN, Proof

_PATH = click.Path(path_type=Path)


def dependency_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that ask for a check of the release's dependencies."""
    check = click.option(
        "--check-dependencies",
        is_flag=True,
        help="Also list the packages of CURRENT that do not find their dependencies in it.",
    )
    strict = click.option(
        "--strict", is_flag=True, help="End with 3 if there are any; implies that check."
    )
    return check(strict(command))


@click.command()
@click.argument("base", type=_PATH)
@click.argument("diff", type=_PATH)
@click.argument("current", type=_PATH)
@click.option("--suite", help="The apt suite of CURRENT, where it has several.")
@click.option("--base-suite", help="The apt suite of BASE, where it has several.")
@click.option("--diff-suite", help="The apt suite of DIFF, where it has several.")
@dependency_options
@json_option
def prove(  # noqa: PLR0913 - one parameter an option
    *,
    base: Path,
    diff: Path,
    current: Path,
    suite: str | None,
    base_suite: str | None,
    diff_suite: str | None,
    check_dependencies: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Prove that BASE and DIFF are together CURRENT, package by package.

    Each is a folder or a tar archive of an apt or yum repo; only indexes and DIFF's diff.yaml
    are read. For every entry of every index of CURRENT, DIFF carries the package in that index
    or inherits it from BASE, by name, architecture, version and checksum; nothing else is in
    DIFF; and its diff.yaml is right. Ends with 0 if so, else with 3.
    """
    suites = Suites(base=base_suite, diff=diff_suite, current=suite)
    proof, found = prove_repos(
        base, diff, current, suites=suites, check_dependencies=check_dependencies or strict
    )
    if as_json:
        print_json({**proof.to_json(), **({"dependencies": found.to_json()} if found else {})})
        if not proof.proved:
            click.get_current_context().exit(BundleError.exit_code)
    else:
        proof.require(f"{diff} on {base}")
        _show(proof)
        show_dependencies(found)
    end_strictly(found, strict=strict)


def _show(proof: Proof) -> None:
    print_pairs(
        {
            "proved": f"{proof.release} packages, {proof.index_entries} index entries",
            "carried": f"{proof.carried} packages are in the diff repo",
            "inherited": f"{proof.inherited} packages are in the base, by {proof.algorithm}",
        }
    )


def show_dependencies(found: DependencyReport | None) -> None:
    """Print what a check of dependencies found, if there was one."""
    if found is None:
        return
    click.echo(
        f"dependencies: {found.dependencies}, of {found.packages} index entries:"
        f" {len(found.unmet)} not met in the release, {len(found.unchecked)} not checked"
    )
    for title, ones in (("not met", found.unmet), ("not checked", found.unchecked)):
        for one in ones[:SHOWN]:
            click.echo(f"  {title}: {one}")
        if len(ones) > SHOWN:
            click.echo(f"  {title}: and {len(ones) - SHOWN} more; --json has all")


def end_strictly(found: DependencyReport | None, *, strict: bool) -> None:
    """End the command with 3 where ``--strict`` was given and a dependency is not met."""
    if strict and found is not None and found.unmet:
        click.get_current_context().exit(BundleError.exit_code)
