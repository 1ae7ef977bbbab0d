"""The step that builds the full view of a release from repos that are live by then."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from fuel_upgrade.errors import BundleError, OutsideError
from fuel_upgrade.system.files import remove_tree
from fuel_upgrade.upgrade.steps.step import NoFacts, Step, World

FOLDER = "full-view"
"""The folder of views below the folder of repos. No repo of a release has as short a path."""


@dataclass(frozen=True, slots=True)
class BuildView(Step[NoFacts]):
    """Merge the repos ``parts``, newest first, into a full view at ``staged``.

    ``staged`` is in a folder that belongs to this change; a switch makes the view live. Packages
    are hard links, so only the indexes need disk space. With ``squash`` the view replaces the
    newest repo: each package is read and checked.
    """

    kind: ClassVar[str] = "view"
    kept_while_stuck: ClassVar[bool] = True

    parts: tuple[Path, ...]
    staged: Path
    squash: bool = False

    def inspect(self, world: World) -> NoFacts:
        """Return no facts: the view has a path of its own."""
        return NoFacts()

    def apply(self, facts: NoFacts, world: World) -> NoFacts:
        """Build the view, durable on return.

        Raises:
            OutsideError: a package of the release is in none of the repos, or a repo is damaged:
                a repo of this master, for the tarball was verified whole.
        """
        # Imported late: a master without views needs no library of yum metadata.
        from fuel_upgrade.repo.fullview.squash import squash, succeeding  # noqa: PLC0415
        from fuel_upgrade.repo.fullview.view import build_view  # noqa: PLC0415

        try:
            if self.squash:
                options = succeeding(self.parts[0])
                squash(self.parts, self.staged, options, progress=world.progress)
            else:
                build_view(self.parts, self.staged, progress=world.progress)
        except BundleError as error:
            raise OutsideError(error.what, remedy=error.remedy) from error
        return facts

    def revert(self, facts: NoFacts, world: World) -> None:
        """Remove the view, complete or partial; another step removes the change's folder."""
        remove_tree(self.staged)
        for part in self.staged.parent.glob(f".{self.staged.name}.*"):
            remove_tree(part)  # the builder works beside its destination, and may be killed there
