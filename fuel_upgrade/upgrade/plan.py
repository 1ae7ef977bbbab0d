"""What an install would do, step by step, with its cost. Making a plan writes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.manifest import RepoPart
from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.config import Config, Paths
from fuel_upgrade.errors import PreflightError
from fuel_upgrade.release.chain import as_base, newest_first, orchestrator_data
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, Release, RepoEntry
from fuel_upgrade.system.disk import Room
from fuel_upgrade.upgrade.held import folder_of
from fuel_upgrade.upgrade.hooks import (
    AFTER_INSTALL,
    AFTER_STAGE,
    BEFORE_INSTALL,
    BEFORE_REGISTER,
    Hooks,
)
from fuel_upgrade.upgrade.journal import StepRecord, StepState
from fuel_upgrade.upgrade.master import Master
from fuel_upgrade.upgrade.steps import hook, switch, unpack, view

STAGING = ".fuel-upgrade"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step: its kind and parameters as the journal will hold them, and a title for people."""

    kind: str
    title: str
    params: Mapping[str, Any]
    undo: str


@dataclass(frozen=True, slots=True)
class Plan:
    """An install, planned for one master.

    ``orchestrators`` maps (version, operating system) to what will be registered, ``views`` to
    the location of the full view; ``staged_bytes`` maps each folder that is written below to how
    much goes there.
    """

    install: str
    master_ip: str
    fuel_from: str
    fuel_to: str
    steps: tuple[PlannedStep, ...]
    orchestrators: Mapping[tuple[str, str], OrchestratorData]
    staged_bytes: Mapping[Path, int]
    views: Mapping[tuple[str, str], str]

    def bytes_per_room(self, master: Master) -> dict[Room, int]:
        """Return how many bytes each file system must take."""
        needed: dict[Room, int] = {}
        for folder, size in self.staged_bytes.items():
            room = next(r for r in master.rooms.values() if r.device == master.rooms[folder].device)
            needed[room] = needed.get(room, 0) + size
        return needed

    def to_json(self, head: BundleHead, master: Master) -> dict[str, Any]:
        """Return the form that the API gives."""
        return {
            "tarball": str(head.path),
            "fuel_from": self.fuel_from,
            "fuel_to": self.fuel_to,
            "releases": [
                {
                    "name": release.name,
                    "version": release.version,
                    "operating_system": release.operating_system,
                    "base": head.diff_releases.get(release.version),
                    "base_found": match.to_json()
                    if (match := master.bases.get((release.version, release.os_key)))
                    else None,
                    "repos": [
                        {"name": r.name, "location": r.location}
                        for r in self.orchestrators[release.version, release.os_key].repos
                    ],
                    "full_view": self.views.get((release.version, release.os_key)),
                }
                for release in head.releases
            ],
            "repos": [repo.to_json() for repo in head.repos],
            "steps": [
                {"number": number, "kind": s.kind, "title": s.title, "undo": s.undo}
                for number, s in enumerate(self.steps, 1)
            ],
            "read_bytes": head.size_bytes,
            "write_bytes": head.unpacked_bytes,
            "disks": [
                {
                    "mount_point": str(room.mount_point),
                    "needed_bytes": needed,
                    "free_bytes": room.free_bytes,
                }
                for room, needed in self.bytes_per_room(master).items()
            ],
        }


def as_records(steps: Iterable[PlannedStep]) -> tuple[StepRecord, ...]:
    """Return the steps as the journal has them before they begin."""
    return tuple(
        StepRecord(number, step.kind, step.title, step.params, {}, StepState.PLANNED)
        for number, step in enumerate(steps, 1)
    )


def find_equal(
    releases: Iterable[RegisteredRelease], release: Release, data: OrchestratorData, master_ip: str
) -> RegisteredRelease | None:
    """Return the registered release that is ``release`` already, with the same repos."""
    wanted = {(r.name, _render(r.location, release.version, master_ip)) for r in data.repos}
    for other in releases:
        same = (other.name, other.version, other.os_key) == (
            release.name,
            release.version,
            release.os_key,
        )
        repos = other.orchestrator.repos if other.orchestrator else ()
        if same and {(r.name, r.location) for r in repos} == wanted:
            return other
    return None


def _render(location: str, version: str, master_ip: str) -> str:
    return location.replace("{MASTER_IP}", master_ip).replace("{OPENSTACK_VERSION}", version)


