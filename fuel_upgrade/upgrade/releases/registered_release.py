"""A registered release with its users and its origin, and the deletion of a release."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fuel_upgrade.config import Config
from fuel_upgrade.errors import ControlPlaneError, NotFoundError
from fuel_upgrade.nailgun.control_plane import Cluster, ControlPlane
from fuel_upgrade.release.model import RegisteredRelease
from fuel_upgrade.upgrade.engine import Engine
from fuel_upgrade.upgrade.events import ignore
from fuel_upgrade.upgrade.install_lock import install_lock
from fuel_upgrade.upgrade.records import ChangeRecord
from fuel_upgrade.upgrade.releases.deletion_rules import Ties, dependents, label, refusals, refused
from fuel_upgrade.upgrade.releases.gc import left_behind
from fuel_upgrade.upgrade.steps import created_releases
from fuel_upgrade.upgrade.transaction import recovery, retention


@dataclass(frozen=True, slots=True)
class WholeRelease:
    """A registered release with everything that refers to it.

    ``installs`` are those that registered it, oldest first; ``undoable`` is the id of the one of
    them that can be undone; ``body`` registers it again.
    """

    release: RegisteredRelease
    clusters: tuple[Cluster, ...]
    base_of: tuple[RegisteredRelease, ...]
    installs: tuple[ChangeRecord, ...]
    undoable: str | None
    body: Mapping[str, Any]

    @property
    def ties(self) -> Ties:
        """The references that prevent its deletion."""
        return Ties(
            label(self.release.name, self.release.version, self.release.id),
            tuple((cluster.id, cluster.name) for cluster in self.clusters),
            tuple((user.id, user.name, user.version) for user in self.base_of),
            self.undoable,
        )


@dataclass(frozen=True, slots=True)
class DeletedRelease:
    """A deleted release, and its paths on this master that stay."""

    deleted: RegisteredRelease
    left: tuple[Path, ...]


def read_release(control: ControlPlane, engine: Engine, release_id: int) -> WholeRelease:
    """Return all data about a release.

    Raises:
        NotFoundError: no release has this id.
        ControlPlaneError: Nailgun does not answer correctly.
    """
    release = _release(control, release_id)
    installs = tuple(_made_by(engine, release_id))
    undoable = retention.undoable(engine.journal)
    return WholeRelease(
        release,
        clusters=tuple(c for c in control.clusters() if c.release_id == release_id),
        base_of=dependents(release, control.releases()),
        installs=installs,
        undoable=undoable.id if undoable and undoable.id in {r.id for r in installs} else None,
        body=control.release_body(release_id),
    )


def delete_release(
    config: Config, control: ControlPlane, engine: Engine, release_id: int, *, force: bool
) -> DeletedRelease:
    """Delete a release under the install lock; its files stay.

    The deletion cannot be undone. ``fuel-upgrade gc`` retires a release with its files, and can be
    undone.

    Raises:
        NotFoundError: no release has this id.
        PreflightError: it must not be deleted, or another change is running or unsettled.
        ControlPlaneError: Nailgun refuses, or does not answer correctly.
    """
    with install_lock(config.paths.lock, watch=ignore):
        recovery.refuse_unless_settled(engine.journal)
        whole = read_release(control, engine, release_id)
        if failures := refusals(whole.ties, force=force):
            raise refused(failures)
        left = left_behind(config, control.releases(), release_id)
        control.delete_release(release_id)
    return DeletedRelease(whole.release, tuple(left))


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
    for record, steps in engine.journal.changes():
        if release_id in created_releases(steps):
            yield record
