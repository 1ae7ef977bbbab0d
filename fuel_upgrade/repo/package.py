"""A package as its repo's index describes it, and the checksums that name its content."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import reduce

# Best first. SHA-256 leads because every current index has it; the others only serve pairs of
# repos that do not both have it.
ALGORITHMS = ("sha256", "sha512", "sha384", "sha224", "sha1", "md5")


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

    def identity(self, algorithm: str) -> tuple[str, str, str, str]:
        """Return (name, architecture, version, checksum): what makes two packages the same."""
        return (self.name, self.architecture, self.version, self.digest(algorithm))

    def __str__(self) -> str:
        return f"{self.name} {self.architecture} {self.version}"


def common_algorithm(base: Sequence[Package], current: Sequence[Package]) -> str | None:
    """Return the best checksum that every package of both sides has, or None."""
    shared = _algorithms(base) & _algorithms(current)
    return next((name for name in ALGORITHMS if name in shared), None)


def _algorithms(packages: Iterable[Package]) -> frozenset[str]:
    kinds = {frozenset(name for name, _ in package.digests) for package in packages}
    return reduce(frozenset.intersection, kinds, frozenset(ALGORITHMS))


def unique(packages: Iterable[Package], algorithm: str) -> tuple[Package, ...]:
    """Drop repetitions: an apt package for all architectures stands in every index."""
    return tuple({package.identity(algorithm): package for package in packages}.values())


def fingerprint(packages: Iterable[Package], algorithm: str) -> str:
    """Name the content of a repo: a digest over its sorted identities, one line each."""
    lines = sorted(
        f"{name} {architecture} {version} {algorithm}:{value}\n"
        for name, architecture, version, value in {p.identity(algorithm) for p in packages}
    )
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()
