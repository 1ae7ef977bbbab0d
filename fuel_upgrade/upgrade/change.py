"""A change to a master that brings no tarball: its steps, and its record in the journal."""

from dataclasses import dataclass
from typing import Any

from fuel_upgrade.upgrade.plan.plan import PlannedStep
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState, RecordKind


@dataclass(frozen=True, slots=True)
class Change:
    """A gc or a squash, which the engine carries out under the id ``install``.

    ``what`` is the line that stands in the history where an install has its tarball.
    """

    install: str
    kind: RecordKind
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

    def to_json(self) -> dict[str, Any]:
        """Return the form that the API gives."""
        return {
            "kind": self.kind.value,
            "what": self.what,
            "steps": [
                {"number": number, "kind": s.kind, "title": s.title, "undo": s.undo}
                for number, s in enumerate(self.steps, 1)
            ],
        }

    def record(self, started_s: float) -> ChangeRecord:
        """Return the record to begin with in the journal."""
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
