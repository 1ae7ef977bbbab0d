"""The step that takes one live tree or file away, in one move."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.system.files import identity, make_folders, remove_empty, rename, sync_folder
from fuel_upgrade.upgrade.steps.step import Facts, World


@dataclass(frozen=True, slots=True)
class Retire:
    """Move ``live`` to ``staged``, which lies in a folder that this change has for itself.

    There it is the backup. The folders above ``live`` and below ``top`` go with it where they
    hold nothing else.
    """

    live: Path
    staged: Path
    top: Path

    @classmethod
    def from_params(cls, params: Facts, _world: World) -> Self:
        """Build the step from what the plan, or the journal, says."""
        return cls(Path(params["live"]), Path(params["staged"]), Path(params["top"]))

    def inspect(self) -> Facts:
        """Note what is to go (by a name that moving keeps), and the folders above it.

        Raises:
            OutsideError: it is not there any more.
        """
        old = identity(self.live)
        if old is None:
            raise OutsideError(
                f"{self.live}: is not there any more", remedy="make the plan again, and look at it"
            )
        return {"old": old, "parents": [_describe(parent) for parent in self._parents()]}

    def apply(self, facts: Facts) -> Facts:
        """Move it, and remove what is empty above it."""
        make_folders(self.staged.parent)
        rename(self.live, self.staged)
        remove_empty(self._parents())
        return facts

    def revert(self, facts: Facts) -> None:
        """Move it back, and make the folders above it again as they were.

        Raises:
            OutsideError: it is neither live nor staged, or something else is in its place.
        """
        is_live = identity(self.live) == facts["old"]
        if not is_live and identity(self.staged) != facts["old"]:
            raise OutsideError(
                f"{self.staged}: what was retired from {self.live} is not there any more",
                remedy=f"bring {self.live} back from elsewhere",
            )
        for parent in reversed(facts["parents"]):
            _make(parent)
        if is_live:
            return
        try:
            rename(self.staged, self.live)
        except FileExistsError as error:
            raise OutsideError(
                f"{self.live}: somebody put something there; what was there is at {self.staged}",
                remedy=f"move {self.live} out of the way",
            ) from error

    def _parents(self) -> list[Path]:
        """Return the folders between ``live`` and ``top``, the lowest first."""
        return [parent for parent in self.live.parents if self.top in parent.parents]


def _describe(folder: Path) -> dict[str, Any]:
    info = folder.stat()
    mode = stat.S_IMODE(info.st_mode)
    return {"path": str(folder), "mode": mode, "owner": [info.st_uid, info.st_gid]}


def _make(described: dict[str, Any]) -> None:
    folder = Path(described["path"])
    if folder.exists():
        return
    folder.mkdir()
    os.chown(folder, *described["owner"])
    folder.chmod(described["mode"])
    sync_folder(folder.parent)


def params(live: Path, staged: Path, top: Path) -> dict[str, str]:
    """Return the step's parameters as the plan holds them."""
    return {"live": str(live), "staged": str(staged), "top": str(top)}
