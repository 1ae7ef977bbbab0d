"""Bring a node to a release: its sources first, then its packages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fuel_upgrade.errors import CommandError, OutsideError, PreflightError, UpgradeError
from fuel_upgrade.nodes.chain_content import RepoContent
from fuel_upgrade.nodes.disable_repos import APT_PLACES, DEB822_PLACES, YUM_PLACES, disable_repos
from fuel_upgrade.nodes.exact_sources import OWN_FILES, SourceStyle, render_exact
from fuel_upgrade.nodes.installed_packages import Installed
from fuel_upgrade.nodes.node_state import FOLDER, Content, NodeState, SavedFile
from fuel_upgrade.nodes.package_manager import Manager
from fuel_upgrade.nodes.package_plan import ACTIVE, Chain, Change, NodePlan, plan_node
from fuel_upgrade.nodes.write_sources import write_tree
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.system.files import write_file
from fuel_upgrade.system.locks import Lock

_UNCHANGED = "the sources are as they were; packages were not changed"
_PLACES = {RepoKind.APT: (*APT_PLACES, *DEB822_PLACES), RepoKind.YUM: YUM_PLACES}


@dataclass(frozen=True, slots=True)
class NodeTarget:
    """The state to bring a node to.

    ``files`` maps the paths of the source files to their texts. ``chain`` may have further repos
    behind those in ``files``: the ones that a full view replaces. They are disabled on the node as
    well, and show which packages the release removed. ``sources_only`` leaves the packages as they
    are; ``remove`` removes packages that the release removed.
    """

    chain: Chain
    files: Mapping[str, str]
    sources_only: bool = False
    remove: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """The plan and the changed files, relative to the root, of a run or a preview."""

    plan: NodePlan
    files: tuple[str, ...]
    target: NodeTarget

    @property
    def is_needed(self) -> bool:
        """Return whether anything changes."""
        return bool(self.files) or _has_work(self.plan, self.target)

    def to_json(self) -> dict[str, Any]:
        """Return the form of ``--json``."""
        items = [i.to_json() for i in self.plan.items if i.change is not Change.UNCHANGED]
        files = list(self.files)
        return {"files": files, "counts": self.plan.counts(), "packages": items}


def render_sources(
    contents: Sequence[RepoContent], kind: RepoKind, style: SourceStyle | None = None
) -> dict[str, str]:
    """Return the source files of a chain."""
    return render_exact("ubuntu" if kind is RepoKind.APT else "centos", contents, style)


def read_plan(manager: Manager, chain: Chain) -> NodePlan:
    """Read the installed packages and plan their changes; changes nothing."""
    installed = manager.installed()
    return plan_node(installed, chain, manager.known(installed, chain))


def preview(manager: Manager, target: NodeTarget) -> Applied:
    """Return the result that :func:`apply` would have; changes nothing."""
    files = _changed_files(manager.root, target)
    return Applied(read_plan(manager, target.chain), tuple(files), target)


def apply(manager: Manager, target: NodeTarget) -> Applied:
    """Write the sources, refresh, and bring the installed packages to the release.

    The sources of an interrupted run are restored first. The sources are also restored if the
    package manager cannot read the repos, or would install packages from outside the release.
    Changes of packages cannot be undone: dpkg and rpm have no undo.

    Raises:
        PreflightError: another run is active, or the node is not ready.
        OutsideError: the package manager failed; ``state`` describes the node.
    """
    with _locked(manager.root):
        state = NodeState(manager.root)
        state.put_back_pending()
        done = preview(manager, target)
        if not done.is_needed:
            return done
        done = replace(done, plan=_switch_sources(manager, done, state))
        if _has_work(done.plan, target):
            _bring(manager, done, state)
        return done


def undo(manager: Manager) -> None:
    """Restore the sources from before the last run, and refresh. Packages stay.

    Raises:
        PreflightError: there is nothing to undo.
        OutsideError: the old repos do not respond; their sources are restored all the same.
    """
    with _locked(manager.root):
        state = NodeState(manager.root)
        if not (state.put_back_pending() or state.put_back_undo()):
            raise PreflightError(
                f"no sources of an earlier run in {manager.root / FOLDER}",
                remedy="write the sources that you want with 'fuel-upgrade node sources'",
            )
        _refresh(manager, state="the old sources are back; packages were not changed")


def _has_work(plan: NodePlan, target: NodeTarget) -> bool:
    removed = target.remove and plan.of(Change.REMOVED)
    return not target.sources_only and bool(plan.of(*ACTIVE) or removed)


def _switch_sources(manager: Manager, done: Applied, state: NodeState) -> NodePlan:
    """Change the sources and check that the package manager would carry out the plan.

    Return the plan, with packages that cannot change marked as kept back.
    """
    plan = done.plan
    texts = _changed_files(manager.root, done.target)
    saved = [SavedFile.read(manager.root, path) for path in texts]
    state.begin(saved)
    try:
        _write(manager.root, texts, saved)
        _refresh(manager, state=_UNCHANGED)
        if _has_work(done.plan, done.target):
            plan = manager.check(plan, done.target.chain, remove=done.target.remove)
    except BaseException as error:
        state.put_back_pending()
        if texts:
            _refresh_again(manager)
        if isinstance(error, UpgradeError):
            raise error.amended(state=_UNCHANGED) from error
        raise
    if texts:
        state.commit()
    else:
        state.put_back_pending()  # nothing to restore: an earlier undo stays
    return plan


def _bring(manager: Manager, done: Applied, state: NodeState) -> None:
    before = {package.key: package for package in manager.installed()}
    try:
        manager.bring(done.plan, remove=done.target.remove)
    except CommandError as error:
        raise error.amended(
            state="the new sources are in place; packages may have changed in part",
            remedy="repair the packages in the error, then run this command again",
        ) from error
    after = manager.installed()
    chain = done.target.chain
    state.record(_contents(before, after, chain))
    kept_back = {i.installed.key for i in done.plan.of(Change.KEPT_BACK)}
    last = plan_node(after, chain, manager.known(after, chain))
    if remaining := last.keeping_back(kept_back).of(*ACTIVE):
        names = ", ".join(f"{i.installed.key} {i.installed.version}" for i in remaining)
        raise OutsideError(
            f"after the transaction {names} still are not the release's",
            remedy="run 'fuel-upgrade node plan' and install them by hand",
            state="the new sources are in place; all other packages are the release's",
        )


def _contents(
    before: Mapping[str, Installed], after: Iterable[Installed], chain: Chain
) -> dict[str, Content]:
    """Return the file of each newly installed package, if only one is possible.

    The check of the package manager has made sure that it takes files of the release only.
    """
    contents = {}
    for package in after:
        if before.get(package.key) == package:
            continue
        sums = {chain.digest(p) for p in chain.release_copies(package.name, package.version)}
        if len(sums) == 1:
            contents[package.key] = Content(package.version, sums.pop(), package.witness)
    return contents


def _changed_files(root: Path, target: NodeTarget) -> dict[str, str | None]:
    """Return the new texts (latin-1, as bytes) of the files that must change.

    None marks a file of ours, in another form of sources, to delete.
    """
    new: dict[str, str | None] = dict.fromkeys(OWN_FILES[target.chain.kind])
    new |= {path: text.encode().decode("latin-1") for path, text in target.files.items()}
    urls = [content.source.url for content in target.chain.contents]
    for pattern in _PLACES[target.chain.kind]:
        for file in sorted(root.glob(pattern)):
            path = str(file.relative_to(root))
            if path not in new and file.is_file():
                new[path] = disable_repos(path, SavedFile.read(root, path).text or "", urls)
    return {p: text for p, text in new.items() if SavedFile.read(root, p).text != text}


def _write(root: Path, texts: Mapping[str, str | None], saved: Iterable[SavedFile]) -> None:
    """Write files atomically; existing ones keep their mode."""
    modes = {file.path: file.mode for file in saved if file.text is not None}
    kept = {path: text for path, text in texts.items() if text is not None}
    fresh = {path: text for path, text in kept.items() if path not in modes}
    write_tree({p: t.encode("latin-1").decode() for p, t in fresh.items()}, root)
    for path in kept.keys() & modes.keys():
        write_file(root / path, kept[path].encode("latin-1"), mode=modes[path])
    for path in texts.keys() - kept.keys():
        (root / path).unlink()


def _refresh(manager: Manager, *, state: str) -> None:
    try:
        manager.refresh()
    except CommandError as error:
        remedy = "make the repos in the error reachable from this node, then run the command again"
        raise error.amended(state=state, remedy=remedy) from error


def _refresh_again(manager: Manager) -> None:
    """Read the old indexes again; the first error is reported even if this fails too."""
    try:
        manager.refresh()
    except CommandError:
        return


class _locked:  # noqa: N801 - used as a statement
    """The lock that permits one run at a time on a node."""

    def __init__(self, root: Path) -> None:
        self._lock = Lock(root / FOLDER / "lock")

    def __enter__(self) -> None:
        if not self._lock.acquire():
            raise PreflightError(
                f"{self._lock.owner()} changes this node",
                remedy="wait until it has ended, then run the command again",
            )

    def __exit__(self, *_error: object) -> None:
        self._lock.release()
