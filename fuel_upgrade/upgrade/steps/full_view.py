"""The step that builds the full view of a release from the repos that are live by then."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fuel_upgrade.errors import BundleError, OutsideError
from fuel_upgrade.system.files import remove_tree
from fuel_upgrade.upgrade.steps.step import Facts, World

FOLDER = "full-view"
"""Where views lie below the folder of repos: no release's repo has as many folders above it."""


@dataclass(frozen=True, slots=True)
class BuildView:
    """Build the full view of ``roots``, newest first, at ``staged``.

    ``staged`` lies in a folder that the install has for itself; a switch brings the view to its
    place. Packages are hard-linked, so only the indexes take room. With ``squash`` it is a repo
    to take the place of the newest: each package is read and checked.
    """

    roots: tuple[Path, ...]
    staged: Path
    world: World
    squash: bool = False

    @classmethod
    def from_params(cls, params: Facts, world: World) -> Self:
        """Build the step from what the plan, or the journal, says."""
        roots = tuple(Path(root) for root in params["parts"])
        return cls(roots, Path(params["staged"]), world, params.get("squash", False))

    def inspect(self) -> Facts:
        """Note nothing: what this step makes has a place of its own."""
        return {}

    def apply(self, facts: Facts) -> Facts:
        """Build the view, durable on return.

        Raises:
            OutsideError: a package of the release is in none of the repos, or a repo is damaged:
                a repo of this master, for the tarball was verified whole.
        """
        # Loaded when it is asked for: a master without views needs no library of yum metadata.
        from fuel_upgrade.repo.fullview.squash import squash, succeeding  # noqa: PLC0415
        from fuel_upgrade.repo.fullview.view import build_view  # noqa: PLC0415

        try:
            if self.squash:
                options = succeeding(self.roots[0])
                squash(self.roots, self.staged, options, progress=self.world.progress)
            else:
                build_view(self.roots, self.staged, progress=self.world.progress)
        except BundleError as error:
            raise OutsideError(error.what, remedy=error.remedy) from error
        return facts

    def revert(self, facts: Facts) -> None:
        """Remove what was built, whole or in part; the install's own folder goes later."""
        del facts
        remove_tree(self.staged)
        for part in self.staged.parent.glob(f".{self.staged.name}.*"):
            remove_tree(part)  # building writes beside its place, and a kill leaves that


def params(roots: Sequence[Path], staged: Path, *, squash: bool = False) -> dict[str, object]:
    """Return the step's parameters as the plan holds them."""
    return {"parts": [str(root) for root in roots], "staged": str(staged), "squash": squash}
