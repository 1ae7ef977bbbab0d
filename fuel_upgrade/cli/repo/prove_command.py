"""``fuel-upgrade repo prove``: proves that a base and a diff repo together are the release."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fuel_upgrade.cli.console import print_json
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.option_values import PATH
from fuel_upgrade.errors import BundleError


def dependency_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for a check of the release's dependencies."""
    check = click.option(
        "--check-dependencies",
        is_flag=True,
        help="Also list the packages of CURRENT that do not find their dependencies in it.",
    )
    strict = click.option(
        "--strict", is_flag=True, help="End with 3 if there are any; implies that check."
    )
    return check(strict(command))


@command(
    "fuel-upgrade repo prove 5.1/ubuntu diff-ubuntu 6.0/ubuntu",
    "fuel-upgrade repo prove 5.1/ubuntu diff-ubuntu 6.0/ubuntu --strict --json",
)
@click.argument("base", type=PATH)
@click.argument("diff", type=PATH)
@click.argument("current", type=PATH)
@click.option("--suite", help="The apt suite of CURRENT, if it has several.")
@click.option("--base-suite", help="The apt suite of BASE, if it has several.")
@click.option("--diff-suite", help="The apt suite of DIFF, if it has several.")
@dependency_options
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
    """Prove that BASE and DIFF together are CURRENT.

    Each is a folder or a tar archive of an apt or yum repo; only indexes and DIFF's diff.yaml
    are read. For every entry of every index of CURRENT, DIFF carries the package in that index
    or inherits it from BASE, by name, architecture, version and checksum; nothing else is in
    DIFF; and its diff.yaml is right. Exit code 0 if so, else 3.
    """
    from fuel_upgrade.cli.repo.repo_output import end_strictly, show_dependencies, show_proof
    from fuel_upgrade.repo.proof.read_proof import Suites, prove_repos

    suites = Suites(base=base_suite, diff=diff_suite, current=suite)
    proof, report = prove_repos(
        base, diff, current, suites=suites, check_dependencies=check_dependencies or strict
    )
    if as_json:
        print_json(
            {
                **proof.to_json(),
                **({"dependencies": report.to_json()} if report else {}),
            }
        )
        if not proof.proved:
            click.get_current_context().exit(BundleError.exit_code)
    else:
        proof.require(f"{diff} on {base}")
        show_proof(proof)
        show_dependencies(report)
    end_strictly(report, strict=strict)
