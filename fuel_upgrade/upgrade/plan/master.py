"""Reads the state of a master: all input of plans and checks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.config import Config
from fuel_upgrade.errors import BundleError, ControlPlaneError, PreflightError
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.release.dialect import Dialect
from fuel_upgrade.release.model import RegisteredRelease, ReleaseKey
from fuel_upgrade.system.disk_space import FileSystem, file_system_at, mounts_below
from fuel_upgrade.system.size import say_size_down
from fuel_upgrade.upgrade.hooks import Hooks, read_hooks
from fuel_upgrade.upgrade.nailgun_idle import RunningTask, read_running
from fuel_upgrade.upgrade.plan.base_match import (
    BaseMatch,
    bases_inside,
    candidates,
    find_base,
    find_inside,
    needs,
    sealed_checksums,
)
from fuel_upgrade.upgrade.plan.base_search import Holdings
from fuel_upgrade.upgrade.plan.venv_base import MissingVenvs, read_venv_base
from fuel_upgrade.venv.venv_index import NO_VENVS, VenvIndex

_LEAST_BYTES = 1 << 20  # SQLite writes pages, and a journal of its own beside each database


@dataclass(frozen=True, slots=True)
class Master:
    """The state of a master before an install.

    ``bases`` has the base match of each diff repo in the tarball; ``file_systems`` maps each folder
    that installs write below to its file system; ``hooks`` maps each point to its hooks.
    ``indexed_packages`` counts the packages in the indexes that were searched for a base.
    ``dialect`` is the form of releases that its Nailgun accepts. ``leftovers`` maps the id of each
    release that an undone change registered late to the id of that change. ``mounts`` are the mount
    points inside the folders. ``venvs`` are the published ones if the tarball has some, and
    ``missing_venvs`` the names that those inherit and this master lacks.
    """

    fuel_version: str
    dialect: Dialect
    releases: tuple[RegisteredRelease, ...]
    running_tasks: tuple[RunningTask, ...]
    bases: Mapping[ReleaseKey, BaseMatch]
    file_systems: Mapping[Path, FileSystem]
    hooks: Mapping[str, Hooks] = field(default_factory=dict)
    indexed_packages: int = 0
    leftovers: Mapping[int, str] = field(default_factory=dict)
    mounts: tuple[Path, ...] = ()
    venvs: VenvIndex = NO_VENVS
    missing_venvs: MissingVenvs = field(default_factory=dict)


def read_fuel_version(config: Config) -> str:
    """Return the Fuel version that this master runs.

    Raises:
        PreflightError: its version file is missing or malformed.
    """
    path = config.paths.version_link
    try:
        return manifest.parse_fuel_version(path.read_text(encoding="utf-8"), source=str(path))
    except (OSError, BundleError) as error:
        raise PreflightError(
            f"{path}: expected the version of this master: {error}",
            remedy=f"make {path} a link to the version.yaml of the Fuel that is installed",
        ) from error


def known_fuel_version(config: Config) -> str:
    """Return the Fuel version for display: ``unknown`` if it cannot be read."""
    try:
        return read_fuel_version(config)
    except PreflightError:
        return "unknown"


def read_master(
    config: Config, control: ControlPlane, head: BundleHead, *, verify_base: bool = False
) -> Master:
    """Read the master for an install of ``head``; changes nothing.

    Raises:
        OutsideError: a yum repo must be read, and its library cannot be loaded.
        PreflightError: its Fuel version cannot be read.
        ControlPlaneError: Nailgun does not answer as it should.
    """
    fuel_version = read_fuel_version(config)
    try:
        releases = control.releases()
    except ControlPlaneError as error:
        raise _on_full_disk(config, error) or error from error
    paths = config.paths
    folders = (paths.repos, paths.puppet, paths.fuel, paths.venvs, paths.state)
    holdings = Holdings(config, verify=verify_base)
    bases = _find_bases(config, head, releases, holdings)
    venvs, missing = read_venv_base(paths.venvs, head, verify=verify_base)
    return Master(
        fuel_version=fuel_version,
        dialect=control.dialect(),
        releases=releases,
        running_tasks=read_running(control),
        bases=bases,
        file_systems={folder: file_system_at(folder) for folder in folders},
        hooks=read_hooks(config.paths.hooks),
        indexed_packages=holdings.packages,
        mounts=mounts_below(folders),
        venvs=venvs,
        missing_venvs=missing,
    )


def _on_full_disk(config: Config, error: ControlPlaneError) -> PreflightError | None:
    """Return an error about a full disk, if that explains why the registry does not answer.

    The database of the embedded registry is in ``paths.state``; each login writes a token to it.
    """
    disk = file_system_at(config.paths.state)
    is_embedded = config.nailgun.url is None and config.registry.database is None
    if not is_embedded or error.status != HTTPStatus.SERVICE_UNAVAILABLE:
        return None
    if disk.free_bytes >= _LEAST_BYTES:
        return None
    return PreflightError(
        f"{disk.mount_point}: {say_size_down(disk.free_bytes)} are free, too little for the"
        " journal and the embedded registry, which are there",
        remedy=f"free space on {disk.mount_point}, then install again",
    )


def _find_bases(
    config: Config,
    head: BundleHead,
    releases: Iterable[RegisteredRelease],
    holdings: Holdings,
) -> dict[ReleaseKey, BaseMatch]:
    inside = {(r.version, r.os_key) for r in head.releases}
    root = config.root_url
    replaced = frozenset(f"{root}/{repo.place}" for repo in head.repos)
    matches, checksums = {}, sealed_checksums(head, bases_inside(head))
    for need in needs(head):
        if (need.named, need.os_key) in inside:
            match = find_inside(need, head, checksums)
        else:
            fit = candidates(releases, need, replaced)
            match = find_base(need, fit, partial(holdings.look, need=need))
        matches[need.version, need.os_key] = match
    return matches
