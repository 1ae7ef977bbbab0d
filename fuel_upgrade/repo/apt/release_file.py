"""Read the ``Release`` or ``InRelease`` file of a suite."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from debian.deb822 import Deb822

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.stanza import RELEASE_DIGESTS, FileSums
from fuel_upgrade.system import budgets

RELEASES = ("InRelease", "Release")
"""The files that describe a suite, in apt's own order of preference."""
_TRUE = ("yes", "true", "with", "on", "enable", "1")
_LISTS = (*RELEASE_DIGESTS, ("SHA512", "sha512"))
Listed = Mapping[str, FileSums]
"""The files in a Release: for each path, its size and all its checksums."""


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """``fields`` are those without lists, each on one line."""

    fields: Mapping[str, str] = field(default_factory=dict)
    listed: Listed = field(default_factory=dict)

    @property
    def reads_index_for_all(self) -> bool:
        """Whether apt, since 1.6, reads a listed ``binary-all`` beside a node's architecture."""
        excluded = self.fields.get("No-Support-for-Architecture-all", "").split()
        named = self.fields.get("Architectures", "").split()
        return "Packages" not in excluded and (not named or "all" in named)


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
        BundleError: one is no regular file, or two lists of checksums contradict each other.
    """
    paths = [folder / name for name in RELEASES if (folder / name).exists()]
    if not paths:
        return ReleaseFile()
    first, *others = [parse_release(_read(path)) for path in paths]
    fields = {str(k): str(v).strip() for k, v in first.items() if "\n" not in str(v)}
    listed = _listed(first, {}, source=folder)
    for other in others:
        _listed(other, listed, source=folder)
    return ReleaseFile(fields, listed)


def _read(path: Path) -> str:
    if not path.is_file() or path.stat().st_size > budgets.LIST_BYTES:
        raise BundleError(
            f"{path}: no regular file, or more than {budgets.LIST_BYTES} bytes",
            remedy="copy the repo again",
        )
    return path.read_text(encoding="utf-8", errors="replace")


def _listed(paragraph: Deb822, before: Listed, *, source: Path) -> Listed:
    """Return the files of the lists of checksums, which must not contradict those ``before``."""
    listed: dict[str, FileSums] = {}
    for algorithm, value, size, path in _rows(paragraph):
        for known in (listed.get(path), before.get(path)):
            if known and (known.size_bytes, known.values.get(algorithm, value)) != (size, value):
                raise BundleError(
                    f"{source}: {path} has two sizes or two {algorithm} sums in Release",
                    remedy="write Release and InRelease again, for example with apt-ftparchive",
                )
        values = listed[path].values if path in listed else {}
        listed[path] = FileSums(size, {**values, algorithm: value})
    return listed


def _rows(paragraph: Deb822) -> Iterable[tuple[str, str, int, str]]:
    """Yield algorithm, checksum, size and path of each line of the lists, weakest first."""
    for name, algorithm in _LISTS:
        for line in str(paragraph.get(name, "")).splitlines():
            row = line.split()
            if len(row) == 3 and row[1].isdigit():  # noqa: PLR2004 - sum size path
                yield algorithm, row[0].lower(), int(row[1]), row[2]
