"""The reasons against the deletion of a registered release. Pure; the command uses it too."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.release.model import RegisteredRelease


def dependents(
    release: RegisteredRelease, others: Sequence[RegisteredRelease]
) -> tuple[RegisteredRelease, ...]:
    """Return the releases of other versions whose base is the own repo of ``release``."""
    repos = release.orchestrator.repos if release.orchestrator else ()
    own = {r.url for r in repos if r.name == release.version} or {r.url for r in repos[:1]}
    return tuple(
        other
        for other in others
        if other.version != release.version
        and other.orchestrator is not None
        and not own.isdisjoint(repo.url for repo in other.orchestrator.repos)
    )


@dataclass(frozen=True, slots=True)
class Ties:
    """The references to a release: clusters (id, name), releases (id, name, version), install."""

    label: str
    clusters: tuple[tuple[int, str], ...]
    base_of: tuple[tuple[int, str, str], ...]
    undoable: str | None

    @classmethod
    def from_json(cls, whole: Mapping[str, Any]) -> Self:
        """Read the daemon's answer about one release."""
        return cls(
            label(whole["name"], whole["version"], whole["id"]),
            tuple((cluster["id"], cluster["name"]) for cluster in whole["clusters"]),
            tuple((user["id"], user["name"], user["version"]) for user in whole["base_of"]),
            whole["undoable"],
        )


def label(name: str, version: str, release_id: int) -> str:
    """Return the name of a release in messages."""
    return f"release {name} ({version}), id {release_id}"


def refusals(ties: Ties, *, leaving: Collection[int] = (), force: bool = False) -> tuple[str, ...]:
    """Return why a release must not be deleted.

    ``leaving`` are the ids of releases that are deleted with it. ``force`` overrules all reasons
    except clusters, for which Nailgun itself refuses.
    """
    reasons = []
    if clusters := [f"{name} (id {cluster})" for cluster, name in ties.clusters]:
        reasons.append(f"{ties.label}: clusters use it: {', '.join(clusters)}")
    if force:
        return tuple(reasons)
    users = [
        f"{name} ({version}), id {user}"
        for user, name, version in ties.base_of
        if user not in leaving
    ]
    if users:
        reasons.append(f"{ties.label}: its repo is the base of: {', '.join(users)}")
    if ties.undoable:
        reasons.append(
            f"{ties.label}: install {ties.undoable} registered it and can be undone, which removes"
            f" it with all else: fuel-upgrade rollback {ties.undoable}"
        )
    return tuple(reasons)


def refused(failures: Sequence[str]) -> PreflightError:
    """Return the error for releases that must not be deleted."""
    return PreflightError(
        "; ".join(failures),
        remedy="delete the clusters first; for all other reasons --force overrules this",
        failures=tuple(failures),
    )
