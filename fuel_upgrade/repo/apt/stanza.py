"""The text of apt indexes: ``Packages`` and ``Release``, parsed and rendered."""

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO, Self

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.package import Identity, Package, checked_location

_CHUNK_BYTES = 64 << 10  # stays in the processor's cache, and below malloc's own mappings
# Field names of the Debian repository format, in the order of our preference.
_DIGEST_FIELDS = {"sha256": "sha256", "sha512": "sha512", "sha1": "sha1", "md5sum": "md5"}
_FIELDS = {b"package", b"version", b"architecture", b"filename", b"size"} | {
    name.encode() for name in _DIGEST_FIELDS
}
_BEST = "sha256"
_PACKAGE, _VERSION, _ARCHITECTURE = b"Package: ", b"\nVersion: ", b"\nArchitecture: "
_FILENAME, _SIZE, _SHA256 = b"\nFilename: ", b"\nSize: ", b"\nSHA256: "
RELEASE_DIGESTS = (("MD5Sum", "md5"), ("SHA1", "sha1"), ("SHA256", "sha256"))
"""The checksum lists of a Release, weakest first, with the names of their algorithms."""


def iter_batches(stream: BinaryIO) -> Iterator[list[bytes]]:
    """Yield the stanzas of a ``Packages`` file, many at a time, as fast as Python splits bytes.

    After extra blank lines a stanza may be empty or have line feeds around it.
    """
    rest = b""
    while data := stream.read(_CHUNK_BYTES):
        text = rest + data
        end = text.rfind(b"\n\n")
        if end < 0:
            rest = text
            continue
        rest = text[end + 2 :]
        yield text[:end].split(b"\n\n")
    yield [rest]


def parse_package(stanza: bytes, *, source: str) -> Package:
    """Read one stanza (Debian repository format, ``Packages`` indices).

    Raises:
        BundleError: a field is missing or malformed, or the file is outside the repo.
    """
    try:
        fields = _read_fields(stanza)
        digests = tuple(
            (ours, fields[k].lower()) for k, ours in _DIGEST_FIELDS.items() if fields.get(k)
        )
        return Package(
            name=fields["package"],
            architecture=fields["architecture"],
            version=fields["version"],
            size_bytes=int(fields["size"]),
            location=checked_location(fields["filename"], source=source),
            digests=digests,
        )
    except (KeyError, ValueError) as error:
        first_line = stanza.split(b"\n", 1)[0].decode(errors="replace")
        raise BundleError(
            f"{source}: the entry {first_line!r} lacks or garbles {error}",
            remedy="rebuild the repo's indexes, for example with apt-ftparchive",
        ) from error


def parse_by_sha256(stanza: bytes, *, source: str) -> Package:
    """Read one stanza like :func:`parse_package`, with SHA-256 as its only checksum.

    It takes a third of the time: fields are searched in the spelling of Debian's tools. A field
    begins after a line feed and a continued line with a space, so the two cannot be confused.

    Raises:
        BundleError: as ``parse_package``. KeyError: there is no SHA-256.
    """
    find = stanza.find
    version, architecture, filename = find(_VERSION), find(_ARCHITECTURE), find(_FILENAME)
    size, checksum = find(_SIZE, filename), find(_SHA256, filename)
    if not stanza.startswith(_PACKAGE) or min(version, architecture, filename, size, checksum) < 0:
        return _only_sha256(parse_package(stanza, source=source))
    try:
        return Package(
            name=_value(stanza, len(_PACKAGE)),
            architecture=sys.intern(_value(stanza, architecture + len(_ARCHITECTURE))),
            version=_value(stanza, version + len(_VERSION)),
            size_bytes=int(_value(stanza, size + len(_SIZE))),
            location=checked_location(_value(stanza, filename + len(_FILENAME)), source=source),
            digests=((_BEST, _value(stanza, checksum + len(_SHA256)).lower()),),
        )
    except ValueError:
        return _only_sha256(parse_package(stanza, source=source))


def identity_by_sha256(stanza: bytes, *, source: str) -> Identity:
    """Return the identity of one stanza, by its SHA-256, without reading other fields.

    Raises:
        BundleError, KeyError: as :func:`parse_by_sha256`.
    """
    find = stanza.find
    version, architecture = find(_VERSION), find(_ARCHITECTURE)
    checksum = find(_SHA256, max(find(_FILENAME), 0))
    if not stanza.startswith(_PACKAGE) or min(version, architecture, checksum) < 0:
        return parse_by_sha256(stanza, source=source).identity(_BEST)
    parts = (
        stanza[len(_PACKAGE) : find(b"\n")].strip(),
        _bytes(stanza, architecture + len(_ARCHITECTURE)),
        _bytes(stanza, version + len(_VERSION)),
        _bytes(stanza, checksum + len(_SHA256)).lower(),
    )
    return b" ".join(parts).decode()


def name_of(stanza: bytes) -> str | None:
    """Return the package's name if the stanza begins with it; None if it must be parsed."""
    if not stanza.startswith(_PACKAGE):
        return None
    return stanza[len(_PACKAGE) : stanza.find(b"\n")].strip().decode()


def _bytes(stanza: bytes, start: int) -> bytes:
    end = stanza.find(b"\n", start)
    return stanza[start : end if end >= 0 else None].strip(b" \t")


def _only_sha256(package: Package) -> Package:
    return replace(package, digests=((_BEST, package.digest(_BEST)),))


def _value(stanza: bytes, start: int) -> str:
    return _bytes(stanza, start).decode()


def _read_fields(stanza: bytes) -> dict[str, str]:
    """Return the fields by lower-case name; continued lines begin with a space and do not match."""
    fields = {}
    for line in stanza.split(b"\n"):
        key, colon, value = line.partition(b":")
        if colon and (name := key.lower()) in _FIELDS:
            fields[name.decode()] = value.strip(b" \t").decode()
    return fields


def render_packages(stanzas: Iterable[bytes]) -> bytes:
    """Return the text of a ``Packages`` file."""
    return b"".join(stanza + b"\n\n" for stanza in stanzas)


@dataclass(frozen=True, slots=True)
class FileSums:
    """The size of a file in ``Release``, and its checksums by algorithm."""

    size_bytes: int
    values: Mapping[str, str]

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Hash a content."""
        kinds = [algorithm for _, algorithm in RELEASE_DIGESTS]
        sums = {k: hashlib.new(k, data, usedforsecurity=False).hexdigest() for k in kinds}
        return cls(len(data), sums)


def render_release(fields: Mapping[str, str], files: Mapping[str, FileSums]) -> bytes:
    """Return the text of a ``Release`` file; ``files`` are by their paths relative to it."""
    lines = [f"{key}: {value}" for key, value in fields.items()]
    for field, algorithm in RELEASE_DIGESTS:
        lines.append(f"{field}:")
        for path, sums in sorted(files.items()):
            lines.append(f" {sums.values[algorithm]} {sums.size_bytes:>16} {path}")
    return ("\n".join(lines) + "\n").encode()
