"""What the commands of ``fuel-upgrade repo`` print."""

from pathlib import Path

import click

from fuel_upgrade.cli.console import print_json, print_pairs
from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.description import DiffDescription
from fuel_upgrade.repo.fullview.view import View
from fuel_upgrade.repo.proof.dependencies import DependencyReport
from fuel_upgrade.repo.proof.prove import SHOWN, Proof
from fuel_upgrade.system.size import say_size


def show_diff(out: Path, description: DiffDescription) -> None:
    """Print what a diff repo has."""
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


def show_view(title: str, out: Path, found: View, *, as_json: bool) -> None:
    """Print what a full view, or a squashed repo, has."""
    if as_json:
        print_json({"path": str(out), **found.to_json()})
        return
    carried = "the release's own, unchanged" if found.own_indexes else "made anew, unsigned"
    print_pairs(
        {
            title: f"{out} ({found.kind.value})",
            "packages": f"{found.packages}, {say_size(found.package_bytes)}",
            "on the disk": f"{say_size(found.new_bytes)} beyond what is shared with the chain",
            "indexes": carried,
            "content": found.fingerprint,
        }
    )


def show_proof(proof: Proof) -> None:
    """Print what was proved."""
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
