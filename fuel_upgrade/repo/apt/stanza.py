"""The text of apt indexes: ``Packages`` and ``Release``, parsed and rendered."""

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO, Self

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.package import IS_CHECKSUM, Package, checked_location, word_fault
from fuel_upgrade.system import budgets

_CHUNK_BYTES = 64 << 10  # stays in the processor's cache, and below malloc's own mappings
# Field names of the Debian repository format, in the order of our preference.
_DIGEST_FIELDS = {"sha256": "sha256", "sha512": "sha512", "sha1": "sha1", "md5sum": "md5"}
_FIELDS = {b"package", b"version", b"architecture", b"filename", b"size"} | {
    name.encode() for name in _DIGEST_FIELDS
}
_BEST = "sha256"
_MAX_DIGITS = 18  # of a size
_BLANKS = (b" ", b"\t")
_NAMES = b"Version|Architecture|Filename|Size|SHA256"
_UNUSUAL = re.compile(rb"\n(?!(?:%b): )(?i:Package|%b)[ \t\r\f\v]*:" % (_NAMES, _NAMES))
"""A field in another spelling than that of Debian's tools, or a second name."""
_BLANK_LINE = re.compile(rb"\n[ \t]+\n(?=Package:)")
_PACKAGE, _VERSION, _ARCHITECTURE = b"Package: ", b"\nVersion: ", b"\nArchitecture: "
_FILENAME, _SIZE, _SHA256 = b"\nFilename: ", b"\nSize: ", b"\nSHA256: "
RELEASE_DIGESTS = (("MD5Sum", "md5"), ("SHA1", "sha1"), ("SHA256", "sha256"))
"""The checksum lists of a Release, weakest first, with the names of their algorithms."""


