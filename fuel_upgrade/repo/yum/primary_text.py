"""Read the packages in a ``primary.xml`` by its text, if it has the layout of createrepo.

Parsing takes four times as long. Another layout is left to the library, which reads all XML; so is
a file with a fault, which the library reports. The proof of a diff repo reads with a parser.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.package import Identity, Package, checked_location
from fuel_upgrade.repo.yum.createrepo import RepomdRecord
from fuel_upgrade.system.compression import DAMAGE, open_index

ALGORITHM = "sha256"
_CHUNK_BYTES = 1 << 20
_PACKAGE_BYTES = 16 << 20  # longer ones are left to the library
_HEAD = re.compile(
    rb'<\?xml version="1\.0" encoding="UTF-8"\?>\s*'
    rb'<metadata xmlns="http://linux\.duke\.edu/metadata/common"'
    rb' xmlns:rpm="http://linux\.duke\.edu/metadata/rpm" packages="(\d{1,18})">\s*(?=<package )'
)
_OPENING = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<metadata xmlns="http://linux.duke.edu/metadata/common"'
    b' xmlns:rpm="http://linux.duke.edu/metadata/rpm">'
)
_WORD = r"([!#-%'-;=?-~]+)"  # visible ASCII without markup and entities
# From the end of the package before to the details of this one, all of which are skipped.
_PACKAGE = re.compile(
    r'</format>\s*</package>\s*<package type="rpm">\s*'
    rf"<name>{_WORD}</name>\s*<arch>{_WORD}</arch>\s*"
    rf'<version epoch="([0-9]+)" ver="{_WORD}" rel="{_WORD}"/>\s*'
    rf'<checksum type="{ALGORITHM}" pkgid="YES">([0-9a-f]+)</checksum>\s*'
    r"<summary>[^<]*</summary>\s*<description>[^<]*</description>\s*"
    r"<packager>[^<]*</packager>\s*<url>[^<]*</url>\s*<time [^<>]*/>\s*"
    rf'<size package="([0-9]{{1,18}})" [^<>]*/>\s*<location href="{_WORD}"/>\s*<format>'
)
_DETAILS_END, _PACKAGE_END = b"</format>", b"</package>"
_TAIL = re.compile(rb"</format>\s*</package>\s*</metadata>\s*")
_HIDING = ((b"!", b"<!"), (b"?", b"<?"))  # comments and the like may hold the text of a package


class OtherLayoutError(Exception):
    """The text is not as createrepo writes it, or repeats a package, or is damaged."""


@dataclass(frozen=True, slots=True)
class PrimaryText:
    """The location and size in bytes of each package, by its identity with a SHA-256."""

    files: Mapping[Identity, tuple[str, int]]

    def package(self, identity: Identity) -> Package:
        """Return a package."""
        name, architecture, version, value = identity.split(" ")
        location, size = self.files[identity]
        return Package(name, architecture, version, size, location, ((ALGORITHM, value),))


def read_primary_text(path: Path, record: RepomdRecord) -> PrimaryText | None:
    """Return the packages of a file; None if the library must read it.

    The file is compared with the size and checksum of its content in ``record``.
    """
    files: dict[Identity, tuple[str, int]] = {}
    try:
        with open_index(path) as stream:
            chunks = _checked(iter(partial(stream.read, _CHUNK_BYTES), b""), record)
            head, parts = _head_and_parts(chunks)
            count = 0
            for rows in map(_rows, parts):
                files.update(rows)
                count += len(rows)
    except (*DAMAGE, BundleError, OtherLayoutError):
        return None
    if head[1] != b"%d" % count or count != _distinct(files):
        return None
    return PrimaryText(files)


def select_text(path: Path, locations: Collection[str]) -> Iterator[bytes]:
    """Yield a file that :func:`read_primary_text` has read, with the packages at these locations.

    Raises:
        OtherLayoutError: it has changed since.
    """
    yield _OPENING
    with open_index(path) as stream:
        _, parts = _head_and_parts(iter(partial(stream.read, _CHUNK_BYTES), b""))
        for part in parts:
            for text in part.split(_PACKAGE_END)[1:]:
                location = text.partition(b'<location href="')[2].partition(b'"')[0]
                if checked_location(location.decode("latin-1"), source="") in locations:
                    yield text.partition(_DETAILS_END)[0] + _DETAILS_END + _PACKAGE_END
    yield b"</metadata>"


def _distinct(files: Mapping[Identity, tuple[str, int]]) -> int:
    """Return the number of packages, or of their locations or names if some are repeated."""
    locations = {location for location, _ in files.values()}
    keys = {identity.rpartition(" ")[0] for identity in files}
    return min(len(files), len(locations), len(keys))


def _checked(chunks: Iterator[bytes], record: RepomdRecord) -> Iterator[bytes]:
    """Yield all chunks; at the end compare them with the record.

    Raises:
        OtherLayoutError: they differ from it, or it lacks a checksum to compare.
    """
    if record.checksum_open_type not in ("sha256", "sha512"):
        raise OtherLayoutError
    digest, size = hashlib.new(record.checksum_open_type), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        yield chunk
    if digest.hexdigest() != record.checksum_open or record.size_open not in (-1, 0, size):
        raise OtherLayoutError


def _head_and_parts(chunks: Iterator[bytes]) -> tuple[re.Match[bytes], Iterator[bytes]]:
    """Return the text before the first package, and the rest by :func:`_parts`.

    Raises:
        OtherLayoutError: it is not as createrepo writes it.
    """
    first = next(chunks, b"")
    head = _HEAD.match(first)
    if head is None:
        raise OtherLayoutError
    return head, _parts(first[head.end() :], chunks)


def _parts(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut the text before the end of the details of a package, many packages at a time.

    Raises:
        OtherLayoutError: its end is not as createrepo writes it.
    """
    rest = _DETAILS_END + _PACKAGE_END + first
    for chunk in chunks:
        end = rest.rfind(_DETAILS_END)
        if len(rest) - end > _PACKAGE_BYTES:
            raise OtherLayoutError
        yield rest[:end]
        rest = rest[end:] + chunk
    end = rest.rfind(_DETAILS_END)
    yield rest[:end]
    if not _TAIL.fullmatch(rest[end:]):
        raise OtherLayoutError


def _rows(text: bytes) -> list[tuple[Identity, tuple[str, int]]]:
    """Return the packages in a part of the text.

    Raises:
        OtherLayoutError: one of them has another layout.
        BundleError: one of them lies outside the repo.
    """
    rows = _PACKAGE.findall(text.decode("latin-1"))
    ends = [text.count(end) for end in (_DETAILS_END, _PACKAGE_END)]
    if ends != [len(rows)] * 2 or any(sign in text and mark in text for sign, mark in _HIDING):
        raise OtherLayoutError
    return [
        (
            f"{name} {arch} {'' if epoch == '0' else epoch + ':'}{version}-{release} {value}",
            (checked_location(location, source=""), int(size)),
        )
        for name, arch, epoch, version, release, value, size, location in rows
    ]
