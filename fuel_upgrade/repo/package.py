"""A package as its repo's index describes it, and the checksums that name its content."""

import hashlib
import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import reduce

from fuel_upgrade.errors import BundleError

Identity = str
"""``name architecture version checksum``, as in ``diff.yaml``. No part contains a space, and a
space sorts before every character of a part, so identities sort like their parts.
"""
# In order of preference. Every current index has SHA-256; the others serve older pairs of repos.
ALGORITHMS = ("sha256", "sha512", "sha384", "sha224", "sha1", "md5")
MOST_BYTES = 10**18
"""The size of a package is below this."""
IS_CHECKSUM = re.compile(r"[0-9A-Fa-f]+").fullmatch
_LINES = 4096  # joined at once
_PLAIN = re.compile(r"(?:[^./][^/]*/)*[^./][^/]*").fullmatch  # no part begins with a dot


PackageKey = tuple[str, str, str]
"""Name, architecture and version of a package."""


class RepoKind(Enum):
    """The family of package managers that reads a repo."""

    APT = "apt"
    YUM = "yum"


@dataclass(frozen=True, slots=True)
class Package:
    """One .deb or .rpm. ``location`` is relative to the repo's root; ``digests`` are
    (algorithm, hexadecimal value) pairs; the version of an rpm is ``[epoch:]version-release``.
    """  # noqa: D205 - one sentence each

    name: str
    architecture: str
    version: str
    size_bytes: int
    location: str
    digests: tuple[tuple[str, str], ...]

    def digest(self, algorithm: str) -> str:
        """Return the checksum of one algorithm.

        Raises:
            KeyError: the index does not contain it.
        """
        for name, value in self.digests:
            if name == algorithm:
                return value
        raise KeyError(algorithm)

    def identity(self, algorithm: str) -> Identity:
        """Return ``name architecture version checksum``, which is equal for equal packages."""
        return f"{self.name} {self.architecture} {self.version} {self.digest(algorithm)}"

    @property
    def key(self) -> "PackageKey":
        """Name, architecture and version: identifies a package, but not its content."""
        return (self.name, self.architecture, self.version)

    def __str__(self) -> str:
        return " ".join(self.key)


def package_of(identity: Identity, algorithm: str) -> Package:
    """Return a package without size and location; ValueError if the identity is malformed."""
    name, architecture, version, value = identity.split(" ")
    return Package(name, architecture, version, 0, "", ((algorithm, value),))


def common_algorithm(base: Sequence[Package], current: Sequence[Package]) -> str | None:
    """Return the preferred algorithm that every package of both repos has, or None."""
    shared = _algorithms(base) & _algorithms(current)
    return next((name for name in ALGORITHMS if name in shared), None)


def _algorithms(packages: Iterable[Package]) -> frozenset[str]:
    kinds = {frozenset(name for name, _ in package.digests) for package in packages}
    return reduce(frozenset.intersection, kinds, frozenset(ALGORITHMS))


def by_identity(packages: Iterable[Package], algorithm: str) -> dict[Identity, Package]:
    """Map packages by identity; this drops repetitions in the indexes of several architectures."""
    return {package.identity(algorithm): package for package in packages}


def fingerprint(packages: Iterable[Package], algorithm: str) -> str:
    """Return the fingerprint of a repo's content: see :func:`fingerprint_of`."""
    return fingerprint_of((p.identity(algorithm) for p in packages), algorithm)


def fingerprint_of(identities: Iterable[Identity], algorithm: str) -> str:
    """Return a digest over the sorted identities, one line each, as ``PACKAGE ALGORITHM:VALUE``."""
    digest = hashlib.sha256()
    ordered = sorted(dict.fromkeys(identities))  # keeps the order of an index, nearly sorted
    for start in range(0, len(ordered), _LINES):
        parts = (identity.rpartition(" ") for identity in ordered[start : start + _LINES])
        lines = [f"{package} {algorithm}:{value}\n" for package, _, value in parts]
        digest.update("".join(lines).encode())
    return "sha256:" + digest.hexdigest()


def word_fault(text: str) -> str:
    """Return why a text is not one word of printable characters; empty if it is."""
    if " " in text:
        return "a space"
    return "" if text.isprintable() else "a control character"


def checked_location(location: str, *, source: str) -> str:
    """Return a package's path in the repo, normalised.

    Raises:
        BundleError: it is absolute or leads out of the repo, or has control characters.
    """
    if not location.isprintable():
        raise BundleError(
            f"{source}: the location {location!r} has control characters",
            remedy="do not use this repo; ask its publisher",
        )
    if _PLAIN(location):  # nearly all are
        return location
    path = posixpath.normpath(location)
    if not location or path.startswith(("/", "../")) or path == "..":
        raise BundleError(
            f"{source}: the location {location!r} is outside the repo",
            remedy="do not use this repo; ask its publisher",
        )
    return path
