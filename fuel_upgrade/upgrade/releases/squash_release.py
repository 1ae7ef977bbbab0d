"""Squashes a release on a master: its diff repos become full and it needs no base any more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fuel_upgrade.config import Config
from fuel_upgrade.errors import NotFoundError, PreflightError
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.release.chain import newest_first
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, RepoEntry
from fuel_upgrade.repo.description import FILE_NAME, is_diff_repo
from fuel_upgrade.upgrade.change import Change
from fuel_upgrade.upgrade.nailgun_idle import busy_failures, read_running
from fuel_upgrade.upgrade.plan.base_search import folder_of
from fuel_upgrade.upgrade.plan.layout import STAGING, planned_switch
from fuel_upgrade.upgrade.plan.master import read_fuel_version
from fuel_upgrade.upgrade.plan.plan import PlannedStep
from fuel_upgrade.upgrade.records import RecordKind
from fuel_upgrade.upgrade.releases.gc import release_folder
from fuel_upgrade.upgrade.steps.full_view import BuildView
from fuel_upgrade.upgrade.steps.stage import Stage
from fuel_upgrade.upgrade.steps.unregister import Reregister


@dataclass(frozen=True, slots=True)
class _Chain:
    """A release with the folders of its repos, newest first, and its new orchestrator data."""

    release: RegisteredRelease
    folders: tuple[Path, ...]
    data: OrchestratorData

    @property
    def name(self) -> str:
        return f"{self.release.name} ({self.release.version})"


def plan_squash(config: Config, control: ControlPlane, version: str, *, install: str) -> Change:
    """Plan to squash every release of ``version`` that has a base. Nothing is written.

    Raises:
        NotFoundError: no release has this version.
        PreflightError: none of them has a base, or the squash is not possible now.
    """
    releases = control.releases()
    chains = [_chain(config, r) for r in releases if r.version == version]
    if not chains:
        raise NotFoundError(
            f"{version}: no release of this version is registered",
            remedy="see fuel-upgrade releases for the versions",
        )
    chains = [chain for chain in chains if len(chain.folders) > 1]
    failures = (*_faults(config, chains, releases), *busy_failures(read_running(control)))
    if not chains:
        failures = (f"release {version} has no base to be made independent of",)
    if failures:
        raise PreflightError(
            "; ".join(failures),
            remedy="squash the newest release of a chain, when Nailgun is idle",
            failures=failures,
        )
    root = config.paths.repos / STAGING / install
    return Change(
        install=install,
        kind=RecordKind.SQUASH,
        what=f"squash {version}",
        fuel_version=read_fuel_version(config),
        steps=tuple(_steps(config, chains, root)),
    )


def _chain(config: Config, release: RegisteredRelease) -> _Chain:
    data = release.orchestrator or OrchestratorData((), "", "")
    folders: list[Path] = []
    kept: list[RepoEntry] = []
    for repo in newest_first(release.version, data.repos):
        folder = release_folder(config, repo.name, repo.url)
        if folder is not None:
            folders.append(folder)
        if folder is None or repo.name == release.version:
            kept.append(repo)
    return _Chain(release, tuple(folders), replace(data, repos=tuple(kept)))


def _faults(
    config: Config, chains: Sequence[_Chain], releases: Sequence[RegisteredRelease]
) -> Iterator[str]:
    for chain in chains:
        own = chain.folders[0]
        if config.paths.repos / chain.release.version not in own.parents:
            yield f"the repo of release {chain.name} is not on this master"
        elif not is_diff_repo(own):
            yield f"{own}: no {FILE_NAME}, expected the diff repo of release {chain.name}"
        for user in releases:
            repos = user.orchestrator.repos if user.orchestrator else ()
            if user.version != chain.release.version and own in {
                folder_of(config, repo.url) for repo in repos
            }:
                yield f"release {user.name} ({user.version}) is a diff of {chain.name}"


def _steps(config: Config, chains: Sequence[_Chain], root: Path) -> Iterator[PlannedStep]:
    """Yield the steps; each release names its bases until its full repo is live."""
    yield PlannedStep(Stage((root,)), "make folders for the backups", "remove them")
    by_folder = {chain.folders[0]: chain for chain in chains}
    for live, chain in by_folder.items():
        place = live.relative_to(config.paths.repos)
        yield PlannedStep(
            BuildView(chain.folders, root / place, squash=True),
            f"merge repo {place} with its bases",
            "remove the merged repo",
        )
        yield planned_switch(f"repo {place}", root / place, live)
    for chain in chains:
        yield PlannedStep(
            Reregister(chain.release.id, chain.data),
            f"give release {chain.name} its own repo alone",
            "give it its bases again",
        )
