"""A build job with mirrors of four versions, and the artifacts of three earlier builds."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import yaml

from demo.packages import Recipe, make_apt_repo, make_yum_repo
from fuel_upgrade.system.files import hash_file
from tests.builders import openstack_yaml, write
from tests.host import BIN
from tests.programs import TIMEOUT_S

MAKEFILE = Path(__file__).parents[1] / "etc/build/fuel-upgrade.mk"
SAME = Recipe("same", "1.0-1", "same")
# Fuel version: version of its release, and the content of the package that changes
BUILDS = {
    "5.0.2": ("2014.1.1-5.0.2", "0"),
    "5.1": ("2014.1.1-5.1", "1"),
    "5.1.1": ("2014.1.3-5.1.1", "2"),
    "6.0": ("2014.2-6.0", "3"),
}
BUNDLES = "6.0:5.1 5.1.1:5.1 5.0.2"
UPGRADE = ("-j4", "upgrade", "UPGRADE_SUFFIX=.tar")


class Job:
    """A folder of a build job, and make in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def argv(self, *arguments: str) -> list[str]:
        argv = ["make", "-f", str(MAKEFILE), f"FUEL_UPGRADE={BIN / 'fuel-upgrade'}", *arguments]
        return argv if any("ARTS_DIR" in text for text in arguments) else [*argv, "ARTS_DIR=made"]

    def make(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            self.argv(*arguments), cwd=self.folder, check=False, timeout=TIMEOUT_S,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        return done.stdout

    def killed_after(self, seconds: float, *arguments: str) -> None:
        """Kill make and all programs that it started, unless they end before."""
        with subprocess.Popen(
            self.argv(*arguments), cwd=self.folder, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def upgrade(self, *arguments: str) -> Path:
        self.make(*UPGRADE, *ours(), *arguments)
        return self.folder / "made/fuel-6.0-upgrade.tar"

    def made(self) -> dict[str, tuple[str, int]]:
        """Return checksum and time of each artifact."""
        paths = (self.folder / "made").glob("[!.]*")
        return {path.name: (hash_file(path), path.stat().st_mtime_ns) for path in paths}


def ours(version: str = "6.0") -> list[str]:
    """Return the variables of a build that every job has."""
    return [
        f"CURRENT_VERSION={version}",
        *([f"UPGRADE_VERSIONS={BUNDLES}", "BASE_VERSION=5.1"] if version == "6.0" else []),
        f"OPENSTACK_YAML=mirrors/{version}/openstack.yaml",
        f"LOCAL_MIRROR=mirrors/{version}",
        f"PUPPET_DIR=mirrors/{version}/puppet",
    ]


def make_job(folder: Path) -> Job:
    """Make the mirrors of all versions, and by the targets the artifacts of the earlier builds."""
    job = Job(folder)
    for version, (release, content) in BUILDS.items():
        mirror = job.folder / "mirrors" / version
        recipes = (SAME, Recipe("changed", "1.0-1", content))
        make_apt_repo(mirror / "ubuntu", recipes)
        make_yum_repo(mirror / "centos/os/x86_64", recipes)
        write(mirror / "openstack.yaml", yaml.safe_dump(openstack_yaml(version=release)))
        write(mirror / "puppet/manifests/site.pp", f"# {version}\n")
        write(mirror / "puppet/modules/nova/run", "#!/bin/sh\n").chmod(0o755)
    puppet = "made/puppet.tgz"
    described = ("openstack-yaml", "version-yaml", puppet)
    for version in ("5.0.2", "5.1"):
        job.make("-j4", *described, "centos-repo", "ubuntu-repo", *ours(version))
        (job.folder / "made").rename(to_folder(job.folder / "deps" / version))
    diffs = ("centos-diff-repo", "ubuntu-diff-repo", "BASE_VERSION=5.1")
    job.make("-j4", *described, *diffs, *ours("5.1.1"))
    (job.folder / "made").rename(job.folder / "deps/5.1.1")
    return job


def to_folder(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    return path


def copy_of(job: Job, folder: Path) -> Job:
    shutil.copytree(job.folder, folder, symlinks=True)
    return Job(folder)
