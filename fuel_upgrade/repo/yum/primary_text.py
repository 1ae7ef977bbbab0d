"""Read the packages in a ``primary.xml`` by its text, if it has the layout of createrepo.

Parsing takes four times as long. Another layout is left to the library, which reads all XML; so is
a file with a fault, which the library reports. The proof of a diff repo reads with a parser.
"""

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.package import Identity, Package, checked_location
from fuel_upgrade.system.compression import DAMAGE, open_index

ALGORITHM = "sha256"
_CHUNK_BYTES = 1 << 20
_PACKAGE_BYTES = 16 << 20  # longer ones are left to the library
_HEAD = re.compile(
    rb'<\?xml version="1\.0" encoding="UTF-8"\?>\s*'
    rb'<metadata xmlns="http://linux\.duke\.edu/metadata/common"'
    rb' xmlns:rpm="http://linux\.duke\.edu/metadata/rpm" packages="\d+">\s*(?=<package )'
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


Files = dict[Identity, tuple[str, int]]
"""The location and size in bytes of each package, by its identity with a SHA-256."""


class OtherLayoutError(Exception):
    """The text is not as createrepo writes it, or repeats a package, or is damaged."""


@dataclass(frozen=True, slots=True)
class PrimaryText:
    """The packages of a primary."""

    files: Files

    def package(self, identity: Identity) -> Package:
        """Return a package."""
        name, architecture, version, value = identity.split(" ")
        location, size = self.files[identity]
        return Package(name, architecture, version, size, location, ((ALGORITHM, value),))


def read_primary_text(path: str, kind: str, checksum: str, size: str) -> Files | None:
    """Return the packages of a file; None if the library must read it.

    The content of the file must have this checksum and size in bytes, which ``repomd.xml`` lists.
    """
    files: Files = {}
    try:
        with open_index(Path(path)) as stream:
            chunks = iter(partial(stream.read, _CHUNK_BYTES), b"")
            count = 0
            for rows in map(_rows, _parts(_checked(chunks, kind, checksum, int(size)))):
                files.update(rows)
                count += len(rows)
    except (*DAMAGE, BundleError, OtherLayoutError):
        return None
    return files if count == _distinct(files) else None


def select_text(path: Path, locations: Collection[str]) -> Iterator[bytes]:
    """Yield a file that :func:`read_primary_text` has read, with the packages at these locations.

    Raises:
        OtherLayoutError: it has changed since.
    """
    yield _OPENING
    with open_index(path) as stream:
        for part in _parts(iter(partial(stream.read, _CHUNK_BYTES), b"")):
            for text in part.split(_PACKAGE_END)[1:]:
                location = text.partition(b'<location href="')[2].partition(b'"')[0]
                if checked_location(location.decode("latin-1"), source="") in locations:
                    yield text.partition(_DETAILS_END)[0] + _DETAILS_END + _PACKAGE_END
    yield b"</metadata>"


def _distinct(files: Files) -> int:
    """Return the number of packages, or of their locations or names if some are repeated."""
    locations = {location for location, _ in files.values()}
    keys = {identity.rpartition(" ")[0] for identity in files}
    return min(len(files), len(locations), len(keys))


def _checked(chunks: Iterator[bytes], kind: str, checksum: str, size: int) -> Iterator[bytes]:
    """Yield all chunks; at the end compare them with the checksum and the size.

    Raises:
        OtherLayoutError: they differ, or there is no checksum to compare.
    """
    if kind not in ("sha256", "sha512"):
        raise OtherLayoutError
    digest, length = hashlib.new(kind), 0
    for chunk in chunks:
        digest.update(chunk)
        length += len(chunk)
        yield chunk
    if digest.hexdigest() != checksum or size not in (-1, 0, length):
        raise OtherLayoutError


def _parts(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut the text before the end of the details of a package, many packages at a time.

    Raises:
        OtherLayoutError: its head or its end is not as createrepo writes it.
    """
    first = next(chunks, b"")
    head = _HEAD.match(first)
    if head is None:
        raise OtherLayoutError
    rest = _DETAILS_END + _PACKAGE_END + first[head.end() :]
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
