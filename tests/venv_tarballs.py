"""Two small upgrade tarballs with venvs: a full release, and one that builds on it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fake_venvs import publish_venvs
from tests.master import build
from tests.small_bundles import write_release, write_spec

OLD, NEW = "2014.2-5.1", "2014.2-6.0"


@dataclass(frozen=True, slots=True)
class VenvTarballs:
    """``old`` brings two venvs of tag 1; ``new`` replaces one of them and builds on the other."""

    folder: Path
    repo: Path
    old: Path
    new: Path


def venv_tarballs(folder: Path) -> VenvTarballs:
    """Build both tarballs."""
    before, after = folder / "venvs-5.1", folder / "venvs-6.0"
    publish_venvs(before, "1", {"api": "api one", "web": "web one"})
    publish_venvs(after, "1", {"api": "api two", "web": "web one"})
    old = write_release(folder / "5.1", OLD, files=1, packages=1)
    old["venvs"] = {"repo": before.name, "tag": "1"}
    first = build(write_spec(folder, [old], fuel="5.1"), folder / "fuel-5.1.tar")
    spec = write_spec(folder, [diff_release(folder, base_repo=before.name)], upgrades="5.1")
    return VenvTarballs(folder, after, first, build(spec, folder / "fuel-6.0.tar"))


def diff_release(folder: Path, **venvs: str) -> dict[str, Any]:
    """Return the release of 6.0 as a diff of 5.1; ``venvs`` are added to its venvs."""
    part = write_release(folder / "6.0", NEW, files=1, packages=1)
    part["base"] = OLD
    part["repos"] = {"ubuntu": {"base": "5.1/repo", "current": "6.0/repo"}}
    part["venvs"] = {"repo": "venvs-6.0", "tag": "1", **venvs}
    return part
