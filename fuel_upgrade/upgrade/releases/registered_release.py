"""A registered release with its users and its origin, and the deletion of a release."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fuel_upgrade.config import Config
from fuel_upgrade.errors import ControlPlaneError, NotFoundError
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.release.model import RegisteredRelease
from fuel_upgrade.system.times import iso_time
from fuel_upgrade.upgrade.engine import Engine
from fuel_upgrade.upgrade.events import ignore
from fuel_upgrade.upgrade.install_lock import install_lock
from fuel_upgrade.upgrade.records import ChangeRecord
from fuel_upgrade.upgrade.releases.deletion_rules import dependents, refusals, refused
from fuel_upgrade.upgrade.releases.gc import left_behind
from fuel_upgrade.upgrade.steps import created_releases
from fuel_upgrade.upgrade.transaction import recovery


def read_release(control: ControlPlane, engine: Engine, release_id: int) -> dict[str, Any]:
    """Return all data about a release, in the form of the API.

    Raises:
        NotFoundError: no release has this id.
        ControlPlaneError: Nailgun does not answer correctly.
    """
    release = _release(control, release_id)
    data = release.orchestrator
    made = tuple(_made_by(engine, release_id))
    undoable = engine.undoable()
    return {
        **release.to_json(),
        "puppet_manifests_source": data.puppet_manifests_source if data else None,
        "puppet_modules_source": data.puppet_modules_source if data else None,
        "clusters": [
            {"id": cluster.id, "name": cluster.name}
            for cluster in control.clusters()
            if cluster.release_id == release_id
        ],
        "base_of": [_named(user) for user in dependents(release, control.releases())],
        "installs": [
            {
                "id": r.id,
                "state": r.state.value,
                "started_s": r.started_s,
                "started_at": iso_time(r.started_s),
            }
            for r in made
        ],
        "undoable": undoable.id if undoable and undoable.id in {r.id for r in made} else None,
        "body": control.release_body(release_id),
    }


def delete_release(
    config: Config, control: ControlPlane, engine: Engine, release_id: int, *, force: bool
) -> dict[str, Any]:
    """Delete a release under the install lock; its files stay.

    The deletion cannot be undone. ``fuel-upgrade gc`` retires a release with its files, and can be
    undone.

    Raises:
        NotFoundError: no release has this id.
        PreflightError: it must not be deleted, or another change is under way or unsettled.
        ControlPlaneError: Nailgun refuses, or does not answer correctly.
    """
    with install_lock(config.paths.lock, watch=ignore):
        recovery.refuse_unless_settled(engine.journal)
        shown = read_release(control, engine, release_id)
        if failures := refusals(shown, force=force):
            raise refused(failures)
        left = left_behind(config, control.releases(), release_id)
        control.delete_release(release_id)
    return {"deleted": {k: shown[k] for k in _NAMES}, "left": [str(path) for path in left]}


_NAMES = ("id", "name", "version", "operating_system")


def _named(release: RegisteredRelease) -> dict[str, Any]:
    return {name: getattr(release, name) for name in _NAMES}


def _release(control: ControlPlane, release_id: int) -> RegisteredRelease:
    try:
        return control.release(release_id)
    except ControlPlaneError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        raise NotFoundError(
            f"{release_id}: no release of this id is registered",
            remedy="see fuel-upgrade releases for the ids",
        ) from error


def _made_by(engine: Engine, release_id: int) -> Iterator[ChangeRecord]:
    for record in engine.journal.installs():
        if release_id in created_releases(engine.journal.steps(record.id)):
            yield record
