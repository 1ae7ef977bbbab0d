"""Reads the preconditions of a plan from a master. Changes nothing."""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.config import Config
from fuel_upgrade.errors import OutsideError
from fuel_upgrade.release.model import RegisteredRelease
from fuel_upgrade.repo.apt.suite_path import index_path, is_flat
from fuel_upgrade.system.files import hash_file, identity
from fuel_upgrade.system.tree_digest import walk
from fuel_upgrade.upgrade.plan.base_match import BaseMatch
from fuel_upgrade.upgrade.plan.base_search import folder_of
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.plan.plan import Plan, PlannedStep, PlanOptions
from fuel_upgrade.upgrade.review.preconditions import (
    BaseMark,
    Basis,
    LiveMark,
    ReleaseMark,
    StepMark,
)
from fuel_upgrade.upgrade.steps.publish_venvs import PublishVenvs
from fuel_upgrade.upgrade.steps.switch import Switch
from fuel_upgrade.venv.repo_store import RepoStore

_ANY_ID = "ID"  # replaces the id of the install, which differs between two plans
_PATHS = ("repos", "puppet", "fuel", "venvs", "state")
# The files that define a repo's content; others below dists may be installers of many MiB.
_INDEXES = ("dists/**/Release", "dists/**/Packages*", "repodata/repomd.xml")


def read_basis(head: BundleHead, master: Master, plan: Plan, config: Config) -> Basis:
    """Read the preconditions of a plan of ``head``.

    Raises:
        OutsideError: a live path cannot be read.
    """
    live = [step.live for step in Switch.among(plan.steps)]
    live += [RepoStore(step.root).current for step in PublishVenvs.among(plan.steps)]
    return Basis(
        seal_sha256=head.seal_sha256,
        fuel_version=master.fuel_version,
        settings=_settings(config, plan.options),
        releases=tuple(map(_release, sorted(master.releases, key=lambda r: r.id))),
        live={str(path): read_live(path) for path in live},
        bases={" ".join(key): _base(match, config) for key, match in master.bases.items()},
        steps=tuple(_step(step, head, plan.install) for step in plan.steps),
    )


def _settings(config: Config, options: PlanOptions) -> dict[str, str | bool | None]:
    return {
        "master_ip": config.master_ip,
        "repo_url": config.repo_url,
        "full_view": options.full_view,
        "verify_base": options.verify_base,
        **{f"paths.{name}": str(getattr(config.paths, name)) for name in _PATHS},
        "nailgun.url": config.nailgun.url,
    }


def _release(release: RegisteredRelease) -> ReleaseMark:
    wire = release.orchestrator.to_json() if release.orchestrator else None
    # A real Nailgun gives the map of repos in any order.
    return ReleaseMark(
        release.id,
        release.name,
        release.version,
        release.operating_system,
        release.state,
        _sha256(wire),
    )


def read_live(path: Path) -> LiveMark:
    """Read the content of ``path`` itself, not of the target of a link.

    Raises:
        OutsideError: it cannot be read, or changes meanwhile.
    """
    try:
        return _mark(path)
    except OSError as error:
        raise OutsideError(
            f"{path}: cannot be read: {error}", remedy=f"see what changes {path}, then plan again"
        ) from error


def _mark(path: Path) -> LiveMark:
    mark = identity(path)
    if mark is None:
        return LiveMark("nothing")
    if path.is_symlink():
        return LiveMark("link", mark, str(path.readlink()))
    if path.is_dir():
        return LiveMark("folder", mark, _below(path))
    if path.is_file():
        return LiveMark("file", mark, hash_file(path))
    return LiveMark("device", mark)  # or a pipe, which may block a reader for ever


def _below(folder: Path) -> str:
    """Return a digest of the names, sizes and times below a folder; its files may be huge."""
    rows = []
    for path in walk(folder):
        info = path.lstat()
        # The time of a folder changes when something is made in it and removed again.
        changed = (0, 0) if path.is_dir() and not path.is_symlink() else _size_and_time(info)
        rows.append((str(path.relative_to(folder)), info.st_mode, *changed))
    return _sha256(rows)


def _size_and_time(info: Any) -> tuple[int, int]:
    return info.st_size, info.st_mtime_ns


def _base(match: BaseMatch, config: Config) -> BaseMark:
    if match.inside:
        return BaseMark(match.need.named, {})
    data = match.release.orchestrator if match.release else None
    repos = sorted(data.repos, key=lambda repo: repo.url) if data else []
    return BaseMark(
        match.release.version if match.release else None,
        {repo.url: _indexes(folder_of(config, repo.url), repo.suite) for repo in repos},
    )


def _indexes(folder: Path | None, suite: str | None) -> str | None:
    if folder is None:
        return None
    patterns: tuple[str, ...] = _INDEXES
    if suite is not None and is_flat(suite):
        patterns = (index_path(suite, "Release"), index_path(suite, "Packages*"))
    files: Iterable[Path] = sorted(p for pattern in patterns for p in folder.glob(pattern))
    return _sha256([(str(p.relative_to(folder)), hash_file(p)) for p in files if p.is_file()])


def _step(step: PlannedStep, head: BundleHead, install: str) -> StepMark:
    title = step.title.replace(head.path.name, "the tarball")
    return StepMark(title, _sha256([step.kind, step.step.comparable_json()], install=install))


def _sha256(value: Any, *, install: str | None = None) -> str:
    """Hash a JSON value; strings and parts of paths that equal ``install`` count as equal."""
    text = json.dumps(value, sort_keys=True)
    if install is not None:
        text = re.sub(rf'(?<=["/]){re.escape(install)}(?=["/])', _ANY_ID, text)
    return hashlib.sha256(text.encode()).hexdigest()
