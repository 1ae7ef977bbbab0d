"""The two releases of the demo, and a third with a description that Nailgun refuses."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from demo.packages import Recipe, make_apt_repo, make_yum_repo

BASE_VERSION = "2014.1.1-5.1"
CURRENT_VERSION = "2014.2-6.0"
BROKEN_VERSION = "2014.2-6.0.1"
SUITE = "precise"
REMOVED = "savanna"


@dataclass(frozen=True, slots=True)
class DemoRelease:
    """One tarball of the demo: a Fuel version and its one release."""

    fuel: str
    version: str
    name: str
    upgrade_from: tuple[str, ...]
    base: str | None = None


RELEASES = (
    DemoRelease("5.1", BASE_VERSION, "Icehouse", ("5.0",)),
    DemoRelease("6.0", CURRENT_VERSION, "Juno", ("5.1", "5.1.1"), BASE_VERSION),
    DemoRelease("6.0.1", BROKEN_VERSION, "Juno", ("6.0",), BASE_VERSION),
)

# name: (what happens to it, in 5.1, in 6.0); each side is (version, content) or nothing
_FATES: Mapping[str, tuple[str, tuple[str, str] | None, tuple[str, str] | None]] = {
    "libvirt": ("unchanged", ("1.2.2-1", "libvirt"), ("1.2.2-1", "libvirt")),
    "rabbitmq": ("unchanged", ("3.3.5-1", "rabbitmq"), ("3.3.5-1", "rabbitmq")),
    "galera": ("unchanged", ("25.3-1", "galera"), ("25.3-1", "galera")),
    "nova": ("upgraded", ("2014.1.1-1", "nova Icehouse"), ("2014.2-1", "nova Juno")),
    "cinder": ("upgraded", ("2014.1.1-1", "cinder Icehouse"), ("2014.2-1", "cinder Juno")),
    # The reason to compare by checksum: one version, two contents.
    "keystone": ("rebuilt", ("2014.1.1-3", "keystone, first"), ("2014.1.1-3", "keystone, again")),
    "ceph": ("downgraded", ("0.87-1", "ceph Giant"), ("0.80.7-1", "ceph Firefly")),
    "sahara": ("added", None, ("2014.2-1", "sahara Juno")),
    REMOVED: ("removed", ("2014.1-1", "savanna Icehouse"), None),
}


@dataclass(frozen=True, slots=True)
class Fate:
    """A package of the current release: its change, and the content that a node must get."""

    name: str
    what: str
    version: str
    content: str


def fates() -> tuple[Fate, ...]:
    """Return the packages of the current release."""
    return tuple(
        Fate(name, what, *after) for name, (what, _, after) in _FATES.items() if after is not None
    )


def recipes(side: int) -> list[Recipe]:
    """Return the packages of the base (0) or the current (1) release."""
    sides = ((name, (before, after)[side]) for name, (_, before, after) in _FATES.items())
    return [Recipe(name, v[0], _filled(v[1])) for name, v in sides if v is not None]


def _filled(content: str) -> str:
    """Add 40 KiB of incompressible data, always the same, so that sizes are realistic."""
    filling = random.Random(content).randbytes(20 << 10).hex()
    return f"{content}\n{filling}\n"


def write_inputs(folder: Path) -> None:
    """Build the repos of both releases and all inputs of a bundle.yaml."""
    for name, side in (("5.1", 0), ("6.0", 1)):
        make_apt_repo(folder / name / "ubuntu", recipes(side), suite=SUITE)
        make_yum_repo(folder / name / "centos", recipes(side))
        modules = folder / name / "puppet/modules/nova/manifests"
        modules.mkdir(parents=True)
        (modules / "init.pp").write_text(f"class nova {{ notice('Fuel {name}') }}\n")
        (folder / name / "puppet/manifests").mkdir()
        (folder / name / "puppet/manifests/site.pp").write_text("node default { include nova }\n")
    for release in RELEASES:
        _write_release(folder, release)


def _write_release(folder: Path, release: DemoRelease) -> None:
    fuel = release.fuel
    part: dict[str, Any] = {
        "openstack_yaml": f"openstack-{fuel}.yaml",
        "version_yaml": f"version-{fuel}.yaml",
        "puppet": "6.0/puppet" if release.base else "5.1/puppet",
    }
    if release.base:
        part["base"] = release.base
    part["repos"] = {
        system: {"base": f"5.1/{system}", "current": f"6.0/{system}"}
        if release.base
        else {"full": f"5.1/{system}"}
        for system in ("ubuntu", "centos")
    }
    bundle = {
        "version_yaml": f"version-{fuel}.yaml",
        "upgrade_from": list(release.upgrade_from),
        "releases": [part],
    }
    _write_yaml(folder / f"bundle-{fuel}.yaml", bundle)
    _write_yaml(folder / f"version-{fuel}.yaml", {"VERSION": {"release": fuel, "api": "1.0"}})
    _write_yaml(folder / f"openstack-{fuel}.yaml", _fixture(release.name, release.version))


def _fixture(name: str, version: str) -> list[dict[str, Any]]:
    """Describe a release for both systems; the broken one has a network without a name.

    Only Nailgun itself can know that it refuses the release, so the refusal comes in the middle of
    the install, with the repos already switched and the other release registered.
    """
    base = {"model": "nailgun.release", "fields": {"state": "available", "roles": ["controller"]}}
    entries: list[dict[str, Any]] = [base]
    for key, (system, title) in enumerate((("CentOS", "CentOS 6.5"), ("Ubuntu", "Ubuntu 12.04.4"))):
        broken = version == BROKEN_VERSION and system == "Ubuntu"
        networks: list[dict[str, str]] = [{}] if broken else [{"name": "public"}]
        fields = {
            "name": f"{name} on {title}",
            "version": version,
            "operating_system": system,
            "description": f"OpenStack {name} packages on {title}.",
            "networks_metadata": {"nova_network": {"networks": networks}},
        }
        entries.append({"pk": key + 1, "extend": base, "fields": fields})
    return entries


def _write_yaml(path: Path, data: object) -> None:
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
