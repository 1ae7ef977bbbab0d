"""The step that makes the folders in which a change without a tarball keeps what it replaces."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fuel_upgrade.system.files import discard, make_folders, remove_empty, remove_together
from fuel_upgrade.upgrade.steps.step import Facts, World


@dataclass(frozen=True, slots=True)
class Stage:
    """Make ``roots``: folders that this change has for itself, each beside what it changes."""

    roots: tuple[Path, ...]

    @classmethod
    def from_params(cls, params: Facts, _world: World) -> Self:
        """Build the step from what the plan, or the journal, says."""
        return cls(tuple(Path(root) for root in params["roots"]))

    def inspect(self) -> Facts:
        """Find out which folders will have to be made."""
        made: list[str] = []
        for root in self.roots:
            missing = [p for p in (root, *root.parents) if not p.exists()]
            made.extend(str(p) for p in reversed(missing))
        return {"made": list(dict.fromkeys(made))}

    def apply(self, facts: Facts) -> Facts:
        """Make them."""
        for root in self.roots:
            make_folders(root)
        return facts

    def discard(self) -> None:
        """Undo it as far as others can see; :meth:`revert` frees the room, which takes longer."""
        discard(self.roots)

    def revert(self, facts: Facts) -> None:
        """Remove the roots, and those folders above them that were made for them.

        After a success this is also how the backups are given up.
        """
        remove_together(self.roots)
        remove_empty([root.parent for root in self.roots])  # the folder of all changes' roots
        remove_empty([Path(made) for made in reversed(facts["made"])])


def params(roots: Iterable[Path]) -> dict[str, list[str]]:
    """Return the step's parameters as the plan holds them."""
    return {"roots": [str(root) for root in roots]}
