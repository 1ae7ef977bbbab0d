"""The common part of the steps that make folders for one change alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from fuel_upgrade.system.files import discard, remove_empty, remove_together
from fuel_upgrade.upgrade.steps.step import Step, World


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """``made`` lists the folders that the step has to make, parents first."""

    made: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class StagingFolders(Step[FolderFacts]):
    """``roots`` are the folders that belong to this change alone.

    After the other steps they hold the previous live content: they are the backups.
    """

    facts_type: ClassVar[type[Any]] = FolderFacts
    before_live: ClassVar[bool] = True
    owns_backups: ClassVar[bool] = True
    kept_while_stuck: ClassVar[bool] = True

    roots: tuple[Path, ...]

    @property
    def backup_folders(self) -> tuple[Path, ...]:
        """The roots."""
        return self.roots

    def inspect(self, world: World) -> FolderFacts:
        """Return the folders that do not exist yet."""
        missing = (
            path
            for root in self.roots
            for path in reversed((root, *root.parents))
            if not path.exists()
        )
        return FolderFacts(tuple(dict.fromkeys(missing)))

    def discard(self, facts: FolderFacts, world: World) -> None:
        """Rename the roots out of sight; :meth:`revert` removes them, which takes longer.

        Nothing is left to remove if somebody removed the roots.
        """
        discard(self.roots)
        remove_empty(reversed(facts.made))

    def revert(self, facts: FolderFacts, world: World) -> None:
        """Remove the roots, and the empty folders above them that were made for them.

        A successful change deletes its backups in this way too. Roots that a crash leaves must
        not look complete while files are missing: an undo would put them back.
        """
        remove_together(self.roots)
        remove_empty([root.parent for root in self.roots])  # the folder of all changes' roots
        remove_empty(reversed(facts.made))
