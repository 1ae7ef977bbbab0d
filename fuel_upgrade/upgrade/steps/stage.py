"""The step that makes the backup folders of a change without a tarball."""

from dataclasses import dataclass
from typing import ClassVar

from fuel_upgrade.system.files import make_folders
from fuel_upgrade.upgrade.steps.staging_folders import FolderFacts, StagingFolders
from fuel_upgrade.upgrade.steps.step import World


@dataclass(frozen=True, slots=True)
class Stage(StagingFolders):
    """Make ``roots``, each on the file system of the content that the change replaces."""

    kind: ClassVar[str] = "stage"

    def apply(self, facts: FolderFacts, world: World) -> FolderFacts:
        """Make the folders."""
        for root in self.roots:
            make_folders(root)
        return facts
