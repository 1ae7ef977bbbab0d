"""All of a master that an install changes, as a value whose differences can be read."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.system.files import hash_file
from fuel_upgrade.system.tree_digest import walk
from tests.master import ScratchMaster

_SHARED = (".fuel-upgrade", "staging")
"""Folders that hold a folder for each install, and go with the last of them."""


@dataclass(frozen=True, slots=True)
class Content:
    """The tree with staged files and backups, and the content of the registry."""

    tree: Mapping[str, str]
    releases: tuple[object, ...]
    notifications: tuple[object, ...]

    def faults(self, actual: "Content") -> list[str]:
        """Say how another content differs from this, which was expected."""
        faults = _differences(self.tree, actual.tree)
        for what in ("releases", "notifications"):
            expected, other = getattr(self, what), getattr(actual, what)
            if expected != other:
                faults.append(f"{what}: expected {expected}, found {other}")
        return faults


def read_content(master: ScratchMaster) -> Content:
    """Read a running master; the programs' own files count as far as something is staged there."""
    paths = master.config.paths
    own = [paths.log, paths.socket.parent]
    own += [file for file in paths.state.iterdir() if file.name not in _SHARED]
    tree = {
        str(path.relative_to(master.root)): _describe(path)
        for path in walk(master.root, without=own)
    }
    return Content(tree, master.client.releases(), master.client.notifications())


def _differences(expected: Mapping[str, str], actual: Mapping[str, str]) -> list[str]:
    paths = sorted({*expected, *actual})
    pairs = ((path, expected.get(path, "absent"), actual.get(path, "absent")) for path in paths)
    return [f"{path}: expected {one}, found {other}" for path, one, other in pairs if one != other]


def _describe(path: Path) -> str:
    """Give kind, mode, owner, attributes, target, links, time and content.

    Times and link counts of folders do not count: neighbours that come and go change them.
    """
    info = path.lstat()
    names = sorted(os.listxattr(path, follow_symlinks=False))
    attributes = {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in names}
    parts = [f"{info.st_mode:o}", f"{info.st_uid}:{info.st_gid}", str(attributes)]
    if stat.S_ISLNK(info.st_mode):
        parts.append(f"-> {path.readlink()}")
    elif stat.S_ISREG(info.st_mode):
        parts += [str(info.st_nlink), str(info.st_mtime_ns), hash_file(path)]
    return " ".join(parts)
