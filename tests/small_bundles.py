"""Tarballs of full releases with as many files and packages as a test asks for."""

from pathlib import Path
from typing import Any

import yaml

from tests.builders import Fake, apt_repo, openstack_yaml, write
from tests.master import build


def write_release(folder: Path, version: str, *, files: int, packages: int) -> dict[str, Any]:
    """Write the parts of a full release and return its part of ``bundle.yaml``."""
    apt_repo(folder / "repo", [Fake(f"p{n}", content=f"{version} {n}") for n in range(packages)])
    for n in range(files):
        write(folder / f"puppet/modules/m{n % 10}/file{n}.pp", f"# {n}\n")
    write(folder / "puppet/manifests/site.pp", "node default { }\n")
    write(folder / "openstack.yaml", yaml.safe_dump(openstack_yaml(["Ubuntu"], version)))
    return {
        "openstack_yaml": f"{folder.name}/openstack.yaml",
        "version_yaml": "version.yaml",
        "puppet": f"{folder.name}/puppet",
        "repos": {"ubuntu": {"full": f"{folder.name}/repo"}},
    }


def write_spec(
    folder: Path, releases: list[dict[str, Any]], *, fuel: str = "6.0", upgrades: str = "5.0"
) -> Path:
    """Write the ``bundle.yaml`` of these releases."""
    write(folder / "version.yaml", f'VERSION: {{release: "{fuel}"}}\n')
    data = {"version_yaml": "version.yaml", "upgrade_from": [upgrades], "releases": releases}
    return write(folder / "bundle.yaml", yaml.safe_dump(data))


def small_tarball(folder: Path, *, fuel: str = "6.0", upgrades: str = "5.0") -> Path:
    """Build a tarball of one release with a package and a file."""
    version = f"2014.2-{fuel}"
    part = write_release(folder / version, version, files=1, packages=1)
    spec = write_spec(folder, [part], fuel=fuel, upgrades=upgrades)
    return build(spec, folder / f"fuel-{fuel}-upgrade.tar")
