"""A digest of a whole tree: equal digests mean equal trees."""

import errno
import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from fuel_upgrade.system.files import hash_file


def digest(root: Path, *, without: Collection[Path] = ()) -> str:
    """Return the SHA-256 of the description of ``root`` by :func:`describe`."""
    entries = describe(root, without=without).items()
    lines = "\n".join(f"{name}\0{entry}" for name, entry in entries)
    return hashlib.sha256(os.fsencode(lines)).hexdigest()


def describe(root: Path, *, without: Collection[Path] = (), times: bool = True) -> dict[str, str]:
    """Return kind, mode, owner, content or target, and xattrs of every path below ``root``.

    Each hard link of a file names the first one below ``root``. Paths of ``without``, and all
    below them, are skipped. With ``times`` the times of files and links count; those of folders
    never do, as they change when an entry is made and removed again.
    """
    first: dict[tuple[int, int], str] = {}
    entries = {}
    for path in walk(root, without=without):
        name = str(path.relative_to(root))
        info = path.lstat()
        parts = [f"{info.st_mode:o}", f"{info.st_uid}:{info.st_gid}", _content(path, info.st_mode)]
        if not stat.S_ISDIR(info.st_mode):
            parts.append(first.setdefault((info.st_dev, info.st_ino), name))
            parts.append(str(info.st_mtime_ns) if times else "")
        entries[name] = "\0".join((*parts, *_attributes(path)))
    return entries


def walk(root: Path, *, without: Collection[Path] = ()) -> Iterator[Path]:
    """Yield every path below ``root`` but those of ``without``, in a fixed order.

    Links are not followed.
    """
    with os.scandir(root) as unsorted:
        entries = sorted(unsorted, key=lambda entry: entry.name)
    for entry in entries:
        path = Path(entry.path)
        if path in without:
            continue
        yield path
        if entry.is_dir(follow_symlinks=False):
            yield from walk(path, without=without)


def _content(path: Path, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return str(path.readlink())
    return hash_file(path) if stat.S_ISREG(mode) else ""


def _attributes(path: Path) -> Iterator[str]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        return
    for name in sorted(names):
        yield f"{name}={os.getxattr(path, name, follow_symlinks=False).hex()}"
