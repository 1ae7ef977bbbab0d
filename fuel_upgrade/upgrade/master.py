"""What a master looks like now: everything that checks and plans need, read in one go."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.bundle import manifest
from fuel_upgrade.config import Config
from fuel_upgrade.errors import BundleError, PreflightError
from fuel_upgrade.nailgun.control_plane import ControlPlane, Task
from fuel_upgrade.release.model import RegisteredRelease, RepoEntry
from fuel_upgrade.system.disk import Room, room_at


@dataclass(frozen=True, slots=True)
class Master:
    """A master, read before an install.

    ``repos_on_disk`` maps each registered repo's URL to whether it is there, for those that this
    master itself serves; ``rooms`` maps each folder that installs write below to its file system.
    """

    fuel_version: str
    releases: tuple[RegisteredRelease, ...]
    running_tasks: tuple[Task, ...]
    repos_on_disk: Mapping[str, bool]
    rooms: Mapping[Path, Room]


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


def read_master(config: Config, control: ControlPlane) -> Master:
    """Read the master; changes nothing.

    Raises:
        PreflightError: its Fuel version cannot be told.
        ControlPlaneError: Nailgun does not answer as it should.
    """
    fuel_version = read_fuel_version(config)
    releases = control.releases()
    repos = (repo for r in releases if r.orchestrator for repo in r.orchestrator.repos)
    folders = (config.paths.repos, config.paths.puppet, config.paths.fuel, config.paths.state)
    return Master(
        fuel_version=fuel_version,
        releases=releases,
        running_tasks=control.running_tasks(),
        repos_on_disk=_on_disk(config, repos),
        rooms={folder: room_at(folder) for folder in folders},
    )


def served_folder(config: Config, url: str) -> Path | None:
    """Return the folder that this master serves at ``url``; None for another server's."""
    prefix = config.repo_url.replace("{MASTER_IP}", config.master_ip).rstrip("/") + "/"
    return config.paths.repos / url.removeprefix(prefix) if url.startswith(prefix) else None


def _on_disk(config: Config, repos: Iterable[RepoEntry]) -> dict[str, bool]:
    found = {}
    for repo in repos:
        folder = served_folder(config, repo.url)
        if folder:
            is_repo = (folder / "dists").is_dir() or (folder / "repodata/repomd.xml").is_file()
            found[repo.url] = is_repo
    return found
