"""Which repos a release is to be registered with: its own, then those of its base."""

from dataclasses import replace

from fuel_upgrade.release.model import OrchestratorData, Release, RepoEntry
from fuel_upgrade.release.nailgun_repos import read_repos
from fuel_upgrade.release.repo_macros import MASTER_IP, VERSION, restore_master

_PUPPET = f"rsync://{MASTER_IP}:/puppet/{VERSION}/"


def orchestrator_data(
    release: Release, location: str, base: OrchestratorData | None
) -> OrchestratorData:
    """Return what the orchestrator of ``release`` needs: its own repo, then its base's.

    ``location`` may hold the macros; the base's entries already carry their own version. The
    puppet sources are those of the description, else the ones that every Fuel master serves.
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
    """Return ``data`` fit to be a base of another release.

    Its version is no longer a macro, and the master's address is one again where Nailgun froze
    it; what each repo has for a priority is for the new chain to say.
    """
    return replace(data, repos=tuple(_as_base(repo, version, master_ip) for repo in data.repos))


def unfrozen(data: OrchestratorData, master_ip: str) -> OrchestratorData:
    """Return ``data`` with the macro wherever it has the master's own address."""
    return OrchestratorData(
        tuple(replace(r, location=restore_master(r.location, master_ip)) for r in data.repos),
        restore_master(data.puppet_manifests_source, master_ip),
        restore_master(data.puppet_modules_source, master_ip),
    )


def _as_base(repo: RepoEntry, version: str, master_ip: str) -> RepoEntry:
    location = restore_master(repo.location.replace(VERSION, version), master_ip)
    return RepoEntry(repo.name.replace(VERSION, version), location)
