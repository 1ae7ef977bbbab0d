"""The values that a plan is made from, in memory: the header of a tarball, and a master."""

from dataclasses import replace
from pathlib import Path

from fuel_upgrade.bundle.manifest import RepoPart, UpgradeDescription
from fuel_upgrade.bundle.seal import SealedFile, SealedFiles
from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.config import Config
from fuel_upgrade.release.dialect import MapDialect
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, Release, RepoEntry
from fuel_upgrade.repo.description import DiffDescription
from fuel_upgrade.repo.package import Package, RepoKind
from fuel_upgrade.system.disk_space import FileSystem
from fuel_upgrade.upgrade.plan.base_match import BaseMatch, Need
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.plan.plan import Plan, PlanOptions
from fuel_upgrade.upgrade.plan.planner import make_plan
from tests.builders import BASE_VERSION, VERSION

UBUNTU = (VERSION, "ubuntu")
CONFIG = Config(master_ip="10.20.0.2")
PATHS = CONFIG.paths
GIB = 1 << 30
FILE_SYSTEM = FileSystem(1, Path("/"), 100 * GIB)


def sealed(length_bytes: int = 10) -> SealedFile:
    return SealedFile(length_bytes, "ab" * 32)


def repo_part(version: str, base: str | None, os_key: str = "ubuntu") -> RepoPart:
    is_apt = os_key == "ubuntu"
    return RepoPart(
        version=version,
        os_key=os_key,
        kind=RepoKind.APT if is_apt else RepoKind.YUM,
        suite="trusty" if is_apt else None,
        components=("main",) if is_apt else (),
        packages=2,
        size_bytes=20,
        full_packages=6,
        full_size_bytes=60,
        base=base,
    )


def described_release(version: str = VERSION, system: str = "Ubuntu") -> Release:
    fields = {"name": f"R on {system}", "version": version, "operating_system": system}
    return Release(fields["name"], version, system, fields)


def description(*, original: tuple[str, ...] = ()) -> DiffDescription:
    return DiffDescription(
        RepoKind.APT, "sha256", "sha256:1", "sha256:2", {}, 0, 0, (), (), (), (), original=original
    )


def bundle_head(
    parts: tuple[RepoPart, ...] = (repo_part(VERSION, BASE_VERSION),),
    *,
    upgrade_from: tuple[str, ...] = ("5.1",),
    original: tuple[str, ...] = (),
) -> BundleHead:
    """Return the header of a tarball of Fuel 6.0 with these repos, each with one package."""
    files = {
        "upgrade/config/version.yaml": sealed(),
        "upgrade/seal/other": sealed(),
        f"upgrade/release_versions/{VERSION}.yaml": sealed(),
        f"upgrade/puppet/{VERSION}/manifests/site.pp": sealed(),
        "upgrade/installer/fuel-upgrade.run": sealed(GIB),
    }
    for part in parts:
        files[f"{part.folder}/pool/a.deb"] = sealed(5000)
        files[f"{part.folder}/Packages"] = sealed(100)
    names = {"ubuntu": "Ubuntu", "centos": "CentOS"}
    return BundleHead(
        path=Path("/root/fuel-6.0-upgrade.tar.zst"),
        size_bytes=1000,
        fuel_version="6.0",
        description=UpgradeDescription(upgrade_from, parts),
        releases=tuple(described_release(p.version, names[p.os_key]) for p in parts),
        diff_releases={p.version: p.base for p in parts if p.base},
        descriptions={(p.version, p.os_key): description(original=original) for p in parts
                      if p.base},
        sealed=SealedFiles.of(files),
        seal_sha256="5ea1",
    )  # fmt: skip


def orchestrator(*repos: RepoEntry) -> OrchestratorData:
    return OrchestratorData(repos, "manifests", "modules")


def registered(
    number: int, version: str, *repos: RepoEntry, system: str = "Ubuntu"
) -> RegisteredRelease:
    """Return a registered release; without ``repos`` it has its own repo on this master."""
    location = f"http://10.20.0.2:8080/{version}/{system.lower()}/x86_64 trusty main"
    data = orchestrator(*(repos or (RepoEntry(version, location),)))
    return RegisteredRelease(number, f"R on {system}", version, system, "available", data)


BASE = registered(1, BASE_VERSION)


def need(
    *inherited: Package, version: str = VERSION, os_key: str = "ubuntu", named: str = BASE_VERSION
) -> Need:
    return Need(version, os_key, named, "sha256", inherited)


def master(
    *releases: RegisteredRelease, match: BaseMatch | None = None, fuel_version: str = "5.1"
) -> Master:
    """Return a master of one file system; ``match`` is the base of the release for Ubuntu."""
    return Master(
        fuel_version=fuel_version,
        dialect=MapDialect(),
        releases=releases,
        running_tasks=(),
        bases={UBUNTU: match} if match else {},
        file_systems=dict.fromkeys(
            (PATHS.repos, PATHS.puppet, PATHS.fuel, PATHS.state), FILE_SYSTEM
        ),
    )


def ready_master() -> Master:
    """Return a master of Fuel 5.1 on which the base of the release for Ubuntu is registered."""
    return master(BASE, match=BaseMatch(need(), accepted=True, release=BASE))


def plan_of(
    head: BundleHead, on: Master, *, full_view: bool = False, config: Config = CONFIG
) -> Plan:
    return make_plan(head, on, config, PlanOptions(full_view=full_view), install="ab12cd34")


def with_free(on: Master, free_bytes: int) -> Master:
    file_systems = {
        folder: replace(FILE_SYSTEM, free_bytes=free_bytes) for folder in on.file_systems
    }
    return replace(on, file_systems=file_systems)
