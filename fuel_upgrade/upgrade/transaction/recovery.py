"""Installs that did not end: taking them up after a crash, and settling what is stuck."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from fuel_upgrade.config import Paths
from fuel_upgrade.errors import PreflightError, RollbackError, StepError
from fuel_upgrade.nailgun.control_plane import Cluster
from fuel_upgrade.upgrade.plan.layout import STAGING
from fuel_upgrade.upgrade.records import ChangeKind, ChangeRecord, InstallState, StepRecord
from fuel_upgrade.upgrade.steps import created_releases
from fuel_upgrade.upgrade.transaction.journal import Journal

# An install that ended in none of these was cut off; each with the state that undoing it has.
UNFINISHED = {
    InstallState.RUNNING: InstallState.ROLLING_BACK,
    InstallState.ROLLING_BACK: InstallState.ROLLING_BACK,
    InstallState.UNDOING: InstallState.UNDOING,
}


def unfinished(journal: Journal) -> tuple[ChangeRecord, ...]:
    """Return the installs that a crash cut off, or that could not be put back yet."""
    return tuple(r for r in journal.installs() if r.state in UNFINISHED)


def inconsistent(journal: Journal) -> tuple[ChangeRecord, ...]:
    """Return the installs that are neither before nor after, oldest first."""
    return tuple(r for r in journal.installs() if r.state is InstallState.INCONSISTENT)


def refuse_unless_settled(journal: Journal) -> None:
    """Refuse to change a master on which something is unfinished.

    Raises:
        PreflightError: an install is unfinished or inconsistent.
    """
    for record in unfinished(journal):
        raise PreflightError(
            f"{record.kind} {record.id} is unfinished: it is {record.state.value}",
            remedy="run fuel-upgrade recover first",
        )
    for record in inconsistent(journal):
        raise PreflightError(
            f"{record.kind} {record.id} left this master inconsistent"
            + (f": {record.note}" if record.note else ""),
            remedy=f"run fuel-upgrade repair {record.id} first",
        )


def note_cut_off(journal: Journal, record: ChangeRecord) -> None:
    """Record why an install is undone that did not fail: without an error it had succeeded."""
    if UNFINISHED.get(record.state) is not InstallState.ROLLING_BACK or record.error is not None:
        return
    error = StepError(
        f"{record.kind} {record.id} was cut off: its process was killed, or the power failed",
        remedy="install again when it suits",
        state=f"rolled back to Fuel {record.fuel_from}",
    )
    journal.mark(record.id, record.state, error=error.to_json())


def give_up(journal: Journal, record: ChangeRecord, attempts: int, now_s: float) -> None:
    """Make an install that recovery did not get to an end inconsistent."""
    note_cut_off(journal, record)
    stuck = [f"step {s.number}, {s.title}: {s.error}" for s in journal.steps(record.id) if s.error]
    why = "; ".join(stuck) or "each of them was cut off"
    note = f"{attempts} recoveries did not come to an end: {why}"
    error = record.error
    if error is None and UNFINISHED[record.state] is InstallState.ROLLING_BACK:
        # a repair tells by the error that the install had not succeeded
        remedy = f"remove the cause, then run fuel-upgrade repair {record.id}"
        error = RollbackError(note, remedy=remedy, state="inconsistent").to_json()
    journal.note(record.id, note)
    journal.mark(record.id, InstallState.INCONSISTENT, ended_s=now_s, error=error)


def state_to_undo(record: ChangeRecord) -> InstallState:
    """Return the state of undoing an install: it had succeeded, or it is the undo of a failure."""
    if record.state in UNFINISHED:
        return UNFINISHED[record.state]
    return InstallState.UNDOING if record.error is None else InstallState.ROLLING_BACK


def keep_damaged(
    journal: Journal, paths: Paths, *, new_id: Callable[[], str], clock: Callable[[], float]
) -> ChangeRecord | None:
    """Set a damaged journal aside, and begin one that says so; None where it is sound.

    The new one has an inconsistent record, so that nothing is installed before an operator has
    looked. One that is gone or has no entry counts as damaged where installs left their folders, or
    where one was set aside and a crash followed.

    Raises:
        RollbackError: the file cannot be read or moved for another reason.
    """
    found, left = journal.fault(), leftovers(paths)
    aside = sorted(paths.state.glob(f"{paths.journal.name}.damaged-*"))
    if found is None and (not (left or aside) or journal.installs()):
        return None
    now_s = clock()
    if found is None:
        seen = "damaged ones were set aside" if aside else "installs left folders"
        what = f"{paths.journal} has no entry, but {seen}"
    else:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
        what = f"{paths.journal} was damaged ({found}); it is kept as {journal.set_aside(stamp)}"
    names = ", ".join(map(str, left)) or "none"
    record = ChangeRecord(
        id=new_id(),
        subject="",
        seal="",
        fuel_from="",
        fuel_to="",
        state=InstallState.INCONSISTENT,
        started_s=now_s,
        kind=ChangeKind.LOST,
        note=f"{what}. What an install was doing, if one was, is not known."
        f" Folders that installs work in or keep backups in: {names}",
    )
    journal.begin(record)
    return record


def leftovers(paths: Paths) -> tuple[Path, ...]:
    """Return the folders in which installs stage, and keep what they replaced."""
    parents = [p / STAGING for p in (paths.repos, paths.puppet, paths.fuel)]
    found = (
        folder for parent in (*parents, paths.state / "staging") for folder in parent.glob("*")
    )
    return tuple(sorted(found))


def to_repair(journal: Journal, record: ChangeRecord | None) -> ChangeRecord:
    """Return the install to repair: the one that is named, or the last that needs it.

    Raises:
        PreflightError: it needs none, or none does.
    """
    waiting = (*unfinished(journal), *inconsistent(journal))
    if record is not None and record in waiting:
        return record
    if record is None and waiting:
        return waiting[-1]
    what = "nothing is unfinished or inconsistent"
    if record is not None:
        what = f"{record.kind} {record.id} is {record.state.value}: it needs no repair"
    raise PreflightError(what, remedy="see fuel-upgrade history")


def refuse_used(
    record: ChangeRecord, steps: Iterable[StepRecord], clusters: Iterable[Cluster]
) -> None:
    """Refuse to undo an install whose releases are used.

    Raises:
        PreflightError: clusters use a release that undoing would delete.
    """
    created = created_releases(steps)
    used = [c for c in clusters if c.release_id in created]
    if used:
        names = ", ".join(f"{c.name} (id {c.id}, release {c.release_id})" for c in used)
        raise PreflightError(
            f"install {record.id} cannot be undone: clusters use its releases: {names}",
            remedy="remove those clusters, or keep the install",
        )


def refuse_lost(record: ChangeRecord) -> None:
    """Refuse to undo what nobody knows.

    Raises:
        RollbackError: the record stands for a journal that is lost.
    """
    if record.kind is ChangeKind.LOST:
        raise RollbackError(
            f"{record.id}: there is no record of what to undo. {record.note}",
            remedy="compare the repos with their tarballs, or bring the journal back from a backup;"
            f" then run fuel-upgrade repair {record.id} --accept",
            state="inconsistent",
        )
