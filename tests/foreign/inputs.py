"""The apt indexes and yum repos in the tests of other tools."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.system.compression import DAMAGE, open_stream

# A document in a shell script: of apt and reprepro, most indexes are written by scripts.
_DOCUMENT = re.compile(rb"<<-?\s*['\"\\]?(\w+)['\"]?[^\n]*\n(.*?\n)\1\n", re.DOTALL)
_INDEX = re.compile(rb"\A\s*Package:.*^Version:", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_NO_INDEX = re.compile(rb"^(?:Format|Files|Standards-Version):", re.MULTILINE)
_SCRIPT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Index:
    """The text of one index; ``place`` is its path in the source package."""

    place: str
    text: bytes


def apt_indexes(folder: Path) -> Iterator[Index]:
    """Yield ``Packages`` and dpkg's ``status``, and documents of scripts that are like one."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
        place = "/".join(path.relative_to(folder).parts[1:])
        if re.search(r"(?:^|_)Packages|^status\b", path.name):
            if text := _text(path):
                yield Index(place, text)
        elif path.stat().st_size < _SCRIPT_BYTES:
            documents = (m[2] for m in _DOCUMENT.finditer(path.read_bytes()))
            indexes = (d for d in documents if _INDEX.search(d) and not _NO_INDEX.search(d))
            yield from (Index(f"{place} <<{n}", text) for n, text in enumerate(indexes, start=1))


def _text(path: Path) -> bytes:
    try:
        with open_stream(path) as stream:
            text = stream.read()
    except DAMAGE:
        return b""
    return text if _INDEX.search(text) else b""


def yum_repos(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the roots of yum repos, with their paths in the source package."""
    for path in sorted(folder.rglob("repodata/repomd.xml")):
        root = path.parent.parent
        yield "/".join(root.relative_to(folder).parts[1:]), root
