"""How long what an install replaced is kept, and how much room that takes."""

from pathlib import Path

from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.system.disk_space import own_bytes
from fuel_upgrade.system.files import discarded
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.upgrade.events import BackupsKept, BackupsReleased, Watch
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState, StepState
from fuel_upgrade.upgrade.steps import read_step, type_of
from fuel_upgrade.upgrade.steps.step import World
from fuel_upgrade.upgrade.transaction.journal import Journal


def roots(journal: Journal, install: str) -> tuple[Path, ...]:
    """Return the folders that hold what an install replaced."""
    owners = (read_step(r) for r in journal.steps(install) if type_of(r).owns_backups)
    return tuple(root for step in owners for root in step.backup_folders)


def undoable(journal: Journal) -> ChangeRecord | None:
    """Return the last successful install, if what it replaced is still kept."""
    installed = [r for r in journal.installs() if r.state is InstallState.INSTALLED]
    if not installed or installed[-1].released:
        return None
    is_whole = all(root.exists() for root in roots(journal, installed[-1].id))
    return installed[-1] if is_whole else None


def kept_bytes(journal: Journal, record: ChangeRecord) -> int:
    """Return what the backups of an install occupy on disk."""
    if record.state is not InstallState.INSTALLED:
        return 0
    return own_bytes(*(root for root in roots(journal, record.id) if root.exists()))


def with_backups(journal: Journal) -> list[ChangeRecord]:
    """Return what has backups on the disk, whole or, after a crash, in part; oldest first."""
    done = (r for r in journal.installs() if r.state is InstallState.INSTALLED)
    return [r for r in done if any(_is_left(root) for root in roots(journal, r.id))]


def _is_left(root: Path) -> bool:
    return root.exists() or discarded(root).exists()


def release_all_but(journal: Journal, control: ControlPlane, count: int, watch: Watch) -> None:
    """Give up the backups of every successful install but the last ``count``.

    What was to be given up when a crash came is given up now.
    """
    installed = [r for r in journal.installs() if r.state is InstallState.INSTALLED]
    for record in installed[: max(0, len(installed) - count)]:
        if not record.released or any(map(_is_left, roots(journal, record.id))):
            release(journal, control, record.id, watch)


def release(journal: Journal, control: ControlPlane, install: str, watch: Watch) -> None:
    """Give up what an install replaced: it cannot be undone from here on.

    Other installs stand whatever becomes of this, so a failure is told and no more; the next
    change tries again.
    """
    journal.release(install)
    if _remove(journal, control, install, watch):
        watch(BackupsReleased(install))


def sweep(journal: Journal, control: ControlPlane, install: str, watch: Watch) -> None:
    """Free the room of what an undo has moved aside; what fails is tried again later."""
    if any(discarded(root).exists() for root in roots(journal, install)):
        _remove(journal, control, install, watch)


def sweep_all(journal: Journal, control: ControlPlane, watch: Watch) -> None:
    """Free the room of everything that was undone, and cut off before it was removed."""
    for record in journal.installs():
        if record.state in (InstallState.ROLLED_BACK, InstallState.UNDONE):
            sweep(journal, control, record.id, watch)


def _remove(journal: Journal, control: ControlPlane, install: str, watch: Watch) -> bool:
    """Remove the folders that an install had for itself; say whether that went well."""
    try:
        for record in journal.steps(install):
            if type_of(record).owns_backups and record.state is not StepState.PLANNED:
                step = read_step(record)
                step.revert(step.facts_from_json(record.facts), World(control, no_progress))
    except OSError as error:
        watch(BackupsKept(install, str(error)))
        return False
    return True
