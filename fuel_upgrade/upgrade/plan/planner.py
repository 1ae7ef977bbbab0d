"""Makes the plan of an install from the header of a tarball and the state of a master. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fuel_upgrade.bundle.manifest import PUPPET, RepoPart
from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.config import Config
from fuel_upgrade.errors import PreflightError
from fuel_upgrade.release.chain import newest_first
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, Release
from fuel_upgrade.release.nailgun_settings import fill_settings
from fuel_upgrade.release.puppet_tasks import is_tasks_file
from fuel_upgrade.release.registered_repos import as_base, orchestrator_data
from fuel_upgrade.release.repo_macros import render
from fuel_upgrade.upgrade.hooks import (
    AFTER_INSTALL,
    AFTER_STAGE,
    BEFORE_INSTALL,
    BEFORE_REGISTER,
    Hooks,
)
from fuel_upgrade.upgrade.plan.base_search import folder_of
from fuel_upgrade.upgrade.plan.layout import Layout
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.plan.plan import Plan, PlannedStep, PlanOptions
from fuel_upgrade.upgrade.steps.full_view import FOLDER
from fuel_upgrade.upgrade.steps.put_tasks import PutTasks
from fuel_upgrade.upgrade.steps.register import Notify, Register
from fuel_upgrade.upgrade.steps.run_hook import RunHook
from fuel_upgrade.upgrade.steps.unpack import Unpack


def find_equal(
    releases: Iterable[RegisteredRelease], release: Release, data: OrchestratorData, master_ip: str
) -> RegisteredRelease | None:
    """Return the registered release that equals ``release`` and has the same repos, if any."""
    expected = {(r.name, render(r.location, release.version, master_ip)) for r in data.repos}
    for other in releases:
        same = (other.name, other.version, other.os_key) == (
            release.name,
            release.version,
            release.os_key,
        )
        repos = other.orchestrator.repos if other.orchestrator else ()
        if same and {(r.name, r.location) for r in repos} == expected:
            return other
    return None


def make_plan(
    head: BundleHead, master: Master, config: Config, options: PlanOptions, *, install: str
) -> Plan:
    """Plan an install with the id ``install``, which names its staging folders.

    ``options`` are complete: those of the request and of the settings. A missing base release is
    no error here: :func:`fuel_upgrade.upgrade.plan.preflight.check` refuses it.

    Raises:
        PreflightError: a full view needs a repo that another server serves.
    """
    filled = (fill_settings(release, config.master_ip) for release in head.releases)
    head = replace(head, releases=tuple(filled))
    orchestrators = _orchestrators(head, master, config)
    layout = Layout(head, config.paths, install, master.venvs)
    viewed = [repo for repo in head.repos if repo.base and options.full_view]
    hooks = partial(_hook_steps, master, _hook_context(head, master, layout, install))
    steps = (
        *hooks(BEFORE_INSTALL),
        PlannedStep(
            Unpack(layout.roots, head.path, head.seal_sha256, layout.stagings, layout.links),
            f"unpack and verify {head.path.name}",
            "remove the unpacked files",
            head.unpacked_bytes,
        ),
        *hooks(AFTER_STAGE),
        *layout.switches(),
        *layout.publication(),
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
        options=options,
        master_ip=config.master_ip,
        fuel_from=master.fuel_version,
        fuel_to=head.fuel_version,
        steps=steps,
        orchestrators=orchestrators,
        staged_bytes=layout.staged_bytes(viewed),
        views={(repo.version, repo.os_key): _view_location(repo, config) for repo in viewed},
    )


def _view_location(repo: RepoPart, config: Config) -> str:
    url = config.root_url
    return f"{url}/{FOLDER}/{repo.place}{repo.location_suffix}"


def _roots(
    repo: RepoPart, config: Config, orchestrators: Mapping[tuple[str, str], OrchestratorData]
) -> list[Path]:
    """Return the folders of a release's repos, newest first.

    Raises:
        PreflightError: one of them is on another server.
    """
    folders = []
    for entry in orchestrators[repo.version, repo.os_key].repos:
        url = render(entry.url, repo.version, config.master_ip)
        folder = folder_of(config, url)
        if folder is None:
            raise PreflightError(
                f"no full view of {repo.place}: {url} is not served by this master",
                remedy="install without the full view",
            )
        folders.append(folder)
    return folders


def _orchestrators(
    head: BundleHead, master: Master, config: Config
) -> dict[tuple[str, str], OrchestratorData]:
    """Give each release its own repo, then the repos of its base, transitively.

    The releases are in topological order: a base in the same tarball comes before its diffs.
    """
    planned: dict[tuple[str, str], OrchestratorData] = {}
    repos = {(repo.version, repo.os_key): repo for repo in head.repos}
    for release in head.releases:
        repo = repos[release.version, release.os_key]
        place = repo.place.replace(release.version, "{OPENSTACK_VERSION}", 1)
        location = f"{config.repo_url.rstrip('/')}/{place}{repo.location_suffix}"
        base = _base_data(head, master, release, planned, config.master_ip)
        planned[release.version, release.os_key] = orchestrator_data(release, location, base)
    return planned


def _base_data(
    head: BundleHead,
    master: Master,
    release: Release,
    planned: Mapping[tuple[str, str], OrchestratorData],
    master_ip: str,
) -> OrchestratorData | None:
    version = head.diff_releases.get(release.version)
    if version is None:
        return None
    inside = planned.get((version, release.os_key))
    if inside is not None:
        return as_base(inside, version, master_ip)
    match = master.bases.get((release.version, release.os_key))
    registered = match.release if match else None
    if registered is None or registered.orchestrator is None:
        return None
    data = registered.orchestrator
    ordered = replace(data, repos=newest_first(registered.version, data.repos))
    return as_base(ordered, registered.version, master_ip)


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
            Register(master.dialect.body(release.fields, data), equal.id if equal else None),
            f"keep release {name} as it is registered" if equal else f"register release {name}",
            "nothing: it was registered before" if equal else "delete the release",
        )
        if master.dialect.has_tasks and _has_tasks(head, release):
            yield _put_tasks(release, config.paths.puppet)


def _has_tasks(head: BundleHead, release: Release) -> bool:
    folder = f"{PUPPET}{release.version}/"
    return any(path.startswith(folder) and is_tasks_file(path) for path in head.sealed)


def _put_tasks(release: Release, puppet: Path) -> PlannedStep:
    key = (release.name, release.version, release.operating_system)
    return PlannedStep(
        PutTasks(*key, puppet / release.version),
        f"put the deployment tasks of {release.name} ({release.version})",
        "put the previous deployment tasks back",
    )


def _notifications(head: BundleHead) -> Iterator[PlannedStep]:
    for release in head.releases:
        message = f"New release available: {release.name} ({release.version})"
        yield PlannedStep(
            Notify(message),
            f"notify of {release.name} ({release.version})",
            "delete the notification",
        )


def _hook_steps(master: Master, context: Mapping[str, Any], point: str) -> Iterator[PlannedStep]:
    for hook in master.hooks.get(point, Hooks()).accepted:
        yield PlannedStep(
            RunHook.of(hook, context),
            f"run hook {hook.title}",
            f"run {hook.undo.name}" if hook.undo else "nothing: it has no undo twin",
        )


def _hook_context(head: BundleHead, master: Master, layout: Layout, install: str) -> dict[str, Any]:
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
