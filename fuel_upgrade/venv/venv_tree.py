"""The files of a venv: normalized, described, packed, and compared with their description."""

import gzip
import hashlib
import json
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, cast

from fuel_upgrade.system.archive_writer import ArchiveWriter
from fuel_upgrade.system.files import hash_file, remove_tree
from fuel_upgrade.system.tree_digest import walk
from fuel_upgrade.venv.python_tool import EPOCH_S

DESCRIPTION = "venv.json"
"""The description of a venv, in its root. It is written last: a venv without it is incomplete."""
_GZIP_LEVEL = 6
_BLOCK_BYTES = 4096
_TOOL_LINES = re.compile(rb"^(uv|command|executable) = .*\n", re.MULTILINE)
_CACHE_RECORD = re.compile(rb"^[^\n]*/uv_cache\.json,[^\n]*\n", re.MULTILINE)

FileState = tuple[str, str, int, str] | tuple[str, str]
"""``("file", mode, bytes, SHA-256)`` or ``("link", target)``; the mode in octal digits."""
# A process that was started by the name of the link imports from its own tree after a switch too.
_OWN_TREE = """\
import os, sys

_name, _real = sys.prefix, os.path.realpath(sys.prefix)
sys.prefix = sys.exec_prefix = _real
sys.path[:] = [_real + p[len(_name):] if p.startswith(_name + os.sep) else p for p in sys.path]
"""


def normalize(venv: Path, *, bytecode: bool) -> None:
    """Remove everything from a new venv that another builder would not have written.

    uv records the time at which it read a wheel, and its own version; pip records its command.
    """
    packages = next((venv / "lib").glob("python*/site-packages"))
    (packages / "_own_tree.py").write_text(_OWN_TREE)
    (packages / "_own_tree.pth").write_text("import _own_tree\n")
    config = venv / "pyvenv.cfg"
    config.write_bytes(_TOOL_LINES.sub(b"", config.read_bytes()))
    for path in list(walk(venv)):
        if path.name == "uv_cache.json" and path.parent.name.endswith(".dist-info"):
            record = path.with_name("RECORD")
            record.write_bytes(_CACHE_RECORD.sub(b"", record.read_bytes()))
            path.unlink()
        elif path.name == "__pycache__" and not bytecode:
            remove_tree(path)
    for path in walk(venv):
        if not path.is_symlink():
            is_open = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if is_open else 0o644)


def describe_files(venv: Path) -> dict[str, FileState]:
    """Return the state of every file and link of a venv but its description, by path.

    The deployer compares a venv with it.
    """
    return {
        str(path.relative_to(venv)): _state(path)
        for path in walk(venv)
        if path.is_symlink() or not path.is_dir()
        if path != venv / DESCRIPTION
    }


def tree_digest(files: dict[str, FileState]) -> str:
    """Return the SHA-256 of the canonical form of the description of all files."""
    text = json.dumps(files, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def pack(venv: Path, out: Path) -> None:
    """Pack a venv; the bytes depend on its files, and on the version of zlib, only."""
    with out.open("xb") as raw, gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as stream:
        writer = ArchiveWriter(cast(BinaryIO, stream), mtime=EPOCH_S)
        for path in walk(venv):
            name = str(path.relative_to(venv))
            if path.is_symlink():
                writer.add_link(name, str(path.readlink()))
            elif path.is_dir():
                writer.add_folder(name)
            else:
                info = path.stat()
                mode = stat.S_IMODE(info.st_mode)
                writer.add_file(name, str(path), size_bytes=info.st_size, mode=mode)
        writer.finish()


def _state(path: Path) -> FileState:
    if path.is_symlink():
        return ("link", str(path.readlink()))
    info = path.stat()
    return ("file", f"{stat.S_IMODE(info.st_mode):o}", info.st_size, hash_file(path))


def unpacked_bytes(files: Mapping[str, FileState]) -> int:
    """Return the disk space of the files, in blocks of 4 KiB."""
    sizes = (state[2] for state in files.values() if len(state) == 4)  # noqa: PLR2004 - a file
    return sum(-(-size // _BLOCK_BYTES) * _BLOCK_BYTES for size in sizes)
