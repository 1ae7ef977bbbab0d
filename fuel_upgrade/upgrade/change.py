"""A change to a master that brings no tarball: its steps, and its record in the journal."""

from dataclasses import dataclass

from fuel_upgrade.upgrade.plan.plan import PlannedStep
from fuel_upgrade.upgrade.records import InstallRecord, InstallState

GC = "gc"
SQUASH = "squash"


@dataclass(frozen=True, slots=True)
class Change:
    """What the engine carries out under the id ``install``; ``kind`` is ``gc`` or ``squash``.

    ``what`` is the line that stands in the history where an install has its tarball.
    """

    install: str
    kind: str
    what: str
    fuel_version: str
    steps: tuple[PlannedStep, ...]

    @property
    def fuel_from(self) -> str:
        """The Fuel version before."""
        return self.fuel_version

    @property
    def fuel_to(self) -> str:
        """The Fuel version afterwards: the same."""
        return self.fuel_version

    def record(self, started_s: float) -> InstallRecord:
        """Return the record to begin with in the journal."""
        return InstallRecord(
            id=self.install,
            tarball=self.what,
            seal="",
            fuel_from=self.fuel_version,
            fuel_to=self.fuel_version,
            state=InstallState.RUNNING,
            started_s=started_s,
            kind=self.kind,
        )