def make_plan(head: BundleHead, master: Master, config: Config, *, install: str) -> Plan:
    """Plan an install; a base release that is not there is left for the checks to name."""
    orchestrators = _orchestrators(head, master, config)
    layout = _Layout(head, config.paths, install)
    viewed = [repo for repo in head.repos if repo.base and config.full_view]
    hooks = partial(_hook_steps, master, _hook_context(head, master, layout, install))
    steps = (
        *hooks(BEFORE_INSTALL),
        PlannedStep(
            "unpack",
            f"unpack and verify {head.path.name}",
            unpack.params(head, layout.roots, layout.stagings, layout.links),
            "remove what was unpacked",
        ),
        *hooks(AFTER_STAGE),
        *layout.switches(),
        *(
            step
            for repo in viewed
            for step in layout.view_steps(repo, _roots(repo, config, orchestrators))
        ),
        *hooks(BEFORE_REGISTER),
        *_registrations(head, master, config, orchestrators),
        *_notifications(head),
        *layout.version_switches(),
        *hooks(AFTER_INSTALL),
    )
    return Plan(
        install=install,
        master_ip=config.master_ip,
        fuel_from=master.fuel_version,
        fuel_to=head.fuel_version,
        steps=steps,
        orchestrators=orchestrators,
        staged_bytes=layout.staged_bytes(),
        views={(repo.version, repo.os_key): _view_location(repo, config) for repo in viewed},
    )


def _view_location(repo: RepoPart, config: Config) -> str:
    url = config.repo_url.replace("{MASTER_IP}", config.master_ip).rstrip("/")
    return f"{url}/{view.FOLDER}/{repo.place}{repo.location_suffix}"


def _roots(
    repo: RepoPart, config: Config, orchestrators: Mapping[tuple[str, str], OrchestratorData]
) -> list[Path]:
    """Return the folders of a release's repos, newest first.

    Raises:
        PreflightError: one of them is on another server.
    """
    found = []
    for entry in orchestrators[repo.version, repo.os_key].repos:
        url = _render(entry.url, repo.version, config.master_ip)
        folder = folder_of(config, url)
        if folder is None:
            raise PreflightError(
                f"no full view of {repo.place}: {url} is not served by this master",
                remedy="install without the full view",
            )
        found.append(folder)
    return found


def _orchestrators(
    head: BundleHead, master: Master, config: Config
) -> dict[tuple[str, str], OrchestratorData]:
    """Give each release its own repo and then its base's, transitively.

    The releases come in topological order, so that a base in the same tarball is known by then.
    """
    found: dict[tuple[str, str], OrchestratorData] = {}
    for release in head.releases:
        repo = head.repo(release.version, release.os_key)
        place = repo.place.replace(release.version, "{OPENSTACK_VERSION}", 1)
        location = f"{config.repo_url.rstrip('/')}/{place}{repo.location_suffix}"
        base = _base_data(head, master, release, found)
        found[release.version, release.os_key] = orchestrator_data(release, location, base)
    return found


def _base_data(
    head: BundleHead,
    master: Master,
    release: Release,
    planned: Mapping[tuple[str, str], OrchestratorData],
) -> OrchestratorData | None:
    version = head.diff_releases.get(release.version)
    if version is None:
        return None
    inside = planned.get((version, release.os_key))
    if inside is not None:
        return as_base(inside, version)
    match = master.bases.get((release.version, release.os_key))
    registered = match.release if match else None
    if registered is None or registered.orchestrator is None:
        return None
    data = registered.orchestrator
    repos: tuple[RepoEntry, ...] = newest_first(registered.version, data.repos)
    return OrchestratorData(repos, data.puppet_manifests_source, data.puppet_modules_source)


def _registrations(
    head: BundleHead,
    master: Master,
    config: Config,
    orchestrators: Mapping[tuple[str, str], OrchestratorData],
) -> Iterator[PlannedStep]:
    for release in head.releases:
        data = orchestrators[release.version, release.os_key]
        equal = find_equal(master.releases, release, data, config.master_ip)
        name = f"{release.name} ({release.version})"
        match = master.bases.get((release.version, release.os_key))
        if match is not None and match.replaces_named and match.release is not None:
            name += f" on {match.release.version} in place of {match.need.named}"
        yield PlannedStep(
            "register",
            f"keep release {name} as it is registered" if equal else f"register release {name}",
            {"body": release.body(data), "adopt": equal.id if equal else None},
            "nothing: it was there before" if equal else "delete the release",
        )


