"""The repos to register a release with: its own, then those of its base."""

from dataclasses import replace

from fuel_upgrade.release.model import OrchestratorData, Release, RepoEntry
from fuel_upgrade.release.nailgun_repos import read_repos
from fuel_upgrade.release.repo_macros import MASTER_IP, VERSION, restore_master

_PUPPET = f"rsync://{MASTER_IP}:/puppet/{VERSION}/"


def orchestrator_data(
    release: Release, location: str, base: OrchestratorData | None
) -> OrchestratorData:
    """Return the orchestrator data of ``release``: its own repo, then those of its base.

    ``location`` may contain macros; the entries of the base have their own version already. The
    puppet sources are those of the description, or else the defaults of a Fuel master.
    """
    described = read_repos({"operating_system": release.operating_system, **release.fields,
                            "version": release.version})  # fmt: skip
    own = RepoEntry(release.version, location)
    manifests = described and described.puppet_manifests_source
    modules = described and described.puppet_modules_source
    return OrchestratorData(
        repos=(own, *(base.repos if base else ())),
        puppet_manifests_source=manifests or _PUPPET + "manifests/",
        puppet_modules_source=modules or _PUPPET + "modules/",
    )


def as_base(data: OrchestratorData, version: str, master_ip: str) -> OrchestratorData:
    """Return ``data`` as the base of another release.

    The version is no macro any more, the master's address becomes one again, and the priorities
    are left to the new chain.
    """
    return replace(data, repos=tuple(_as_base(repo, version, master_ip) for repo in data.repos))


def unfrozen(data: OrchestratorData, master_ip: str) -> OrchestratorData:
    """Return ``data`` with the macro in place of the master's own address."""
    return OrchestratorData(
        tuple(replace(r, location=restore_master(r.location, master_ip)) for r in data.repos),
        restore_master(data.puppet_manifests_source, master_ip),
        restore_master(data.puppet_modules_source, master_ip),
    )


def _as_base(repo: RepoEntry, version: str, master_ip: str) -> RepoEntry:
    location = restore_master(repo.location.replace(VERSION, version), master_ip)
    return RepoEntry(repo.name.replace(VERSION, version), location)