def iter_texts(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the text of a ``Packages`` file in parts of whole stanzas.

    Stanzas end where apt ends them: at an empty line, which may hold carriage returns; those at the
    beginnings and ends of lines are removed.

    Raises:
        ValueError: a stanza is too long.
    """
    rest = b""
    while data := stream.read(max(_CHUNK_BYTES, len(rest))):  # no byte is read more than twice
        text = _with_line_feeds(rest + data)
        end = text.rfind(b"\n\n")
        if end < 0:
            if len(text) > budgets.INDEX_ENTRY_BYTES:
                raise ValueError(f"an entry of more than {budgets.INDEX_ENTRY_BYTES} bytes")
            rest = text
            continue
        rest = text[end + 2 :]
        yield text[:end]
    yield rest


def _with_line_feeds(text: bytes) -> bytes:
    if b"\r" not in text:
        return text
    *lines, last = text.split(b"\n")
    return b"\n".join((*(line.strip(b"\r") for line in lines), last.lstrip(b"\r")))


def split_stanzas(text: bytes) -> list[bytes]:
    """Return the stanzas of a part. After extra empty lines one may be empty or have line feeds.

    Raises:
        ValueError: a line of blanks precedes a stanza. deb822(5) lets a parser take it for an empty
            line, but apt does not: it reads both stanzas as one.
    """
    stanzas = text.split(b"\n\n")
    if text.count(b"\nPackage:") < len(stanzas):
        return stanzas
    if _BLANK_LINE.search(text):
        raise ValueError("a line of blanks is between two entries, which apt reads as one")
    return [_without_earlier_fields(stanza) for stanza in stanzas]


def _without_earlier_fields(stanza: bytes) -> bytes:
    """Return a stanza that begins with its last ``Package`` and has no other, as apt reads it.

    A name of several lines is left as it is, to be refused.
    """
    parts = re.split(rb"(?mi)^(?=Package[ \t]*:)", stanza)
    name, _, rest = parts[-1].partition(b"\n")
    if len(parts) < 3 or rest[:1] in _BLANKS:  # noqa: PLR2004 - text before the field, one field
        return stanza
    others = (part.partition(b"\n")[2] for part in parts[1:-1])
    return b"\n".join(
        (name, *(o.strip(b"\n") for o in (parts[0], *others, rest) if o.strip(b"\n")))
    )


def parse_package(stanza: bytes, *, source: str) -> Package:
    """Read one stanza (Debian repository format, ``Packages`` indices).

    Raises:
        BundleError: a field is missing or malformed, or the file is outside the repo.
    """
    try:
        fields = _read_fields(stanza)
        _require_words(fields)
        digests = tuple(
            (ours, _checksum(fields[k])) for k, ours in _DIGEST_FIELDS.items() if fields.get(k)
        )
        return Package(
            name=fields["package"],
            architecture=fields["architecture"],
            version=fields["version"],
            size_bytes=_size(fields["size"]),
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

    It takes a third of the time: fields are searched in the spelling of Debian's tools, and only
    a stanza with another one, or with two names, is read as a whole. A field begins after a line
    feed and a continued line with a space, so the two cannot be confused.

    Raises:
        BundleError: as ``parse_package``. KeyError: there is no SHA-256.
    """
    find = stanza.rfind  # of duplicate fields the last one counts
    version, architecture, filename = find(_VERSION), find(_ARCHITECTURE), find(_FILENAME)
    size, checksum = find(_SIZE), find(_SHA256)
    fields = min(version, architecture, filename, size, checksum)
    if not stanza.startswith(_PACKAGE) or fields < 0 or _UNUSUAL.search(stanza):
        return _only_sha256(parse_package(stanza, source=source))
    try:
        return Package(
            name=_value(stanza, len(_PACKAGE)),
            architecture=sys.intern(_value(stanza, architecture + len(_ARCHITECTURE))),
            version=_value(stanza, version + len(_VERSION)),
            size_bytes=_size(_value(stanza, size + len(_SIZE))),
            location=checked_location(_value(stanza, filename + len(_FILENAME)), source=source),
            digests=((_BEST, _checksum(_value(stanza, checksum + len(_SHA256)))),),
        )
    except ValueError:
        return _only_sha256(parse_package(stanza, source=source))


def name_of(stanza: bytes) -> str | None:
    """Return the package's name if the stanza begins with it; None if it must be parsed."""
    if not stanza.startswith(_PACKAGE):
        return None
    return stanza[len(_PACKAGE) : stanza.find(b"\n")].strip().decode()


def _only_sha256(package: Package) -> Package:
    return replace(package, digests=((_BEST, package.digest(_BEST)),))


def _value(stanza: bytes, start: int) -> str:
    """Return the value that begins at ``start``.

    Raises:
        ValueError: it is not one word of printable ASCII, or continues on the next line.
    """
    end = stanza.find(b"\n", start)
    if end >= 0 and stanza[end + 1 : end + 2] in _BLANKS:
        raise ValueError("a value of more than one line")
    (word,) = stanza[start : end if end >= 0 else None].split()
    value = word.decode("ascii")
    if not value.isprintable():
        raise ValueError("a control character")
    return value


def _checksum(text: str) -> str:
    if not IS_CHECKSUM(text):
        raise ValueError("a checksum that is no hexadecimal number")
    return text.lower()


def _require_words(fields: Mapping[str, str]) -> None:
    """Raise ValueError unless a package is identified by single words: spaces separate them."""
    for name in ("package", "architecture", "version", *_DIGEST_FIELDS):
        words = len(fields.get(name, "x").encode().split())
        if words > 1 or (words == 0 and name not in _DIGEST_FIELDS):
            raise ValueError(f"{name}: {words} words")
        if fault := word_fault(fields.get(name, "")):
            raise ValueError(f"{name}: {fault}")


def _size(digits: str) -> int:
    """Return a size; ValueError if it is negative, or no number of bytes that a file can have."""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS):
        raise ValueError("size: not a number of bytes")
    return int(digits)


def _read_fields(stanza: bytes) -> dict[str, str]:
    """Return the fields by lower-case name; of duplicate ones the last, as apt does.

    Raises:
        ValueError: a value has more than one line, or is not UTF-8.
    """
    values: dict[str, list[bytes]] = {}
    lines: list[bytes] = []
    for line in stanza.split(b"\n"):
        if line[:1] in _BLANKS:
            lines.append(line)
            continue
        name, colon, value = line.partition(b":")
        field, lines = name.rstrip().lower(), [value]
        if colon and field in _FIELDS:
            values[field.decode()] = lines
    fields = {key: b"\n".join(value).strip().decode() for key, value in values.items()}
    for key, text in fields.items():
        if "\n" in text:
            raise ValueError(f"{key}: a value of one line")
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
