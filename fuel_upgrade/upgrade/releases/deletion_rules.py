"""The reasons against the deletion of a registered release. Pure; the command uses it too."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

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


def refusals(
    shown: Mapping[str, Any], *, leaving: Collection[int] = (), force: bool = False
) -> tuple[str, ...]:
    """Return why a release, in the form of :func:`read_release`, must not be deleted.

    ``leaving`` are the ids of releases that are deleted with it. ``force`` overrules all reasons
    except clusters, for which Nailgun itself refuses.
    """
    title = f"release {shown['name']} ({shown['version']}), id {shown['id']}"
    reasons = []
    if clusters := [f"{c['name']} (id {c['id']})" for c in shown["clusters"]]:
        reasons.append(f"{title}: clusters use it: {', '.join(clusters)}")
    if force:
        return tuple(reasons)
    users = [user for user in shown["base_of"] if user["id"] not in leaving]
    if users:
        names = ", ".join(f"{u['name']} ({u['version']}), id {u['id']}" for u in users)
        reasons.append(f"{title}: its repo is the base of: {names}")
    if shown["undoable"]:
        reasons.append(
            f"{title}: install {shown['undoable']} registered it and can be undone, which removes"
            f" it with all else: fuel-upgrade rollback {shown['undoable']}"
        )
    return tuple(reasons)


def refused(failures: Sequence[str]) -> PreflightError:
    """Return the error for releases that must not be deleted."""
    return PreflightError(
        "; ".join(failures),
        remedy="delete the clusters first; for all other reasons --force overrules this",
        failures=tuple(failures),
    )
