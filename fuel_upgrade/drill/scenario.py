"""The tarballs of a drill, and the bases that a given tarball needs."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fuel_upgrade.bundle.pack import build_bundle
from fuel_upgrade.bundle.spec import BundleSpec, ReleaseSpec, RepoSpec
from fuel_upgrade.bundle.verify import read_head
from fuel_upgrade.config import Config
from fuel_upgrade.drill.sample_packages import COMPONENT, SUITE, content, write_repo
from fuel_upgrade.errors import PreflightError
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.release.model import OrchestratorData, RepoEntry
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.upgrade.plan.base_match import Need, needs

FUEL_AT_FIRST = "0.1"
_KINDS = {"ubuntu": RepoKind.APT, "centos": RepoKind.YUM}
_NAMES = {"ubuntu": "Ubuntu", "centos": "CentOS"}
_OLD = {"same": "same", "rebuilt": "first", "gone": "gone"}
_NEW = {"same": "same", "rebuilt": "again", "new": "new"}
_FUELS, _VERSIONS = ("5.1", "6.0"), ("2014.1.1-5.1", "2014.2-6.0")


@dataclass(frozen=True, slots=True)
class Scenario:
    """The drilled tarball, and the tarball that is installed before it.

    ``bases`` are further base repos that its diff repos need. Only the drill's own tarballs can
    have full views, because only for them all packages exist.
    """

    prior: Path
    tarball: Path
    bases: tuple[Need, ...]
    full_view: bool
    unpacked_bytes: int


def make_scenario(folder: Path, tarball: Path | None) -> Scenario:
    """Build the tarballs below ``folder``: the one before ``tarball``, or both.

    Raises:
        BundleError: the tarball is damaged.
        PreflightError: it upgrades from no version.
    """
    head = read_head(tarball) if tarball else None
    if head is None:
        _make_tarball(folder, 0)
        _make_tarball(folder, 1)
        head = read_head(_path(folder, _FUELS[1]))
        prior, size_bytes = _path(folder, _FUELS[0]), head.unpacked_bytes
        return Scenario(prior, head.path, (), full_view=True, unpacked_bytes=size_bytes)
    if not head.description.upgrade_from:
        raise PreflightError(
            f"{head.path}: upgrades from no version of Fuel",
            remedy="build it anew, with upgrade_from in bundle.yaml",
        )
    fuel = head.description.upgrade_from[-1]
    _make_tarball(folder, 0, fuel=fuel, version=f"2000.1-{fuel}")
    inside = {(r.version, r.os_key) for r in head.releases}
    bases = by_base(need for need in needs(head) if (need.named, need.os_key) not in inside)
    prior, size_bytes = _path(folder, fuel), head.unpacked_bytes
    return Scenario(prior, head.path, bases, full_view=False, unpacked_bytes=size_bytes)


def by_base(all_needs: Iterable[Need]) -> tuple[Need, ...]:
    """Join the needs of several diff repos of one base: it has the packages of all."""
    joined: dict[tuple[str, str], Need] = {}
    for need in all_needs:
        key = (need.named, need.os_key)
        others = joined[key].inherited if key in joined else ()
        inherited = tuple(dict.fromkeys((*others, *need.inherited)))
        joined[key] = replace(need, inherited=inherited)
    return tuple(joined.values())


def _path(folder: Path, fuel: str) -> Path:
    return folder / f"fuel-{fuel}-upgrade.tar"


def _make_tarball(
    folder: Path, number: int, *, fuel: str | None = None, version: str | None = None
) -> None:
    """Build one of the drill's own tarballs: 0 has full repos, 1 has diff repos against 0."""
    fuel, version = fuel or _FUELS[number], version or _VERSIONS[number]
    parts = folder / f"parts-{fuel}"
    release = ReleaseSpec(
        openstack_yaml=_write(parts / "openstack.yaml", _openstack_yaml(version)),
        version_yaml=_write(parts / "version.yaml", f'VERSION: {{release: "{fuel}"}}\n'),
        puppet=_write_puppet(parts / "puppet"),
        base=_VERSIONS[0] if number else None,
        repos=_write_repos(folder, parts, number),
        only=(),
    )
    since = (_FUELS[0],) if number else (FUEL_AT_FIRST,)
    spec = BundleSpec(release.version_yaml, since, (release,))
    build_bundle(spec, _path(folder, fuel), progress=no_progress)


def _write_repos(folder: Path, parts: Path, number: int) -> Mapping[str, RepoSpec]:
    repos = {}
    for os_key, kind in _KINDS.items():
        now = write_repo(parts / os_key, kind, content(kind, _NEW if number else _OLD))
        before = folder / f"parts-{_FUELS[0]}" / os_key
        repos[os_key] = RepoSpec(base=before, current=now) if number else RepoSpec(full=now)
    return repos


def _openstack_yaml(version: str) -> str:
    entries = [
        {
            "pk": number,
            "fields": {"name": f"Drill on {name}", "version": version, "operating_system": name},
        }
        for number, name in enumerate(_NAMES.values(), 1)
    ]
    return json.dumps(entries)  # JSON is YAML too


def _write_puppet(folder: Path) -> Path:
    _write(folder / "modules/drill/manifests/init.pp", "class drill {}\n")
    _write(folder / "modules/drill/run", "#!/bin/sh\n").chmod(0o755)
    (folder / "manifests").mkdir()
    (folder / "manifests/site.pp").symlink_to("../modules/drill/manifests/init.pp")
    return folder


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def write_master(config: Config) -> None:
    """Write the version file of a master and the link to it."""
    text = f'VERSION: {{release: "{FUEL_AT_FIRST}"}}\n'
    _write(config.paths.fuel / FUEL_AT_FIRST / "version.yaml", text)
    config.paths.version_link.symlink_to(f"{FUEL_AT_FIRST}/version.yaml")


def write_base(config: Config, control: ControlPlane, need: Need) -> None:
    """Register a base release whose index has the packages that a diff repo inherits.

    The packages are empty files: an install compares the checksums in the index.
    """
    kind, path = _KINDS[need.os_key], f"{need.named}/{need.os_key}/x86_64"
    empty = {replace(package, location="pool/empty"): b"" for package in need.inherited}
    write_repo(config.paths.repos / path, kind, empty)
    url = f"{config.root_url}/{path}"
    suffix = f" {SUITE} {COMPONENT}" if kind is RepoKind.APT else ""
    puppet = f"rsync://{{MASTER_IP}}:/puppet/{need.named}"
    data = OrchestratorData(
        (RepoEntry(need.named, url + suffix),), f"{puppet}/manifests/", f"{puppet}/modules/"
    )
    fields = {
        "name": f"Base of {need.version} on {_NAMES[need.os_key]}",
        "version": need.named,
        "operating_system": _NAMES[need.os_key],
    }
    control.create_release(control.dialect().body(fields, data))
