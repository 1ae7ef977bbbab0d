"""Retires releases: reads the master for a plan, and turns a reviewed plan into steps."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path
from typing import Any, Self

from fuel_upgrade.config import Config, Paths
from fuel_upgrade.errors import NotFoundError, PreflightError
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.release.chain import newest_version_first
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease
from fuel_upgrade.system.disk_space import own_bytes
from fuel_upgrade.system.files import identity
from fuel_upgrade.upgrade.change import Change
from fuel_upgrade.upgrade.engine import Engine
from fuel_upgrade.upgrade.events import Watch, ignore
from fuel_upgrade.upgrade.plan.base_search import folder_of
from fuel_upgrade.upgrade.plan.layout import STAGING
from fuel_upgrade.upgrade.plan.master import read_fuel_version
from fuel_upgrade.upgrade.plan.plan import PlannedStep
from fuel_upgrade.upgrade.records import ChangeRecord, RecordKind, StepRecord
from fuel_upgrade.upgrade.releases.gc_plan import (
    Candidate,
    Content,
    GcPlan,
    Verdict,
    drift,
    reasons,
    why_current,
)
from fuel_upgrade.upgrade.steps import created_releases
from fuel_upgrade.upgrade.steps.full_view import FOLDER
from fuel_upgrade.upgrade.steps.publish_venvs import PublishVenvs
from fuel_upgrade.upgrade.steps.register import Register
from fuel_upgrade.upgrade.steps.release_body import key_of, registered_key
from fuel_upgrade.upgrade.steps.retire import Retire
from fuel_upgrade.upgrade.steps.stage import Stage
from fuel_upgrade.upgrade.steps.switch import Switch
from fuel_upgrade.upgrade.steps.unregister import Reregister, Unregister
from fuel_upgrade.upgrade.transaction import retention
from fuel_upgrade.upgrade.transaction.journal import Journal
from fuel_upgrade.venv.repo_store import RepoStore

_HIDDEN = "volumes_metadata"
"""The only field of a release that Nailgun accepts but never returns (contract: ``create``)."""


class Gc:
    """Plans which releases of a master can be retired, and retires them."""

    def __init__(self, config: Config, control: ControlPlane, engine: Engine) -> None:
        self._config = config
        self._control = control
        self._engine = engine

    def plan(self, versions: Collection[str] = ()) -> GcPlan:
        """Plan to retire all unused releases, or the releases of ``versions``.

        Raises:
            NotFoundError: no release has one of the versions.
            PreflightError: one of them must be kept; the error has the reason.
        """
        releases = self._control.releases()
        if unknown := set(versions) - {r.version for r in releases}:
            raise NotFoundError(
                f"{', '.join(sorted(unknown))}: no release of this version is registered",
                remedy="see fuel-upgrade releases for the versions",
            )
        selected = {r.id for r in releases if not versions or r.version in versions}
        plan = self._plan(selected, named=bool(versions))
        if versions and plan.keep:
            failures = tuple(f"{verdict} must be kept: {verdict.why}" for verdict in plan.keep)
            raise PreflightError(
                "; ".join(failures),
                remedy="leave them out; fuel-upgrade gc lists the releases that can be retired",
                failures=failures,
            )
        return plan

    def apply(self, reviewed: GcPlan, *, install: str, watch: Watch = ignore) -> ChangeRecord:
        """Retire the releases of a reviewed plan, as one transaction with the id ``install``.

        Raises:
            PreflightError: the master differs from the plan; nothing was changed.
            StepError, RollbackError: as :meth:`Engine.change`.
        """
        return self._engine.change(lambda: self._change(reviewed, install), watch=watch)

    def _change(self, reviewed: GcPlan, install: str) -> Change:
        if not reviewed.retire:
            raise PreflightError("the plan retires nothing", remedy="see fuel-upgrade gc for why")
        now = self._plan({verdict.id for verdict in reviewed.retire}, named=True)
        if failures := tuple(drift(reviewed, now)):
            raise PreflightError(
                "; ".join(failures),
                remedy="make the plan again with fuel-upgrade gc --plan, and look at it",
                failures=failures,
            )
        posted = _read_posted(self._engine.journal)
        shown = {verdict.id: self._control.release_body(verdict.id) for verdict in now.retire}
        # as Nailgun returns it, and its hidden fields
        bodies = {
            number: {**posted.get(key_of(body), {}), **body} for number, body in shown.items()
        }
        versions = ", ".join(sorted({verdict.version for verdict in now.retire}))
        return Change(
            install=install,
            kind=RecordKind.GC,
            what=f"retire {versions}",
            fuel_version=now.fuel_version,
            steps=tuple(_steps(now, bodies, self._config.paths, install)),
        )

    def _plan(self, selected: Collection[int], *, named: bool) -> GcPlan:
        candidates = [_candidate(self._config, r) for r in self._control.releases()]
        fuel_version = read_fuel_version(self._config)
        posted = _read_posted(self._engine.journal).keys()
        lacking = {c.release.id for c in candidates if registered_key(c.release) not in posted}
        keep = self._keep(candidates, fuel_version, selected, () if named else lacking)
        free = [c for c in candidates if c.release.id not in keep]
        free.sort(key=lambda c: (newest_version_first(c.release.version), c.key))
        folders = _folders(self._config.paths, candidates, free)
        venvs, venv_bytes = _venvs(self._config.paths, _leaving(candidates, free))
        why = f"no cluster uses it, no release builds on it, and Fuel {fuel_version} is another"
        return GcPlan(
            fuel_version=fuel_version,
            retire=tuple(
                Verdict.of(c.release, why, (_HIDDEN,) if c.release.id in lacking else ())
                for c in free
            ),
            folders=tuple(map(_content, folders)),
            keep=tuple(
                Verdict.of(c.release, keep[c.release.id])
                for c in candidates
                if c.release.id in keep and c.release.id in selected
            ),
            venvs=venvs,
            freed_bytes=own_bytes(*folders) + venv_bytes,
        )

    def _keep(
        self,
        candidates: Sequence[Candidate],
        fuel_version: str,
        selected: Collection[int],
        lacking: Collection[int],
    ) -> dict[int, str]:
        """Return, by id, the reason why a release is kept.

        Those in ``lacking`` have fields that no undo could restore, and must be named for that.
        """
        weak: dict[int, str] = dict(self._undo_needs(candidates))
        for candidate in candidates:
            release = candidate.release
            if candidate.own is None:
                weak.setdefault(release.id, f"its repo is not in {self._config.paths.repos}")
            if release.id in lacking:
                weak.setdefault(
                    release.id,
                    f"no undo could restore its {_HIDDEN}, which Nailgun does not"
                    f" return: name it with --release {release.version} to retire it",
                )
            if release.id not in selected:
                weak.setdefault(release.id, "was not requested")
        firm = {
            cluster.release_id: f"used by cluster {cluster.name} (id {cluster.id})"
            for cluster in self._control.clusters()
        }
        return reasons(candidates, {**firm, **why_current(candidates, fuel_version)}, weak)

    def _undo_needs(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, str]]:
        """Yield the id and the reason of each release that the undo of the last change needs."""
        record = retention.undoable(self._engine.journal)
        if record is None:
            return
        steps = self._engine.journal.steps(record.id)
        fuel = record.fuel_from if record.fuel_from != record.fuel_to else ""
        returns_to = why_current(candidates, fuel) if fuel else {}
        why = (
            f"the undo of {record.kind} {record.id} needs it: delete its backups with"
            " fuel-upgrade gc --release-backups"
        )
        undo = _UndoNeeds.of(steps, self._config)
        for candidate in candidates:
            is_current = "current" in returns_to.get(candidate.release.id, "")
            if is_current or undo.include(candidate):
                yield candidate.release.id, why


def _read_posted(journal: Journal) -> dict[tuple[str, ...], Mapping[str, Any]]:
    """Return the body last posted for each release that changes of this master posted."""
    bodies: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for _, steps in journal.changes():
        posted: tuple[Register | Unregister, ...] = (
            *Register.among(steps),
            *Unregister.among(steps),
        )
        bodies.update({key_of(step.body): step.body for step in reversed(posted)})
    return bodies


@dataclass(frozen=True, slots=True)
class _UndoNeeds:
    """The live paths, the releases and the repo folders that the undo of a change needs."""

    paths: tuple[Path, ...]
    releases: frozenset[int]
    folders: frozenset[Path | None]

    @classmethod
    def of(cls, records: Sequence[StepRecord], config: Config) -> Self:
        """Collect the needs of all steps of a change."""
        changed = tuple(Reregister.begun(records))
        before = (facts.before.repos for _, facts in changed if facts.before)
        return cls(
            tuple(step.live for step, facts in Switch.begun(records) if facts.existed),
            created_releases(records) | {step.id for step, _ in changed},
            frozenset(folder_of(config, repo.url) for repos in before for repo in repos),
        )

    def include(self, candidate: Candidate) -> bool:
        """Return whether the undo needs a release as it is, or its repo."""
        version = candidate.release.version
        return (
            candidate.release.id in self.releases
            or (candidate.own in self.folders)
            or any(version in p.parts or p.name == f"{version}.yaml" for p in self.paths)
        )


def _candidate(config: Config, release: RegisteredRelease) -> Candidate:
    data = release.orchestrator or OrchestratorData((), "", "")
    own = next((release_folder(config, r.name, r.url) for r in data.repos
                if r.name == release.version), None)  # fmt: skip
    folders = {folder_of(config, repo.url) for repo in data.repos}
    return Candidate(release, own, frozenset(f for f in folders if f is not None))


def left_behind(
    config: Config, releases: Sequence[RegisteredRelease], release_id: int
) -> tuple[Path, ...]:
    """Return the files of a release alone that stay on this master after its deletion."""
    candidates = [_candidate(config, release) for release in releases]
    gone = [candidate for candidate in candidates if candidate.release.id == release_id]
    others = (candidate for candidate in candidates if candidate not in gone)
    shared = {folder for candidate in others for folder in candidate.folders}
    return tuple(f for f in _folders(config.paths, candidates, gone) if f not in shared)


def release_folder(config: Config, version: str, url: str) -> Path | None:
    """Return the folder of a release's repo: VERSION/OS/... below the folder of repos.

    None for every other folder: this program does not move it.
    """
    folder = folder_of(config, url)
    if folder is None or normpath(folder) != str(folder) or _is_unsafe(version):
        return None
    top = config.paths.repos / version
    return folder if top in folder.parents else None


def _is_unsafe(version: str) -> bool:
    return "/" in version or version.startswith(".")


def _folders(
    paths: Paths, candidates: Sequence[Candidate], free: Sequence[Candidate]
) -> list[Path]:
    """Return the folders and files that belong to the releases ``free`` alone."""
    folders: dict[Path, None] = {}
    for candidate in free:
        if candidate.own is not None:
            place = candidate.own.relative_to(paths.repos)
            folders.update({candidate.own: None, paths.repos / FOLDER / place: None})
    for version in _leaving(candidates, free):
        folders.update({paths.puppet / version: None})
        folders.update({paths.release_versions / f"{version}.yaml": None})
    return [path for path in folders if identity(path) is not None]


def _leaving(candidates: Sequence[Candidate], free: Sequence[Candidate]) -> list[str]:
    """Return the versions of which no release stays."""
    leaving = {c.release.id for c in free}
    stay = {c.release.version for c in candidates if c.release.id not in leaving}
    return sorted({c.release.version for c in free} - stay)


def _venvs(paths: Paths, versions: Sequence[str]) -> tuple[dict[str, tuple[str, ...]], int]:
    """Return the venvs that only these releases keep, by release, and the size of their files."""
    store = RepoStore(paths.venvs)
    index = store.read_index()
    gone = index.blobs.keys() - index.without_releases(versions).blobs.keys()
    venvs = {}
    for version in versions:
        own = [entry for entry in index.entries if version in entry.releases]
        if own:
            venvs[version] = tuple(e.name for e in own if not set(e.releases).difference(versions))
    return venvs, sum(p.stat().st_size for p in map(store.blob, gone) if p.exists())


def _content(path: Path) -> Content:
    inside = [] if path.is_symlink() else [p for p in path.rglob("*") if not p.is_dir()]
    files = len(inside) if path.is_dir() and not path.is_symlink() else 1
    return Content(path, own_bytes(path), files, tuple(identity(path) or ()))


def _steps(
    plan: GcPlan, bodies: Mapping[int, Mapping[str, Any]], paths: Paths, install: str
) -> Iterator[PlannedStep]:
    """Yield the steps: first the releases, so that none ever names a repo that is gone."""
    tops = (paths.repos, paths.puppet, paths.fuel)
    used = [top for top in tops if any(top in folder.path.parents for folder in plan.folders)]
    roots = {top: top / STAGING / install for top in used or [paths.repos]}
    venvs = paths.venvs / STAGING / install
    if plan.venvs:
        roots[paths.venvs] = venvs
    yield PlannedStep(Stage(tuple(roots.values())), "make folders for the backups", "remove them")
    for release in plan.retire:
        yield PlannedStep(
            Unregister(release.id, bodies[release.id]),
            f"delete release {release.name} ({release.version})",
            "register it again, under a new id",
        )
    if plan.venvs:
        yield PlannedStep(
            PublishVenvs(paths.venvs, venvs, retired=tuple(plan.venvs)),
            f"retire the venvs of {', '.join(plan.venvs)}",
            "publish them again",
        )
    for folder in plan.folders:
        top = next(top for top in used if top in folder.path.parents)
        place = folder.path.relative_to(top)
        yield PlannedStep(
            Retire(folder.path, roots[top] / place, _boundary(paths, folder.path, top)),
            f"move {place} away",
            "move it back",
        )


def _boundary(paths: Paths, path: Path, top: Path) -> Path:
    """Return the folder that stays even if it is empty."""
    return paths.release_versions if paths.release_versions in path.parents else top
