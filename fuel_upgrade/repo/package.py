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
"""``name architecture version checksum``, as ``diff.yaml`` has it; no part holds a blank, and a
blank sorts before all that they hold: identities sort as their parts do.
"""
# Best first. SHA-256 leads because every current index has it; the others only serve pairs of
# repos that do not both have it.
ALGORITHMS = ("sha256", "sha512", "sha384", "sha224", "sha1", "md5")
_PLAIN = re.compile(r"(?:[^./][^/]*/)*[^./][^/]*").fullmatch  # no part begins with a dot


PackageKey = tuple[str, str, str]
"""Name, architecture and version of a package."""


class RepoKind(Enum):
    """Which family of package manager reads a repo."""

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
        """Return the checksum of that kind.

        Raises:
            KeyError: the index does not give it.
        """
        return dict(self.digests)[algorithm]

    def identity(self, algorithm: str) -> Identity:
        """Return ``name architecture version checksum``: what makes two packages the same."""
        return f"{self.name} {self.architecture} {self.version} {self.digest(algorithm)}"

    @property
    def key(self) -> "PackageKey":
        """Name, architecture and version: identifies a package, but not its content."""
        return (self.name, self.architecture, self.version)

    def __str__(self) -> str:
        return " ".join(self.key)


def common_algorithm(base: Sequence[Package], current: Sequence[Package]) -> str | None:
    """Return the best checksum that every package of both sides has, or None."""
    shared = _algorithms(base) & _algorithms(current)
    return next((name for name in ALGORITHMS if name in shared), None)


def _algorithms(packages: Iterable[Package]) -> frozenset[str]:
    kinds = {frozenset(name for name, _ in package.digests) for package in packages}
    return reduce(frozenset.intersection, kinds, frozenset(ALGORITHMS))


def by_identity(packages: Iterable[Package], algorithm: str) -> dict[Identity, Package]:
    """Drop repetitions: an apt package for all architectures stands in every index."""
    return {package.identity(algorithm): package for package in packages}


def fingerprint(packages: Iterable[Package], algorithm: str) -> str:
    """Name the content of a repo: see :func:`fingerprint_of`."""
    return fingerprint_of((p.identity(algorithm) for p in packages), algorithm)


def fingerprint_of(identities: Iterable[Identity], algorithm: str) -> str:
    """Name a content: a digest over its sorted identities, one line each, with the checksum's
    kind before its value.
    """  # noqa: D205 - one sentence
    digest = hashlib.sha256()
    for identity in sorted(set(identities)):
        package, _, value = identity.rpartition(" ")
        digest.update(f"{package} {algorithm}:{value}\n".encode())
    return "sha256:" + digest.hexdigest()


def checked_location(location: str, *, source: str) -> str:
    """Return a package's path in the repo, normalised.

    Raises:
        BundleError: it is absolute or leads out of the repo.
    """
    if _PLAIN(location):  # as good as all are
        return location
    path = posixpath.normpath(location)
    if not location or path.startswith(("/", "../")) or path == "..":
        raise BundleError(
            f"{source}: the location {location!r} lies outside the repo",
            remedy="do not use this repo; ask who made it",
        )
    return path
