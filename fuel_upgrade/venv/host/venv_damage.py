"""The differences between a venv and its description."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from .deployed import DESCRIPTION
from .repo_server import sha256_of


def find_damage(venv: Path, *, content: bool) -> list[str]:
    """Return the files of a venv that differ from its description: path and difference.

    Without ``content`` only kinds, modes and sizes are compared. Bytecode in ``__pycache__`` that
    the description does not have is accepted: services write it.
    """
    try:
        files = json.loads((venv / DESCRIPTION).read_bytes())["files"]
    except (OSError, ValueError, KeyError):
        return [f"{DESCRIPTION}: missing or malformed"]
    damage = []
    present = set()
    for folder, folders, names in os.walk(venv):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
        for name in (*names, *links):
            path = os.path.relpath(os.path.join(folder, name), venv)  # noqa: PTH118
            present.add(path)
            if path not in files:
                is_bytecode = name.endswith(".pyc") and "__pycache__" in path
                if not is_bytecode and path != DESCRIPTION:
                    damage.append(f"{path}: added")
            elif not _is_same(venv / path, files[path], content=content):
                damage.append(f"{path}: changed")
    return sorted(damage + [f"{path}: missing" for path in files if path not in present])


def _is_same(path: Path, expected: list[object], *, content: bool) -> bool:
    info = path.lstat()
    if stat.S_ISLNK(info.st_mode):
        return expected == ["link", str(path.readlink())]
    if not stat.S_ISREG(info.st_mode) or expected[0] != "file":
        return False
    mode, size, sha256 = expected[1:]
    is_same = (f"{stat.S_IMODE(info.st_mode):o}", info.st_size) == (mode, size)
    return is_same and (not content or sha256_of(path) == sha256)
