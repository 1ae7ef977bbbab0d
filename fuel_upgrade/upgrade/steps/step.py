"""What a step is: one reversible change, with three verbs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.system.progress import Progress

Facts = Mapping[str, Any]
"""What undo needs; it goes through the journal, so only what JSON can hold."""


@dataclass(frozen=True, slots=True)
class World:
    """What steps act on besides the paths in their parameters."""

    control: ControlPlane
    progress: Progress


class Step(Protocol):
    """One reversible change.

    ``apply`` and ``revert`` may meet any state that a crash left: ``revert`` copes with a step
    applied in part, undoes only what this step made, and a second revert changes nothing.
    """

    def inspect(self) -> Facts:
        """Read all that undo will need, before anything is changed."""
        ...

    def apply(self, facts: Facts) -> Facts:
        """Make the change; return what else is known of it now."""
        ...

    def revert(self, facts: Facts) -> None:
        """Undo the change, whole or half done."""
        ...
