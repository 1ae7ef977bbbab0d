"""The step that moves one live tree or file away by one rename."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.system.files import identity, make_folders, remove_empty, rename, sync_folder
from fuel_upgrade.upgrade.steps.step import Step, World


@dataclass(frozen=True, slots=True)
class ParentFolder:
    """A folder above the retired path: its mode, and its owner's user and group id."""

    path: Path
    mode: int
    owner: tuple[int, int]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the mode and the owner of a folder."""
        info = path.stat()
        return cls(path, stat.S_IMODE(info.st_mode), (info.st_uid, info.st_gid))

    def make(self) -> None:
        """Make the folder as it was, unless it exists."""
        if self.path.exists():
            return
        self.path.mkdir()
        os.chown(self.path, *self.owner)
        self.path.chmod(self.mode)
        sync_folder(self.path.parent)


@dataclass(frozen=True, slots=True)
class RetireFacts:
    """``old`` is the identity of the retired path; ``parents`` are ordered from the lowest up."""

    old: tuple[int, ...]
    parents: tuple[ParentFolder, ...]


@dataclass(frozen=True, slots=True)
class Retire(Step[RetireFacts]):
    """Move ``live`` to ``staged``, in a folder of this change alone; there it is the backup.

    The folders above ``live`` and below ``top`` are removed with it if they are empty.
    """

    kind: ClassVar[str] = "retire"
    facts_type: ClassVar[type[Any]] = RetireFacts

    live: Path
    staged: Path
    top: Path

    def inspect(self, world: World) -> RetireFacts:
        """Return the identity of the live path, and the folders above it.

        Raises:
            OutsideError: the path does not exist any more.
        """
        old = identity(self.live)
        if old is None:
            raise OutsideError(
                f"{self.live}: does not exist any more", remedy="make the plan again and review it"
            )
        return RetireFacts(old, tuple(map(ParentFolder.read, self._parents())))

    def apply(self, facts: RetireFacts, world: World) -> RetireFacts:
        """Move it, and remove the empty folders above it."""
        make_folders(self.staged.parent)
        rename(self.live, self.staged)
        remove_empty(self._parents())
        return facts

    def revert(self, facts: RetireFacts, world: World) -> None:
        """Move it back, and make the folders above it as they were.

        Raises:
            OutsideError: it is neither live nor staged, or another file is at its live path.
        """
        is_live = identity(self.live) == facts.old
        if not is_live and identity(self.staged) != facts.old:
            raise OutsideError(
                f"{self.staged}: the backup of {self.live} does not exist any more",
                remedy=f"restore {self.live} from another backup",
            )
        for parent in reversed(facts.parents):
            parent.make()
        if is_live:
            return
        try:
            rename(self.staged, self.live)
        except FileExistsError as error:
            raise OutsideError(
                f"{self.live}: somebody else created it; its backup is at {self.staged}",
                remedy=f"move {self.live} out of the way",
            ) from error

    def _parents(self) -> list[Path]:
        """Return the folders between ``live`` and ``top``, the lowest first."""
        return [parent for parent in self.live.parents if self.top in parent.parents]
