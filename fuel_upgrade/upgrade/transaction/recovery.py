"""Changes that did not end: recovery after a crash, and repair of inconsistent ones."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from fuel_upgrade.config import Paths
from fuel_upgrade.errors import PreflightError, RollbackError, StepError
from fuel_upgrade.nailgun.control_plane import Cluster
from fuel_upgrade.upgrade.records import (
    ChangeRecord,
    InstallState,
    RecordKind,
    StepRecord,
    StepState,
)
from fuel_upgrade.upgrade.steps import created_releases, read_step, type_of
from fuel_upgrade.upgrade.transaction.journal import Journal
from fuel_upgrade.upgrade.transaction.retention import staging_parents, undoable

# The states of a change that a crash interrupted, each with the state of its undo.
UNFINISHED = {
    InstallState.RUNNING: InstallState.ROLLING_BACK,
    InstallState.ROLLING_BACK: InstallState.ROLLING_BACK,
    InstallState.UNDOING: InstallState.UNDOING,
}


def unfinished(journal: Journal) -> tuple[ChangeRecord, ...]:
    """Return the changes that a crash interrupted, or whose undo has not succeeded yet."""
    return tuple(r for r in journal.installs() if r.state in UNFINISHED)


def inconsistent(journal: Journal) -> tuple[ChangeRecord, ...]:
    """Return the inconsistent changes, oldest first."""
    return tuple(r for r in journal.installs() if r.state is InstallState.INCONSISTENT)


def unsettled(journal: Journal) -> tuple[ChangeRecord, ...]:
    """Return the changes that are unfinished or inconsistent."""
    return (*unfinished(journal), *inconsistent(journal))


def refuse_unless_settled(journal: Journal) -> None:
    """Refuse a new change while another one is unsettled.

    Raises:
        PreflightError: a change is unfinished or inconsistent.
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
    """Record an error for an interrupted change: a record without one counts as a success."""
    if UNFINISHED.get(record.state) is not InstallState.ROLLING_BACK or record.error is not None:
        return
    error = StepError(
        f"{record.kind} {record.id} was cut off: its process was killed, or the power failed",
        remedy="install again when it suits",
        state=f"rolled back to Fuel {record.fuel_from}",
    )
    journal.mark(record.id, record.state, error=error.to_json())


def mark_inconsistent(journal: Journal, record: ChangeRecord, attempts: int, now_s: float) -> None:
    """Mark a change inconsistent after its last recovery has failed."""
    note_cut_off(journal, record)
    stuck = [f"step {s.number}, {s.title}: {s.error}" for s in journal.steps(record.id) if s.error]
    reasons = "; ".join(stuck) or "each of them was cut off"
    note = f"{attempts} recoveries did not come to an end: {reasons}"
    error = record.error
    if error is None and UNFINISHED[record.state] is InstallState.ROLLING_BACK:
        # a change with an error has failed: a repair rolls it back
        remedy = f"remove the cause, then run fuel-upgrade repair {record.id}"
        error = RollbackError(note, remedy=remedy, state="inconsistent").to_json()
    journal.note(record.id, note)
    journal.mark(record.id, InstallState.INCONSISTENT, ended_s=now_s, error=error)


def state_to_undo(record: ChangeRecord) -> InstallState:
    """Return the state of the undo: UNDOING after a success, ROLLING_BACK after a failure."""
    if record.state in UNFINISHED:
        return UNFINISHED[record.state]
    return InstallState.UNDOING if record.error is None else InstallState.ROLLING_BACK


def keep_damaged(
    journal: Journal, paths: Paths, *, new_id: Callable[[], str], clock: Callable[[], float]
) -> ChangeRecord | None:
    """Rename a damaged journal and begin a new one; return its first record, None if sound.

    The first record is inconsistent, so that nothing is installed before an operator acts. A
    missing or empty journal counts as damaged if there are folders of installs, or if a damaged
    journal was renamed and a crash followed.

    Raises:
        RollbackError: the file cannot be read or moved for another reason.
    """
    fault, folders = journal.fault(), leftovers(paths)
    aside = sorted(paths.state.glob(f"{paths.journal.name}.damaged-*"))
    if fault is None and (not (folders or aside) or journal.installs()):
        return None
    now_s = clock()
    if fault is None:
        reason = "damaged ones were set aside" if aside else "installs left folders"
        cause = f"{paths.journal} has no entry, but {reason}"
    else:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
        cause = f"{paths.journal} was damaged ({fault}); it is kept as {journal.set_aside(stamp)}"
    names = ", ".join(map(str, folders)) or "none"
    record = ChangeRecord(
        id=new_id(),
        subject="",
        seal="",
        fuel_from="",
        fuel_to="",
        state=InstallState.INCONSISTENT,
        started_s=now_s,
        kind=RecordKind.LOST,
        note=f"{cause}. It is not known whether an install was under way."
        f" Folders in which installs work or keep backups: {names}",
    )
    journal.begin(record)
    return record


def leftovers(paths: Paths) -> tuple[Path, ...]:
    """Return the existing folders in which changes stage files and keep backups."""
    folders = (folder for parent in staging_parents(paths) for folder in parent.glob("*"))
    return tuple(sorted(folders))


def may_be_unanswered(steps: Iterable[StepRecord]) -> bool:
    """Return whether an earlier process may have sent a change to Nailgun without a response."""
    interrupted = (s for s in steps if s.state in (StepState.INTENDED, StepState.STUCK))
    return any(
        read_step(record).may_be_unanswered(type_of(record).facts_from_json(record.facts))
        for record in interrupted
        if type_of(record).changes_nailgun
    )


def to_undo(journal: Journal) -> ChangeRecord:
    """Return the last inconsistent change, or else the last successful one with its backups.

    Raises:
        PreflightError: there is none; RollbackError: as :func:`refuse_lost`.
    """
    stuck = inconsistent(journal)
    record = stuck[-1] if stuck else undoable(journal)
    if record is None:
        raise PreflightError(
            "there is no install to undo: none succeeded, or its backups are not kept",
            remedy="see fuel-upgrade history",
        )
    refuse_lost(record)
    return record


def to_repair(journal: Journal, record: ChangeRecord | None) -> ChangeRecord:
    """Return the change to repair: ``record``, or by default the last unsettled one.

    Raises:
        PreflightError: it needs no repair, or no change does.
    """
    waiting = unsettled(journal)
    if record is not None and record in waiting:
        return record
    if record is None and waiting:
        return waiting[-1]
    reason = "nothing is unfinished or inconsistent"
    if record is not None:
        reason = f"{record.kind} {record.id} is {record.state.value}: it needs no repair"
    raise PreflightError(reason, remedy="see fuel-upgrade history")


def refuse_used(
    record: ChangeRecord, steps: Iterable[StepRecord], clusters: Iterable[Cluster]
) -> None:
    """Refuse to undo an install while clusters use its releases.

    Raises:
        PreflightError: a cluster uses a release that the undo would delete.
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
    """Refuse to undo a change without a record of its steps.

    Raises:
        RollbackError: the record is that of a lost journal.
    """
    if record.kind is RecordKind.LOST:
        raise RollbackError(
            f"{record.id}: no record of its steps exists. {record.note}",
            remedy="compare the repos with their tarballs, or restore the journal from a backup;"
            f" then run fuel-upgrade repair {record.id} --accept",
            state="inconsistent",
        )
