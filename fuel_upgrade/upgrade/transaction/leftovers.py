"""Releases that Nailgun registered late, after the change that posted them was undone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.release.model import RegisteredRelease
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState, StepRecord, StepState
from fuel_upgrade.upgrade.steps.register import Register, RegisterFacts
from fuel_upgrade.upgrade.steps.release_body import Key, key_of, registered_key
from fuel_upgrade.upgrade.transaction import recovery
from fuel_upgrade.upgrade.transaction.journal import Journal

_UNDONE = (InstallState.ROLLED_BACK, InstallState.UNDONE)


@dataclass(frozen=True, slots=True)
class _Post:
    """A step that posted a release and was undone; ``number`` is the step's."""

    record: ChangeRecord
    number: int
    step: Register


@dataclass(frozen=True, slots=True)
class Leftover:
    """A registered release, and the step ``number`` of the undone change that posted it."""

    release: RegisteredRelease
    change: ChangeRecord
    number: int

    @property
    def note(self) -> str:
        """The finding in words."""
        return (
            f"release {self.release.name} ({self.release.version}), id {self.release.id}, was"
            f" registered by a request of {self.change.kind} {self.change.id} after its undo"
        )


def find_leftovers(journal: Journal, releases: Iterable[RegisteredRelease]) -> tuple[Leftover, ...]:
    """Return the registered releases that the last change of their name posted and undid."""
    posts = _undone_posts(journal)
    return tuple(
        Leftover(release, post.record, post.number)
        for release in releases
        if (post := posts.get(registered_key(release))) and post.step.is_source_of(release)
    )


def _undone_posts(journal: Journal) -> dict[Key, _Post]:
    posts: dict[Key, _Post] = {}
    for record, steps in journal.changes():
        for post in _posts(record, steps):
            key = key_of(post.step.body)
            posts.pop(key, None)
            if record.state in _UNDONE and post.step.adopt is None:
                posts[key] = post
    return posts


def _posts(record: ChangeRecord, steps: Iterable[StepRecord]) -> Iterator[_Post]:
    for entry in steps:
        if entry.kind == Register.kind and entry.state is not StepState.PLANNED:
            yield _Post(record, entry.number, Register.from_json(entry.params))


def to_repair(journal: Journal, control: ControlPlane, record: ChangeRecord | None) -> ChangeRecord:
    """Return the change to repair: ``record``, or by default the last unsettled one.

    An undone change with leftovers becomes inconsistent: its undo deletes them.

    Raises:
        PreflightError: it needs no repair, or no change does.
    """
    is_settled = record is None or record.state in _UNDONE
    if not is_settled or (record is None and recovery.unsettled(journal)):
        return recovery.to_repair(journal, record)
    leftovers = find_leftovers(journal, control.releases())
    last = record or (leftovers[-1].change if leftovers else None)
    own = [leftover for leftover in leftovers if last and leftover.change.id == last.id]
    if not own or last is None:
        return recovery.to_repair(journal, record)
    for leftover in own:
        facts = Register.facts_to_json(RegisterFacts(leftover.release.id))
        journal.intend(last.id, leftover.number, facts)
    journal.note(last.id, "; ".join(leftover.note for leftover in own))
    journal.mark(last.id, InstallState.INCONSISTENT)
    return replace(last, state=InstallState.INCONSISTENT)
