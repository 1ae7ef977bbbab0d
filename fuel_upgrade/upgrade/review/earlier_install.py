"""Checks whether an earlier install of the same tarball is still complete. Changes nothing."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.seal import SealedFile
from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.config import Config
from fuel_upgrade.errors import PreflightError
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.release.chain import compare_fuel_versions
from fuel_upgrade.release.model import RegisteredRelease
from fuel_upgrade.upgrade.plan.master import read_fuel_version
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState, RecordKind, StepRecord
from fuel_upgrade.upgrade.steps.publish_venvs import PublishVenvs
from fuel_upgrade.upgrade.steps.register import Register
from fuel_upgrade.upgrade.steps.release_body import key_of, registered_key, title_of
from fuel_upgrade.upgrade.steps.switch import Switch
from fuel_upgrade.upgrade.steps.unpack import Unpack
from fuel_upgrade.upgrade.steps.unregister import Reregister
from fuel_upgrade.upgrade.transaction.journal import Journal
from fuel_upgrade.venv.repo_store import RepoStore


@dataclass(frozen=True, slots=True)
class Later:
    """The live paths and the releases that successful changes after an install have replaced.

    ``venvs`` is true if one of them published venvs.
    """

    paths: frozenset[Path]
    releases: frozenset[int]
    venvs: bool = False


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """The plan of a tarball that an earlier install, which is intact, has installed."""

    record: ChangeRecord
    tarball: Path


def find_installed(
    config: Config, control: ControlPlane, journal: Journal, head: BundleHead
) -> ChangeRecord | None:
    """Return the last install of the Fuel version of ``head`` if it is complete and of this seal.

    A complete install has its releases registered, its files present, and its packages and indexes
    of their sizes; content that a later change replaced is not checked. The result is None too if
    this master runs a lower version, or a higher one and the install is incomplete.

    Raises:
        PreflightError: this master runs that version, but the install is incomplete.
        ControlPlaneError: Nailgun does not answer correctly.
    """
    installed = [r for r in journal.installs() if r.state is InstallState.INSTALLED]
    same = [r for r in installed if r.kind is RecordKind.INSTALL and r.fuel_to == head.fuel_version]
    if not same or same[-1].seal != head.seal_sha256:
        return None
    record = same[-1]
    try:
        compared = compare_fuel_versions(head.fuel_version, read_fuel_version(config))
    except PreflightError:
        return None  # the checks of an install report the fault
    if compared > 0:
        return None
    later = _later(journal, installed[installed.index(record) + 1 :])
    steps = journal.steps(record.id)
    faults = (
        *_releases(steps, control.releases(), later),
        *_trees(head, steps, later),
        *(() if later.venvs else _venvs(head, config.paths.venvs)),
    )
    if faults and compared == 0:
        raise _incomplete(record, faults)
    return None if faults else record


def refuse_installed(record: ChangeRecord) -> PreflightError:
    """Return the error for an install with ``--fail-if-installed``."""
    return PreflightError(
        f"this master already runs Fuel {record.fuel_to}: install {record.id}",
        remedy="leave out --fail-if-installed, or install another tarball",
        code="already-installed",
    )


def _incomplete(record: ChangeRecord, faults: tuple[str, ...]) -> PreflightError:
    now = f"this master already runs Fuel {record.fuel_to}"
    failures = tuple(f"{now}, but not as install {record.id} left it: {f}" for f in faults)
    return PreflightError(
        "; ".join(failures),
        remedy=f"restore the missing parts; fuel-upgrade show {record.id} lists its steps",
        failures=failures,
        code="installed-not-whole",
    )


def _later(journal: Journal, records: Iterable[ChangeRecord]) -> Later:
    steps = [step for record in records for step in journal.steps(record.id)]
    return Later(
        frozenset(step.live for step in Switch.among(steps)),
        frozenset(step.id for step in Reregister.among(steps)),
        any(PublishVenvs.among(steps)),
    )


def _releases(
    steps: Iterable[StepRecord], registered: Iterable[RegisteredRelease], later: Later
) -> Iterator[str]:
    """Yield a fault for each release that is missing or registered with other repos."""
    by_key = {registered_key(release): release for release in registered}
    for step in Register.among(steps):
        key = key_of(step.body)
        name = f"release {title_of(step.body)} for {key[-1]}"
        release = by_key.get(key)
        if release is None:
            yield f"{name} is not registered"
        elif release.id not in later.releases and not step.is_source_of(release):
            yield f"{name}, id {release.id}, has other repos or puppet sources"


def _venvs(head: BundleHead, root: Path) -> Iterator[str]:
    """Yield a fault for each release whose venvs are not published."""
    published = {entry.key for entry in RepoStore(root).read_index().entries} if head.venvs else ()
    for part in head.venvs:
        missing = [entry.name for entry in part.index.entries if entry.key not in published]
        if missing:
            yield f"{len(missing)} venvs are not published in {root}: {missing[0]} first"


def _trees(head: BundleHead, steps: Iterable[StepRecord], later: Later) -> Iterator[str]:
    """Yield a fault for each tree, file and link that is missing or incomplete."""
    steps = tuple(steps)
    unpack = next(Unpack.among(steps))
    switches = tuple(Switch.among(steps))
    parts = _parts(head, unpack.stagings, {str(step.staged) for step in switches})
    for step in switches:
        live = step.live
        if live in later.paths:
            continue
        target = unpack.links.get(step.staged)
        if target is not None:
            if not live.is_symlink() or str(live.readlink()) != target:
                yield f"{live} is not a link to {target}"
        elif not os.path.lexists(live):
            yield f"{live} is missing"
        else:
            yield from _file_faults(live, parts.get(str(step.staged), {}))


def _parts(
    head: BundleHead, stagings: Mapping[str, Path], switched: Collection[str]
) -> dict[str, dict[str, tuple[SealedFile, bool]]]:
    """Return the sealed files below each path in ``switched``, with a flag for those of repos.

    The keys are the relative paths. The prefixes in ``stagings`` are whole folders: the files of
    one folder are staged in one.
    """

    @cache
    def placed(folder: str) -> tuple[str, str | None, bool]:
        """Return the staged folder, the path in ``switched`` around it, and the flag."""
        prefix = max((p for p in stagings if folder.startswith(p)), key=len)
        staged = os.path.normpath(f"{stagings[prefix]}/{folder.removeprefix(prefix)}")
        around = (staged, *map(str, Path(staged).parents))
        return staged, next((t for t in around if t in switched), None), prefix == manifest.REPOS

    parts: dict[str, dict[str, tuple[SealedFile, bool]]] = {}
    for path, sealed in head.sealed.items():
        folder, slash, name = path.rpartition("/")
        parent, top, is_of_repo = placed(folder + slash)
        staged = f"{parent}/{name}"
        top = staged if staged in switched else top
        if top is not None:
            parts.setdefault(top, {})[staged.removeprefix(top)] = sealed, is_of_repo
    return parts


def _file_faults(live: Path, parts: Mapping[str, tuple[SealedFile, bool]]) -> Iterator[str]:
    """Yield a fault with the number of files that are missing or, in a repo, of another size.

    The size counts only in repos: operators change manifests.
    """
    faulty = [place for place, part in parts.items() if not _is_intact(f"{live}{place}", *part)]
    if faulty:
        yield (
            f"{len(faulty)} of the {len(parts)} files of {live} are missing or incomplete:"
            f" {live}{min(faulty)} first"
        )


def _is_intact(path: str, sealed: SealedFile, is_of_repo: bool) -> bool:  # noqa: FBT001 - a part
    try:
        info = os.lstat(path)
    except OSError:
        return False
    return not is_of_repo or sealed.link_target is not None or info.st_size == sealed.length_bytes