def _notifications(head: BundleHead) -> Iterator[PlannedStep]:
    for release in head.releases:
        message = f"New release available: {release.name} ({release.version})"
        yield PlannedStep(
            "notify",
            f"notify of {release.name} ({release.version})",
            {"message": message},
            "delete the notification",
        )


def _hook_steps(master: Master, context: Mapping[str, Any], point: str) -> Iterator[PlannedStep]:
    for found in master.hooks.get(point, Hooks()).found:
        yield PlannedStep(
            "hook",
            f"run hook {found.title}",
            hook.params(found, context),
            f"run {found.undo.name}" if found.undo else "nothing: it has no undo twin",
        )


def _hook_context(
    head: BundleHead, master: Master, layout: "_Layout", install: str
) -> dict[str, Any]:
    return {
        "install": install,
        "tarball": str(head.path),
        "fuel_from": master.fuel_version,
        "fuel_to": head.fuel_version,
        "releases": [
            {"name": r.name, "version": r.version, "operating_system": r.operating_system}
            for r in head.releases
        ],
        "staging": [str(root) for root in layout.roots],
    }


class _Layout:
    """Where each part is staged, and where it goes live."""

    def __init__(self, head: BundleHead, paths: Paths, install: str) -> None:
        self._head = head
        self._paths = paths
        self._repos = paths.repos / STAGING / install
        self._puppet = paths.puppet / STAGING / install
        self._fuel = paths.fuel / STAGING / install
        self._rest = paths.state / "staging" / install
        self.stagings: dict[str, Path] = {
            manifest.REPOS: self._repos,
            manifest.PUPPET: self._puppet,
            manifest.RELEASE_VERSIONS: self._fuel / "release_versions",
            manifest.CONFIG: self._fuel / "config",
            "": self._rest,
        }
        self.roots = (self._repos, self._puppet, self._fuel, self._rest)
        self.links = {self._fuel / "link": f"{head.fuel_version}/version.yaml"}

    def staged_bytes(self) -> dict[Path, int]:
        """Return how many bytes go below each of the folders, before the switch."""
        totals = dict.fromkeys(
            (self._paths.repos, self._paths.puppet, self._paths.fuel, self._paths.state), 0
        )
        for path, sealed in self._head.sealed.items():
            prefix = max((p for p in self.stagings if path.startswith(p)), key=len)
            staging = self.stagings[prefix]
            folder = next(f for f in totals if staging.is_relative_to(f))
            totals[folder] += sealed.length_bytes
        return totals

    def switches(self) -> Iterator[PlannedStep]:
        """Give the switches of repos, puppet and release versions."""
        for repo in self._head.repos:
            yield _switch(
                f"repo {repo.place}", self._repos / repo.place, self._paths.repos / repo.place
            )
        for version in self._below(manifest.PUPPET):
            yield _switch(f"puppet {version}", self._puppet / version, self._paths.puppet / version)
        for name in self._below(manifest.RELEASE_VERSIONS):
            yield _switch(
                f"release version {name}",
                self._fuel / "release_versions" / name,
                self._paths.release_versions / name,
            )

    def view_steps(self, repo: RepoPart, roots: Sequence[Path]) -> Iterator[PlannedStep]:
        """Give the steps that build a full view and bring it to its place."""
        place = f"{view.FOLDER}/{repo.place}"
        staged = self._repos / place
        yield PlannedStep(
            "view",
            f"build the full view of repo {repo.place}",
            view.params(roots, staged),
            "remove what was built",
        )
        yield _switch(f"full view {place}", staged, self._paths.repos / place)

    def version_switches(self) -> Iterator[PlannedStep]:
        """Give the last two switches: the Fuel version's file, and the link to it."""
        version = self._head.fuel_version
        yield _switch(
            f"version file of Fuel {version}",
            self._fuel / "config/version.yaml",
            self._paths.fuel / version / "version.yaml",
        )
        yield _switch(f"link to Fuel {version}", self._fuel / "link", self._paths.version_link)

    def _below(self, prefix: str) -> list[str]:
        inside = (path for path in self._head.sealed if path.startswith(prefix))
        return sorted({path.removeprefix(prefix).split("/")[0] for path in inside})


def _switch(what: str, staged: Path, live: Path) -> PlannedStep:
    return PlannedStep(
        "switch", f"switch {what}", switch.params(staged, live), "switch back to what was there"
    )
