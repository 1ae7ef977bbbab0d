"""What the steps have in common that make folders for their install alone."""

from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.system.files import discard, remove_empty, remove_together
from fuel_upgrade.upgrade.steps.step import Facts


@dataclass(frozen=True, slots=True)
class Roots:
    """``roots`` are the folders that this install has for itself.

    After the other steps they hold what was live before: they are the backups.
    """

    roots: tuple[Path, ...]

    def inspect(self) -> Facts:
        """Find out which folders will have to be made."""
        made: list[str] = []
        for root in self.roots:
            missing = [p for p in (root, *root.parents) if not p.exists()]
            made.extend(str(p) for p in reversed(missing))
        return {"made": list(dict.fromkeys(made))}

    def discard(self) -> None:
        """Undo it as far as others can see; :meth:`revert` frees the room, which takes longer."""
        discard(self.roots)

    def revert(self, facts: Facts) -> None:
        """Remove the roots, and those folders above them that were made for them.

        After a success this is also how the backups are given up. Those that a crash leaves of
        them must not look whole and lack files: then they could be put back.
        """
        remove_together(self.roots)
        remove_empty([root.parent for root in self.roots])  # the folder of all installs' roots
        remove_empty([Path(made) for made in reversed(facts["made"])])
