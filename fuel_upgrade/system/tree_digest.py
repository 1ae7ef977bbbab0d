"""A digest over a whole tree: equal digests mean that nothing was changed."""

import errno
import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from fuel_upgrade.system.files import hash_file


def digest(root: Path, *, without: Collection[Path] = ()) -> str:
    """Return the SHA-256 over what :func:`describe` says of all below ``root``."""
    lines = "\n".join(f"{name}\0{said}" for name, said in describe(root, without=without).items())
    return hashlib.sha256(os.fsencode(lines)).hexdigest()


def describe(root: Path, *, without: Collection[Path] = (), times: bool = True) -> dict[str, str]:
    """Say of every path below ``root`` its kind, mode, owner, content or target, and xattrs.

    Of a file with several names below ``root`` each names the first. ``without`` names paths
    that do not count, nor what is below them. Times of folders do not count (they change when a
    neighbour is made and removed again); those of files and links do, unless ``times`` is off.
    """
    first: dict[tuple[int, int], str] = {}
    found = {}
    for path in walk(root, without=without):
        name = str(path.relative_to(root))
        info = path.lstat()
        said = [f"{info.st_mode:o}", f"{info.st_uid}:{info.st_gid}", _content(path, info.st_mode)]
        if not stat.S_ISDIR(info.st_mode):
            said.append(first.setdefault((info.st_dev, info.st_ino), name))
            said.append(str(info.st_mtime_ns) if times else "")
        found[name] = "\0".join((*said, *_attributes(path)))
    return found


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
