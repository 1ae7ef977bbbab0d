"""How long the backups of a change are kept, and how much disk space they take.

A backup that is not kept, and a tree that an undo removed, are *discarded*: renamed, which takes no
time. Their files are deleted at once, or later where the caller has a thread for that.
"""

import os
from collections.abc import Callable
from pathlib import Path

from fuel_upgrade.config import Paths
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.system.disk_space import own_bytes
from fuel_upgrade.system.files import DISCARDED, discarded
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.upgrade.events import BackupsKept, BackupsReleased, Watch
from fuel_upgrade.upgrade.plan.layout import STAGING
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState, StepState
from fuel_upgrade.upgrade.steps import read_step, type_of
from fuel_upgrade.upgrade.steps.step import World
from fuel_upgrade.upgrade.transaction.journal import Journal


def roots(journal: Journal, install: str) -> tuple[Path, ...]:
    """Return the folders that hold the backups of a change."""
    owners = (read_step(r) for r in journal.steps(install) if type_of(r).owns_backups)
    return tuple(root for step in owners for root in step.backup_folders)


def undoable(journal: Journal) -> ChangeRecord | None:
    """Return the last successful change if its backups are still complete."""
    installed = [r for r in journal.installs() if r.state is InstallState.INSTALLED]
    if not installed or installed[-1].released:
        return None
    is_whole = all(root.exists() for root in roots(journal, installed[-1].id))
    return installed[-1] if is_whole else None


def kept_bytes(journal: Journal, record: ChangeRecord) -> int:
    """Return the disk space of the backups of a change in bytes."""
    if record.state is not InstallState.INSTALLED:
        return 0
    return own_bytes(*(root for root in roots(journal, record.id) if root.exists()))


def with_backups(journal: Journal, paths: Paths) -> list[ChangeRecord]:
    """Return the changes whose backups are on disk and not discarded, oldest first."""
    may_have_folders = _folder_check(paths)
    return [
        r
        for r in journal.installs()
        if r.state is InstallState.INSTALLED and may_have_folders(r) and _has_roots(journal, r)
    ]


def _has_roots(journal: Journal, record: ChangeRecord) -> bool:
    return any(root.exists() for root in roots(journal, record.id))


def _folder_check(paths: Paths) -> Callable[[ChangeRecord], bool]:
    """Return a check whether a change may have folders, which does not read its steps.

    The folders of a change are named by its id. An empty parent may be that of any change.
    """
    inside = [_names(parent) for parent in staging_parents(paths) if parent.is_dir()]
    present = {name.removeprefix(DISCARDED) for names in inside for name in names}
    return lambda record: record.id in present or not all(inside)


def release_all_but(  # noqa: PLR0913 - what a deletion needs
    journal: Journal,
    control: ControlPlane,
    paths: Paths,
    count: int,
    watch: Watch,
    *,
    later: bool = False,
) -> None:
    """Delete the backups of all successful changes except the last ``count``.

    With ``later`` they are only discarded.
    """
    installed = [r for r in journal.installs() if r.state is InstallState.INSTALLED]
    may_have_folders = _folder_check(paths)
    for record in installed[: max(0, len(installed) - count)]:
        if not record.released or (may_have_folders(record) and _has_roots(journal, record)):
            release(journal, control, record.id, watch, later=later)


def release(
    journal: Journal, control: ControlPlane, install: str, watch: Watch, *, later: bool = False
) -> None:
    """Delete the backups of a change, or discard them: it cannot be undone afterwards.

    A failure affects no other change, so it is only reported; the next change tries again.
    """
    journal.release(install)
    if _remove(journal, control, install, watch, later=later):
        watch(BackupsReleased(install))


def sweep(journal: Journal, control: ControlPlane, install: str, watch: Watch) -> None:
    """Delete the discarded folders of a change; a failure is reported, and retried later.

    A crash may also leave the empty folder above them.
    """
    if any(discarded(root).exists() or _is_empty(root.parent) for root in roots(journal, install)):
        _remove(journal, control, install, watch)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and next(folder.iterdir(), None) is None


def sweep_all(journal: Journal, control: ControlPlane, paths: Paths, watch: Watch) -> None:
    """Delete the discarded folders of every change, also of one that a crash interrupted."""
    may_have_folders = _folder_check(paths)
    for record in filter(may_have_folders, journal.installs()):
        if record.released or record.state in (InstallState.ROLLED_BACK, InstallState.UNDONE):
            sweep(journal, control, record.id, watch)


def _remove(
    journal: Journal, control: ControlPlane, install: str, watch: Watch, *, later: bool = False
) -> bool:
    """Delete or discard the backup folders of a change; return whether that succeeded."""
    try:
        for record in journal.steps(install):
            if type_of(record).owns_backups and record.state is not StepState.PLANNED:
                step = read_step(record)
                remove = step.discard if later else step.revert
                remove(step.facts_from_json(record.facts), World(control, no_progress))
    except OSError as error:
        watch(BackupsKept(install, str(error)))
        return False
    return True


def staging_parents(paths: Paths) -> tuple[Path, ...]:
    """Return the folders that hold the roots of all changes: staging, backups, discarded trees."""
    live = (paths.repos, paths.puppet, paths.fuel, paths.venvs)
    return (*(folder / STAGING for folder in live), paths.state / "staging")


def discarded_folders(paths: Paths) -> tuple[Path, ...]:
    """Return the discarded trees that are not deleted yet."""
    return tuple(
        parent / name
        for parent in staging_parents(paths)
        for name in _names(parent)
        if name.startswith(DISCARDED)
    )


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - Path.iterdir fails late
    except FileNotFoundError:  # another thread may have removed it
        return []
