"""The seal: every file of a tarball with its length and SHA-256, as TUF targets metadata.

TUF specification, section 4.5. It is not signed yet: it protects against damage, not
against an attacker.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from weakref import WeakValueDictionary

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined] # public, but re-exported silently
    Metadata,
    TargetFile,
    Targets,
)
from tuf.api.serialization import DeserializationError
from tuf.api.serialization.json import JSONSerializer

from fuel_upgrade.errors import BundleError

# TUF requires an expiry date; this one never comes, since a master's clock may be years off.
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One file of the tarball. For a link, length and checksum are those of its target path."""

    length_bytes: int
    sha256: str
    executable: bool = False
    link_target: str | None = None

    def to_target(self, path: str) -> TargetFile:
        """Return the entry of ``targets.json``; fields that TUF lacks are in ``custom``."""
        custom: dict[str, Any] = {}
        if self.executable:
            custom["executable"] = True
        if self.link_target is not None:
            custom["link"] = self.link_target
        return TargetFile(
            self.length_bytes, {"sha256": self.sha256}, path, {"custom": custom} if custom else None
        )

    @classmethod
    def from_target(cls, target: TargetFile) -> Self:
        """Read an entry of ``targets.json``; KeyError where it has no SHA-256."""
        custom = target.custom or {}
        return cls(
            target.length,
            target.hashes["sha256"],
            bool(custom.get("executable", False)),
            custom.get("link"),
        )


def render_seal(files: Mapping[str, SealedFile]) -> bytes:
    """Return the bytes of ``targets.json``; the same files give the same bytes."""
    targets = {path: files[path].to_target(path) for path in sorted(files)}
    signed = Targets(version=1, expires=_NEVER, targets=targets)
    return Metadata(signed).to_bytes(JSONSerializer(compact=False))


class _SealedFiles(dict[str, SealedFile]):
    """A dict to which weak references are possible; not changed once it was parsed."""


# By SHA-256 of the seal: one install reads the header of its tarball several times.
_PARSED: WeakValueDictionary[bytes, _SealedFiles] = WeakValueDictionary()


def parse_seal(data: bytes, *, source: str) -> Mapping[str, SealedFile]:
    """Read the bytes of ``targets.json``; the same bytes are not parsed again while in use.

    Raises:
        BundleError: it is not TUF targets metadata, or an entry has no SHA-256.
    """
    key = hashlib.sha256(data).digest()
    if (known := _PARSED.get(key)) is not None:
        return known
    try:
        metadata = Metadata[Targets].from_bytes(data)
        targets = metadata.signed.targets.items()
        files = _SealedFiles((path, SealedFile.from_target(target)) for path, target in targets)
    except (DeserializationError, RepositoryError, KeyError, AttributeError) as error:
        raise BundleError(
            f"{source}: the seal is malformed: {error!r}",
            remedy="get an undamaged copy of the tarball",
        ) from error
    _PARSED[key] = files
    return files
