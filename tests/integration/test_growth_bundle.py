"""The work for a tarball grows with its files and releases, and not faster than n log n."""

from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from fuel_upgrade.cli.main import main
from tests.builders import Fake, apt_repo, openstack_yaml, write
from tests.growth import assert_all_n_log_n, lines_of
from tests.master import scratch_master

FILES = 50
RELEASES = 6


def command(*words: str | Path) -> None:
    done = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output


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


def write_spec(folder: Path, releases: list[dict[str, Any]]) -> Path:
    write(folder / "version.yaml", 'VERSION: {release: "6.0"}\n')
    data = {"version_yaml": "version.yaml", "upgrade_from": ["5.0"], "releases": releases}
    return write(folder / "bundle.yaml", yaml.safe_dump(data))


def counts(root: Path, spec: Path) -> dict[str, int]:
    """Return the work of each command that takes a tarball."""
    tarball = root / "fuel-6.0-upgrade.tar.zst"
    with scratch_master(root / "master") as master:
        return {
            "build": lines_of(lambda: command("bundle", "build", spec, "-o", tarball)),
            "inspect": lines_of(lambda: command("bundle", "inspect", tarball)),
            "report": lines_of(lambda: command("bundle", "report", tarball)),
            "plan": lines_of(lambda: master.engine().plan(tarball)),
            "install": lines_of(lambda: master.install(tarball)),
            "install again": lines_of(lambda: master.install(tarball)),
            "survey": lines_of(lambda: master.engine().survey([tarball])),
            "rollback": lines_of(lambda: master.engine().rollback()),
        }


def test_files_of_one_release(tmp_path: Path) -> None:
    def count(n: int) -> dict[str, int]:
        root = tmp_path / str(n)
        part = write_release(root / "release", "2014.2-6.0", files=n, packages=n)
        return counts(root, write_spec(root, [part]))

    assert_all_n_log_n(count, FILES)


def test_releases_of_one_tarball(tmp_path: Path) -> None:
    def count(n: int) -> dict[str, int]:
        root = tmp_path / str(n)
        versions = [f"2014.2-6.0.{k}" for k in range(n)]
        parts = [write_release(root / v, v, files=5, packages=2) for v in versions]
        return counts(root, write_spec(root, parts))

    assert_all_n_log_n(count, RELEASES)
