"""Input and output of ``node plan`` and ``node apply``."""

from pathlib import Path

from fuel_upgrade.cli.console import echo, print_json, print_table
from fuel_upgrade.cli.node.node_chain import NodeRepos
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes import apply as node_apply
from fuel_upgrade.nodes.apply import Applied
from fuel_upgrade.nodes.chain_content import fetch_content
from fuel_upgrade.nodes.full_view_source import require_full
from fuel_upgrade.nodes.package_manager import AptManager, DnfManager, Manager
from fuel_upgrade.nodes.package_plan import Chain, Change, NodePlan
from fuel_upgrade.nodes.repo_identity import fetch_identity
from fuel_upgrade.repo.package import RepoKind

_LEFT_ALONE = (Change.UNCHANGED, Change.FOREIGN)


def undo(manager: Manager, *, is_alone: bool, as_json: bool) -> None:
    """Restore the old sources, and print the result.

    Raises:
        ConfigError: other options are given with ``--undo``.
    """
    if not is_alone:
        raise ConfigError(
            "--undo takes no release, --repos, --full-view or --dry-run:"
            " it goes back to the last sources",
            remedy="give --undo with --os and --root only",
        )
    node_apply.undo(manager)
    if as_json:
        print_json({"undone": True})
    else:
        echo("the old sources are back; packages were not rolled back")


def manager_of(os_key: str, root: Path) -> Manager:
    """Return the package manager of a node."""
    root = root.absolute()
    return AptManager.at(root) if os_key == "ubuntu" else DnfManager.at(root)


def read_chain(repos: NodeRepos, os_key: str, timeout_s: float) -> Chain:
    """Read the repos of the node, and those that a full view replaces."""
    sources = (*repos.given, *repos.replaced)
    known = [fetch_identity(source, timeout_s=timeout_s) for source in sources]
    contents = [fetch_content(source, timeout_s=timeout_s) for source in known]
    if repos.is_full_view:
        require_full(contents[0])
    return Chain(contents, RepoKind.APT if os_key == "ubuntu" else RepoKind.YUM)


def print_applied(done: Applied, *, dry_run: bool, as_json: bool) -> None:
    """Print the changes that were or would be made."""
    if as_json:
        state = "dry-run" if dry_run else "changed" if done.is_needed else "unchanged"
        print_json({"state": state, **done.to_json()})
        return
    if not done.is_needed:
        echo("nothing to do: sources and packages are as the release makes them")
    for path in done.files:
        echo(f"{'would change' if dry_run else 'changed'} {path}")
    print_plan(done.plan, show_all=False)
    if done.plan.of(Change.KEPT_BACK):
        echo("kept back: the release does not meet the dependencies of its own packages")
    removed = done.plan.of(Change.REMOVED)
    if removed and not done.target.remove:
        echo("removed from the release but kept here; --remove removes them")


def print_plan(plan: NodePlan, *, show_all: bool) -> None:
    """Print the change of each package."""
    rows = [
        (
            item.change.value,
            item.installed.key,
            item.installed.version,
            item.target.version if item.target else "-",
        )
        for item in plan.items
        if show_all or item.change not in _LEFT_ALONE
    ]
    print_table(("change", "package", "installed", "release"), rows, empty="no package changes")
    echo(", ".join(f"{count} {name}" for name, count in plan.counts().items() if count))
