"""The packages that the tests install, made once a run from one runtime tree."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from fuel_upgrade import __version__
from tests.fixtures import tarballs
from tests.packaging import installers

__all__ = ["tarballs"]

PACKAGING = Path(__file__).parents[2] / "packaging"
LATER = "99.0.0"
#: Packages for tests need not be small.
QUICKLY = {"DPKG_DEB": "-Znone", "RPM_PAYLOAD": "w1.gzdio", "LEVEL": "1"}


@dataclass(frozen=True, slots=True)
class Packages:
    """A package of this version, and one of a later version."""

    now: Path
    later: Path


@pytest.fixture(scope="session")
def tree() -> Path:
    """The runtime tree that make has built."""
    return installers.tree()


@pytest.fixture(scope="session")
def later_tree(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with another version."""
    later = tmp_path_factory.mktemp("later") / "tree"
    subprocess.run(["cp", "--archive", tree, later], check=True)
    (package,) = later.glob("lib/python3/dist-packages/fuel_upgrade")
    for file in (later / "BUILD-INFO", package / "__init__.py"):
        text = file.read_text()
        assert __version__ in text
        file.unlink()
        file.write_text(text.replace(f'"{__version__}"', f'"{LATER}"'))
    for compiled in package.glob("__pycache__/__init__.*"):
        compiled.unlink()
    return later


def build(kind: str, tree: Path, out: Path) -> Path:
    """Build a package from a tree with ``packaging/build-KIND``."""
    done = subprocess.run(
        [PACKAGING / f"build-{kind}", tree, out],
        env={**os.environ, **QUICKLY}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def debs(tree: Path, later_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """Debian packages."""
    out = tmp_path_factory.mktemp("debs")
    return Packages(build("deb", tree, out), build("deb", later_tree, out))


@pytest.fixture(scope="session")
def rpms(tree: Path, later_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """RPMs."""
    out = tmp_path_factory.mktemp("rpms")
    return Packages(build("rpm", tree, out), build("rpm", later_tree, out))


@pytest.fixture(scope="session")
def installer() -> Path:
    """The installer file."""
    return installers.installer()
