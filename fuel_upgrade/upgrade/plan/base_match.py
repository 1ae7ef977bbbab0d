"""Which registered release can be a diff's base: one that holds all that the diff inherits."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fuel_upgrade.bundle.repair_request import RepairRequest, RequestedRepo
from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.release.chain import newest_version_first
from fuel_upgrade.release.model import RegisteredRelease, ReleaseKey, RepoEntry
from fuel_upgrade.repo.package import Package

_SEALED_BY = "sha256"


@dataclass(frozen=True, slots=True)
class Need:
    """What a diff repo in a tarball leaves to its base; ``named`` is the base's version."""

    version: str
    os_key: str
    named: str
    algorithm: str
    inherited: tuple[Package, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """What of a need the repos of one registered release lack.

    ``faults`` pairs a repo that should be on this master's disk with what is wrong with it;
    ``elsewhere`` are repos that another host serves, which nobody looked into.
    """

    release: RegisteredRelease
    missing: tuple[Package, ...]
    faults: tuple[tuple[RepoEntry, str], ...] = ()
    elsewhere: tuple[RepoEntry, ...] = ()

    def serves(self, need: Need) -> bool:
        """Tell whether a diff can build on it; what nobody can look into is taken by its name."""
        unknown = bool(self.elsewhere) and self.release.version == need.named
        return not self.faults and (unknown or not self.missing)


@dataclass(frozen=True, slots=True)
class BaseMatch:
    """What was found for one need. ``release`` is the base; None where ``inside`` the tarball
    there is one, where none is needed, or where the install must be refused.
    """  # noqa: D205 - one sentence each

    need: Need
    accepted: bool
    release: RegisteredRelease | None = None
    inside: bool = False
    missing: tuple[Package, ...] = ()
    faults: tuple[tuple[RepoEntry, str], ...] = ()

    @property
    def replaces_named(self) -> bool:
        """Tell whether another release than the named one is the base."""
        return self.release is not None and self.release.version != self.need.named

    def to_json(self) -> dict[str, Any]:
        """Return the form that plans and events give."""
        found = self.need.named if self.inside else self.release and self.release.version
        return {
            "named": self.need.named,
            "found": found,
            "inside": self.inside,
            "inherited": len(self.need.inherited),
        }


def needs(head: BundleHead) -> tuple[Need, ...]:
    """Return what each diff repo of a tarball inherits."""
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
    """Return the releases that may be the base: the named one first, then the newest first.

    ``replaced`` are the URLs of the repos that the tarball itself brings: a release that rests
    on one of those would change under the feet of what builds on it.
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
    """Return the first release that serves; else what the one that comes closest lacks."""
    seen: list[Held] = []
    for release in fit:
        held = look(release)
        if held.serves(need):
            return BaseMatch(need, accepted=True, release=release)
        seen.append(held)
    if not need.inherited:
        return BaseMatch(need, accepted=True)  # a diff of everything stands by itself
    whole = [held.missing for held in seen if not held.faults]
    faults = tuple(f for held in seen if held.release.version == need.named for f in held.faults)
    return BaseMatch(
        need, accepted=False, missing=min(whole, key=len, default=need.inherited), faults=faults
    )


def find_inside(need: Need, head: BundleHead) -> BaseMatch:
    """Look for what a diff repo inherits in its base within the same tarball, by the seal.

    The seal knows SHA-256 alone. Where the diff was made by another checksum, ``bundle build``
    was the last that could tell.
    """
    if need.algorithm != _SEALED_BY:
        return BaseMatch(need, accepted=True, inside=True)
    folder = head.repo(need.named, need.os_key).folder + "/"
    there = {file.sha256 for path, file in head.sealed.items() if path.startswith(folder)}
    own = head.descriptions.get((need.named, need.os_key))
    if own is not None and own.algorithm == _SEALED_BY:
        there |= {p.digest(_SEALED_BY) for p in own.inherited_packages()}
    missing = tuple(p for p in need.inherited if p.digest(_SEALED_BY) not in there)
    return BaseMatch(need, accepted=not missing, inside=True, missing=missing)


def repair_request(
    head: BundleHead, matches: Mapping[ReleaseKey, BaseMatch], fuel_version: str
) -> RepairRequest | None:
    """Say what a tarball would have to bring besides; None where every base is there."""
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
