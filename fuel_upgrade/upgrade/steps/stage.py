"""The step that makes the folders in which a change without a tarball keeps what it replaces."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fuel_upgrade.system.files import make_folders
from fuel_upgrade.upgrade.steps.staging_folders import Roots
from fuel_upgrade.upgrade.steps.step import Facts, World


@dataclass(frozen=True, slots=True)
class Stage(Roots):
    """Make ``roots``, each beside what the change is going to replace."""

    @classmethod
    def from_params(cls, params: Facts, _world: World) -> Self:
        """Build the step from what the plan, or the journal, says."""
        return cls(tuple(Path(root) for root in params["roots"]))

    def apply(self, facts: Facts) -> Facts:
        """Make them."""
        for root in self.roots:
            make_folders(root)
        return facts


def params(roots: Iterable[Path]) -> dict[str, list[str]]:
    """Return the step's parameters as the plan holds them."""
    return {"roots": [str(root) for root in roots]}
