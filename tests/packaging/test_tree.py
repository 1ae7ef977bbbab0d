"""The runtime tree: two builds are identical, wherever, by whomever and whenever."""

import os
import subprocess
import sys
from pathlib import Path

from tests.packaging.installers import PACKAGING, TREE, tree
from tests.tools import needs

pytestmark = [needs("apt-get", "dpkg-deb", "strip")]


def as_tar(folder: Path) -> str:
    """Return the SHA-256 of the tree with modes and times; BUILD-INFO names the commit."""
    argv = ["tar", "--sort=name", "--owner=0", "--group=0", "--exclude=./BUILD-INFO"]
    script = '"$@" | sha256sum'
    packed = [*argv, "--create", "--directory", str(folder), "."]
    done = subprocess.run(["sh", "-c", script, "sh", *packed], check=True, capture_output=True)
    return done.stdout.decode()


def test_two_builds_are_identical(tmp_path: Path) -> None:
    """The second has an empty cache, as the first on a new build machine."""
    time_s = int((tree() / "BUILD-INFO").stat().st_mtime)
    other = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "SOURCE_DATE_EPOCH": str(time_s)}
    other["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    out = tmp_path / "an other place"
    script = 'umask 077; exec "$@"'
    argv = ["sh", "-c", script, "sh", sys.executable, str(PACKAGING / "build-tree"), str(out)]
    subprocess.run(argv, check=True, cwd="/", env={**os.environ, **other})
    assert as_tar(out / TREE) == as_tar(tree())


def test_an_existing_tree_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / TREE).mkdir(parents=True)
    argv = [sys.executable, str(PACKAGING / "build-tree"), str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    labels = [line.split(":")[0] for line in done.stderr.splitlines()]
    assert (done.returncode, labels) == (1, ["error", "remedy"])


def test_the_tree_is_tested_at_its_place() -> None:
    """As the installer does before it switches, and with nothing of the caller's environment."""
    misleading = {"PYTHONPATH": "/nosuch", "PYTHONHOME": "/nosuch", "LD_LIBRARY_PATH": "/nosuch"}
    argv = [
        str(tree() / "bin/python3"),
        "-c",
        "import sys, fuel_upgrade; print(fuel_upgrade.__file__)",
    ]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env=misleading)
    assert Path(done.stdout).is_relative_to(tree())
