"""A digest over a whole tree: equal digests mean that nothing was changed."""

import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from fuel_upgrade.system.files import hash_file


def digest(root: Path, *, without: Collection[Path] = ()) -> str:
    """Return the SHA-256 over names, kinds, modes, owners, link targets and contents below.

    ``without`` names paths that do not count, nor what is below them. Times of folders do not
    count (they change when a neighbour is made and removed again); times of files do.
    """
    lines = "\n".join(_describe(root, path) for path in walk(root, without=without))
    return hashlib.sha256(os.fsencode(lines)).hexdigest()


def walk(root: Path, *, without: Collection[Path] = ()) -> Iterator[Path]:
    """Give every path below ``root`` but those of ``without``, in a fixed order.

    Links are not followed.
    """
    with os.scandir(root) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        path = Path(entry.path)
        if path in without:
            continue
        yield path
        if entry.is_dir(follow_symlinks=False):
            yield from walk(path, without=without)


def _describe(root: Path, path: Path) -> str:
    info = path.lstat()
    kind = stat.S_IFMT(info.st_mode)
    content = ""
    if kind == stat.S_IFLNK:
        content = str(path.readlink())
    elif kind == stat.S_IFREG:
        content = f"{hash_file(path)} {info.st_mtime_ns}"
    owner = f"{info.st_uid}:{info.st_gid}"
    return f"{path.relative_to(root)}\0{info.st_mode:o}\0{owner}\0{content}"
