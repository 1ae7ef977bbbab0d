"""Finds the base of a diff: a registered release that has every package the diff inherits. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from fuel_upgrade.bundle.manifest import repo_folder, unit_of
from fuel_upgrade.bundle.repair_request import RepairRequest, RequestedRepo
from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.release.chain import newest_version_first
from fuel_upgrade.release.model import RegisteredRelease, ReleaseKey, RepoEntry
from fuel_upgrade.repo.package import Package
from fuel_upgrade.upgrade.events import BaseReplaced

_SEALED_BY = "sha256"


@dataclass(frozen=True, slots=True)
class Need:
    """The packages that a diff repo inherits; ``named`` is the version of its base."""

    version: str
    os_key: str
    named: str
    algorithm: str
    inherited: tuple[Package, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """The inherited packages that the repos of one registered release lack.

    ``faults`` pairs each repo that cannot be read on this master's disk with the reason;
    ``elsewhere`` are repos that another host serves, which are not read.
    """

    release: RegisteredRelease
    missing: tuple[Package, ...]
    faults: tuple[tuple[RepoEntry, str], ...] = ()
    elsewhere: tuple[RepoEntry, ...] = ()

    def serves(self, need: Need) -> bool:
        """Return whether a diff can build on the release; repos elsewhere are trusted by name."""
        unknown = bool(self.elsewhere) and self.release.version == need.named
        return not self.faults and (unknown or not self.missing)


@dataclass(frozen=True, slots=True)
class BaseMatch:
    """The result of the search for one base.

    ``release`` is the base. It is None if the base is ``inside`` the tarball, if none is needed,
    and if the install must be refused.
    """

    need: Need
    accepted: bool
    release: RegisteredRelease | None = None
    inside: bool = False
    missing: tuple[Package, ...] = ()
    faults: tuple[tuple[RepoEntry, str], ...] = ()

    @property
    def replaces_named(self) -> bool:
        """Return whether the base is another release than the named one."""
        return self.release is not None and self.release.version != self.need.named

    def to_event(self) -> BaseReplaced | None:
        """Return the event of a base that replaces the named one, or None."""
        need = self.need
        if self.release is None or not self.replaces_named:
            return None
        base, inherited = self.release.version, len(need.inherited)
        return BaseReplaced(need.version, need.named, base, self.inside, inherited)

    def to_json(self) -> dict[str, Any]:
        """Return the form that plans and events give."""
        base = self.need.named if self.inside else self.release and self.release.version
        return {
            "named": self.need.named,
            "found": base,
            "inside": self.inside,
            "inherited": len(self.need.inherited),
        }


def needs(head: BundleHead) -> tuple[Need, ...]:
    """Return the need of each diff repo in a tarball."""
    return tuple(
        Need(
            r.version, r.os_key, head.diff_releases[r.version], d.algorithm, d.inherited_packages()
        )
        for r in head.releases
        if (d := head.descriptions.get((r.version, r.os_key))) is not None
    )


def candidates(
    releases: Iterable[RegisteredRelease], need: Need, replaced: frozenset[str]
) -> tuple[RegisteredRelease, ...]:
    """Return the releases that can be the base: the named one, then the others, newest first.

    ``replaced`` are the URLs of the repos in the tarball itself. A release that uses one of them
    is no candidate: the install would change it.
    """
    fit = [
        r
        for r in releases
        if r.os_key == need.os_key
        and r.version != need.version
        and r.orchestrator is not None
        and not any(repo.url in replaced for repo in r.orchestrator.repos)
    ]
    fit.sort(key=lambda r: newest_version_first(r.version))
    return tuple(sorted(fit, key=lambda r: r.version != need.named))


def find_base(
    need: Need, fit: Iterable[RegisteredRelease], look: Callable[[RegisteredRelease], Held]
) -> BaseMatch:
    """Return the first release that serves, or else what the closest one lacks."""
    seen: list[Held] = []
    for release in fit:
        held = look(release)
        if held.serves(need):
            return BaseMatch(need, accepted=True, release=release)
        seen.append(held)
    if not need.inherited:
        return BaseMatch(need, accepted=True)  # a diff that inherits nothing needs no base
    whole = [held.missing for held in seen if not held.faults]
    faults = tuple(f for held in seen if held.release.version == need.named for f in held.faults)
    return BaseMatch(
        need, accepted=False, missing=min(whole, key=len, default=need.inherited), faults=faults
    )


def sealed_checksums(head: BundleHead, repos: Collection[str]) -> Mapping[str, Set[str]]:
    """Return the SHA-256 of the sealed files in each of these folders of repos."""
    checksums: dict[str, set[str]] = {repo: set() for repo in repos}
    for path in head.sealed if repos else ():
        unit = unit_of(path)
        if unit in checksums:
            checksums[unit].add(head.sealed[path].sha256)
    return checksums


def bases_inside(head: BundleHead) -> frozenset[str]:
    """Return the folders of the repos in a tarball that are the base of others in it."""
    bases = {repo_folder(repo.base, repo.os_key) for repo in head.repos if repo.base is not None}
    return frozenset(bases & {repo.folder for repo in head.repos})


def find_inside(need: Need, head: BundleHead, checksums: Mapping[str, Set[str]]) -> BaseMatch:
    """Look for the inherited packages in a base within the same tarball, by the seal.

    ``checksums`` are the :func:`sealed_checksums` of the :func:`bases_inside` it.

    The seal has SHA-256 only. A diff made with another checksum was checked by ``bundle build``
    and is accepted here.
    """
    if need.algorithm != _SEALED_BY:
        return BaseMatch(need, accepted=True, inside=True)
    present = checksums.get(repo_folder(need.named, need.os_key), frozenset())
    own = head.descriptions.get((need.named, need.os_key))
    if own is not None and own.algorithm == _SEALED_BY:
        present = present | {p.digest(_SEALED_BY) for p in own.inherited_packages()}
    missing = tuple(p for p in need.inherited if p.digest(_SEALED_BY) not in present)
    return BaseMatch(need, accepted=not missing, inside=True, missing=missing)


def repair_request(
    head: BundleHead, matches: Mapping[ReleaseKey, BaseMatch], fuel_version: str
) -> RepairRequest | None:
    """Return a request for the packages that the bases lack; None if they lack nothing."""
    repos = tuple(
        RequestedRepo(
            version=m.need.version,
            os_key=m.need.os_key,
            base=m.need.named,
            base_fingerprint=head.descriptions[key].base_fingerprint,
            result_fingerprint=head.descriptions[key].result_fingerprint,
            algorithm=m.need.algorithm,
            missing=m.missing,
        )
        for key, m in matches.items()
        if m.missing and not m.accepted
    )
    if not repos:
        return None
    return RepairRequest(head.fuel_version, fuel_version, head.path.name, head.seal_sha256, repos)
