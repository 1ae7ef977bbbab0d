"""Output of the commands of ``fuel-upgrade repo``."""

from pathlib import Path

import click

from fuel_upgrade.cli.console import echo, print_pairs
from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.description import DiffDescription
from fuel_upgrade.repo.proof.dependencies import DependencyReport
from fuel_upgrade.repo.proof.prove import SHOWN, Proof
from fuel_upgrade.system.size import say_size


def show_diff(out: Path, description: DiffDescription) -> None:
    """Print the summary of a diff repo."""
    counts = description.counts
    carried = ", ".join(
        f"{counts[name]} {name}" for name in ("added", "upgraded", "rebuilt", "downgraded")
    )
    print_pairs(
        {
            "diff repo": f"{out} ({description.kind.value})",
            "carried": f"{counts['carried']} packages, {say_size(description.carried_bytes)}",
            "  of these": carried,
            "inherited": f"{counts['inherited']} packages stay in the base repo",
            "removed": f"{counts['removed']} packages of the base are gone",
            "full repo": f"{counts['carried'] + counts['inherited']} packages,"
            f" {say_size(description.result_bytes)}",
            **({"dropped": ", ".join(description.dropped)} if description.dropped else {}),
        }
    )


def show_proof(proof: Proof) -> None:
    """Print the result of a proof."""
    print_pairs(
        {
            "proved": f"{proof.release} packages, {proof.index_entries} index entries",
            "carried": f"{proof.carried} packages are in the diff repo",
            "inherited": f"{proof.inherited} packages are in the base, by {proof.algorithm}",
            "proved by": f"{proof.proved_by}, which reads the indexes independently",
        }
    )


def show_dependencies(report: DependencyReport | None) -> None:
    """Print the result of a check of dependencies, if there was one."""
    if report is None:
        return
    echo(
        f"dependencies: {report.dependencies}, of {report.packages} index entries:"
        f" {len(report.unmet)} not met in the release, {len(report.unchecked)} not checked"
    )
    for title, items in (("not met", report.unmet), ("not checked", report.unchecked)):
        for item in items[:SHOWN]:
            echo(f"  {title}: {item}")
        if len(items) > SHOWN:
            echo(f"  {title}: and {len(items) - SHOWN} more; --json has all")


def end_strictly(report: DependencyReport | None, *, strict: bool) -> None:
    """Exit with 3 if ``--strict`` is given and a dependency is not met."""
    if strict and report is not None and report.unmet:
        click.get_current_context().exit(BundleError.exit_code)
