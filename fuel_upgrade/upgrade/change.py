"""A change of a master without a tarball: its steps, and its record in the journal."""

from dataclasses import dataclass

from fuel_upgrade.upgrade.plan.plan import PlannedStep
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState, RecordKind


@dataclass(frozen=True, slots=True)
class Change:
    """A change with the id ``install``; ``kind`` is ``gc`` or ``squash``.

    ``what`` describes it in the history, in place of the tarball of an install.
    """

    install: str
    kind: RecordKind
    what: str
    fuel_version: str
    steps: tuple[PlannedStep, ...]

    def record(self, started_s: float) -> ChangeRecord:
        """Return the record with which the journal begins the change."""
        return ChangeRecord(
            id=self.install,
            subject=self.what,
            seal="",
            fuel_from=self.fuel_version,
            fuel_to=self.fuel_version,
            state=InstallState.RUNNING,
            started_s=started_s,
            kind=self.kind,
        )
