"""Read the ``Release`` or ``InRelease`` file of a suite."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from debian.deb822 import Deb822

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.stanza import RELEASE_DIGESTS

RELEASES = ("InRelease", "Release")
"""The files that describe a suite, in apt's own order of preference."""
_TRUE = ("yes", "true", "with", "on", "enable", "1")
Listed = Mapping[str, tuple[str, str]]
"""The files in a Release: for each path, the algorithm and value of its best checksum."""


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """``fields`` are those without lists, each on one line."""

    fields: Mapping[str, str] = field(default_factory=dict)
    listed: Listed = field(default_factory=dict)


def parse_release(text: str) -> Deb822:
    """Parse a Release, or an InRelease without its clear-sign wrapper (RFC 4880, 7).

    The signature is not checked: apt on the nodes does that.
    """
    return Deb822(text)


def is_true(value: str | None) -> bool:
    """Return whether apt takes the value of a field for yes; without regard to case."""
    return value is not None and value.strip().lower() in _TRUE


def read_release(folder: Path) -> ReleaseFile:
    """Read the ``InRelease`` or ``Release`` in ``folder``; empty if there is neither.

    Raises:
        BundleError: it is no regular file.
    """
    path = next((folder / name for name in RELEASES if (folder / name).exists()), None)
    if path is None:
        return ReleaseFile()
    if not path.is_file():
        raise BundleError(f"{path}: no regular file", remedy="copy the repo again")
    paragraph = parse_release(path.read_text(encoding="utf-8", errors="replace"))
    fields = {str(k): str(v).strip() for k, v in paragraph.items() if "\n" not in str(v)}
    listed: dict[str, tuple[str, str]] = {}
    for name, algorithm in RELEASE_DIGESTS:  # the best comes last and replaces the others
        rows = (line.split() for line in str(paragraph.get(name, "")).splitlines())
        listed |= {row[2]: (algorithm, row[0].lower()) for row in rows if len(row) == 3}  # noqa: PLR2004 - sum size path
    return ReleaseFile(fields, listed)
