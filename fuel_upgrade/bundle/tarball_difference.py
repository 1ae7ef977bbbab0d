"""The reasons why two tarballs are not the same bytes."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from itertools import islice
from pathlib import Path
from typing import Any

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.seal import SealedFile
from fuel_upgrade.bundle.tarball_file import opened_tarball
from fuel_upgrade.bundle.verify import read_head_and_texts

_LINES = 40


@dataclass(frozen=True, slots=True)
class FileDifference:
    """A sealed file that differs; None where one tarball lacks it.

    ``lines`` are the first changed lines of a text in the header, as of diff -u.
    """

    path: str
    one: SealedFile | None
    other: SealedFile | None
    lines: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Return the kind of difference, as a word or two."""
        if self.one is None or self.other is None:
            return "only in B" if self.one is None else "only in A"
        if self.one.sha256 != self.other.sha256 or self.one.link_target != self.other.link_target:
            return "content"
        return "mode"

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``--json`` prints."""
        sides = ((f and f.to_json()) for f in (self.one, self.other))
        return {
            "path": self.path,
            "kind": self.kind,
            **dict(zip(("one", "other"), sides, strict=True)),
            "lines": list(self.lines),
        }


@dataclass(frozen=True, slots=True)
class TarballDifference:
    """Two tarballs: whether all bytes are the same, and each sealed file that differs.

    Different bytes of the same files are another compression or another writer.
    """

    same_bytes: bool
    files: tuple[FileDifference, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``--json`` prints."""
        return {
            "same_bytes": self.same_bytes,
            "same_content": not self.files,
            "files": [file.to_json() for file in self.files],
        }


def compare_tarballs(one: Path, other: Path) -> TarballDifference:
    """Compare two tarballs by their seals, and byte by byte if those are the same.

    Raises:
        ConfigError, BundleError: a file is no upgrade tarball.
    """
    (head, texts), (other_head, other_texts) = map(read_head_and_texts, (one, other))
    paths = sorted(head.sealed.keys() | other_head.sealed.keys())
    pairs = ((path, head.sealed.get(path), other_head.sealed.get(path)) for path in paths)
    files = tuple(
        FileDifference(path, a, b, tuple(_lines(path, texts, other_texts)))
        for path, a, b in pairs
        if a != b
    )
    same_bytes = not files and digest_of(one) == digest_of(other)
    return TarballDifference(same_bytes, files)


def _lines(path: str, texts: Mapping[str, str], others: Mapping[str, str]) -> Iterator[str]:
    if path in texts and path in others and path != manifest.SEAL:
        a, b = texts[path].splitlines(), others[path].splitlines()
        changed = unified_diff(a, b, n=0, lineterm="")
        yield from islice(changed, 2, _LINES)


def digest_of(path: Path) -> bytes:
    """Return the SHA-256 of a tarball, which may be inside of an image.

    Raises:
        ConfigError, BundleError: as ``opened_tarball``.
    """
    with opened_tarball(path) as file:
        return hashlib.file_digest(file, "sha256").digest()
