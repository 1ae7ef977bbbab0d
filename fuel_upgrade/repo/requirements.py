"""The dependencies and the offered names of packages, common to apt and yum."""

from dataclasses import dataclass

from fuel_upgrade.repo.package import RepoKind


@dataclass(frozen=True, slots=True)
class Relation:
    """One alternative: ``name:qualifier (operator version)``; all but the name may be empty.

    The operators are dpkg's: ``<<``, ``<=``, ``=``, ``>=``, ``>>``.
    """

    name: str
    operator: str = ""
    version: str = ""
    qualifier: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """One dependency, met by any of its alternatives; none means that it cannot be checked."""

    text: str
    alternatives: tuple[Relation, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """A name that a package provides; ``version`` None if the name has no version.

    ``crosses`` is true if packages of any architecture may use it (``Multi-Arch: allowed`` or
    ``foreign``).
    """

    name: str
    version: str | None = None
    crosses: bool = False


@dataclass(frozen=True, slots=True)
class Requirements:
    """The dependencies of one package, and the names it offers, including its own."""

    package: str
    needs: tuple[Need, ...]
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class PackageSet:
    """The packages that a node of one architecture can install together (yum: "", all)."""

    kind: RepoKind
    architecture: str
    packages: tuple[Requirements, ...]
