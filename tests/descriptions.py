"""Tarballs with the openstack.yaml files that real Fuel releases shipped, over small repos."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from demo.packages import Recipe, make_apt_repo, make_yum_repo
from tests.master import build
from tests.tools import shared_dir

SYSTEMS = ("ubuntu", "centos")


def make_inputs(folder: Path, versions: Sequence[str]) -> Path:
    """Make the repos of some Fuel versions; one package more has changed in each."""
    for count, fuel in enumerate(versions):
        recipes = [
            Recipe(name, "2" if position < count else "1", f"{name} of {fuel}")
            for position, name in enumerate(("nova", "cinder"))
        ]
        recipes += [Recipe("libvirt", "1", "the same in all")]
        make_apt_repo(folder / fuel / "ubuntu", recipes)
        make_yum_repo(folder / fuel / "centos", recipes)
        (folder / f"version-{fuel}.yaml").write_text(f'VERSION: {{release: "{fuel}"}}\n')
    return folder


def real_release(
    fuel: str, *, base: str | None = None, base_fuel: str | None = None
) -> dict[str, Any]:
    """Return the entry of a release in ``bundle.yaml``: full, or a diff of ``base``."""
    repos = {
        system: {"base": f"{base_fuel}/{system}", "current": f"{fuel}/{system}"}
        if base
        else {"full": f"{fuel}/{system}"}
        for system in SYSTEMS
    }
    actual = {
        "openstack_yaml": str(shared_dir() / f"data/openstack.yaml/{fuel}.yaml"),
        "version_yaml": f"version-{fuel}.yaml",
        "repos": repos,
    }
    return {**actual, "base": base} if base else actual


def real_tarball(
    inputs: Path, out: Path, fuel: str, upgrade_from: str, releases: Sequence[Mapping[str, Any]]
) -> Path:
    """Build the tarball of a Fuel version with these releases."""
    spec = {
        "version_yaml": f"version-{fuel}.yaml",
        "upgrade_from": [upgrade_from],
        "releases": list(releases),
    }
    path = inputs / f"bundle-{out.name}.yaml"
    path.write_text(yaml.safe_dump(spec))
    return build(path, out)
