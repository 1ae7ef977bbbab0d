"""Read many entries of a ``Packages`` file at once, by their SHA-256."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Self

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.stanza import parse_by_sha256, split_stanzas
from fuel_upgrade.repo.package import ALGORITHMS, Identity, Package

_BEST = ALGORITHMS[0]
_DIGITS = 18  # of a size
_HEXADECIMAL = b"0123456789abcdef"
_FIELDS = (b"\nPackage: ", b"Version: ", b"Architecture: ", b"Filename: ", b"Size: ", b"SHA256: ")
"""The fields of a comparison, as Debian's tools spell them; the first one begins a stanza."""
_TOKEN = re.compile(
    rb"\n(?=[\nPpVvAaFfSs])(?:(%b)([!-~\x80-\xff]+)(?=\n[^ \t])|\n|(?i:%b)[ \t]*:)"
    % (b"|".join(_FIELDS), b"|".join(field.strip(b"\n: ") for field in _FIELDS))
)
"""One of these fields with its value, as groups.

Without groups it is a field in another spelling or with another value than one word without control
characters, or the beginning of a stanza that begins with another field.
"""
_UNUSUAL_PARTS = (b"\n.", b"/.", b"\n/", b"//", b"/\n")
"""In joined locations: a part that begins with a dot, or an empty one."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Entries in their order. The other columns are joined, which takes a quarter of the memory."""

    identities: Sequence[Identity]
    sizes: bytes
    locations: bytes

    @classmethod
    def of(cls, packages: Sequence[Package]) -> Self:
        """Join the values of packages; KeyError if one has no SHA-256."""
        return cls(
            [package.identity(_BEST) for package in packages],
            b" ".join(b"%d" % package.size_bytes for package in packages),
            "\n".join(package.location for package in packages).encode(),
        )

    def sharing(self, known: Mapping[Identity, Identity]) -> Self:
        """Return the same with the texts of ``known`` identities."""
        identities = list(map(known.get, self.identities, self.identities))
        return replace(self, identities=identities)

    def all_sizes(self) -> list[int]:
        """Return the size of each file in bytes."""
        return list(map(int, self.sizes.split()))

    def all_locations(self) -> list[str]:
        """Return the location of each file."""
        return self.locations.decode().split("\n") if self.identities else []

    def packages(self, chosen: Iterable[object]) -> Iterator[Package]:
        """Yield the packages of the entries for which ``chosen`` is true."""
        rows = zip(self.identities, self.all_sizes(), self.all_locations(), strict=True)
        for identity, size, location in compress(rows, chosen):
            name, architecture, version, value = identity.split(" ")
            yield Package(name, architecture, version, size, location, ((_BEST, value),))


def read_columns(text: bytes, *, source: str, before: int = 0) -> Columns:
    """Read a text of whole stanzas; those in unusual form are parsed one by one.

    Errors number the entries of ``source``, of which ``before`` precede this text.

    Raises:
        BundleError: a stanza is malformed. KeyError: one has no SHA-256.
        ValueError: as :func:`fuel_upgrade.repo.apt.stanza.split_stanzas`.
    """
    try:
        if columns := _usual_columns(text.strip(b"\n")):
            return columns
    except ValueError:
        pass  # a value that is not of ASCII, or a size that is not a number in digits
    stanzas = (stanza for part in split_stanzas(text) if (stanza := part.strip(b"\n")))
    packages = [
        parse_by_sha256(stanza, source=f"{source}, entry {number}")
        for number, stanza in enumerate(stanzas, before + 1)
    ]
    for package in packages:
        if any(" " in text for text in package.key):
            raise BundleError(
                f"{source}: a space in the name, architecture or version of {package}",
                remedy="rebuild the repo's indexes, for example with apt-ftparchive",
            )
    return Columns.of(packages)


def _usual_columns(text: bytes) -> Columns | None:
    """Read stanzas of one and the same order of fields; None if one is in unusual form.

    Raises:
        ValueError: a value needs a closer look.
    """
    tokens = _TOKEN.findall(b"\n\n%b\n." % text)
    if not tokens:
        return None
    fields, values = zip(*tokens, strict=True)
    order = fields[: len(_FIELDS)]
    is_regular = order[0] == _FIELDS[0] and {*order} == {*_FIELDS}
    if not is_regular or fields != order * (len(fields) // len(_FIELDS)):
        return None
    names, versions, architectures, files, sizes, sums = (
        values[order.index(field) :: len(_FIELDS)] for field in _FIELDS
    )
    locations, checksums = b"\n".join(files), b"".join(sums)
    framed = b"\n%b\n" % locations
    if checksums.translate(None, _HEXADECIMAL) or any(part in framed for part in _UNUSUAL_PARTS):
        return None
    lines = b"\n".join(map(b" ".join, zip(names, architectures, versions, sums, strict=True)))
    numbers = b" ".join(sizes)
    if not numbers.replace(b" ", b"").isdigit() or max(map(len, sizes)) > _DIGITS:
        return None
    if not (locations.isascii() or locations.decode().replace("\n", "").isprintable()):
        return None
    return Columns(lines.decode("ascii").split("\n"), numbers, locations)
