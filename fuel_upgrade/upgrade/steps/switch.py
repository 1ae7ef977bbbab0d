"""The step that moves one staged tree, file or link to its live path by one rename."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.system.files import (
    exchange,
    identity,
    make_folders,
    remove_empty,
    rename,
    sync_folder,
)
from fuel_upgrade.upgrade.steps.step import Step, World


@dataclass(frozen=True, slots=True)
class SwitchFacts:
    """The identities of the new and the previous content; ``parents`` are folders to make.

    ``old`` is None if ``live`` did not exist. Journals of older versions never have it.
    """

    new: tuple[int, ...] | None
    existed: bool
    parents: tuple[Path, ...]
    old: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Switch(Step[SwitchFacts]):
    """Exchange ``staged`` with ``live``, or rename it to ``live`` if that does not exist.

    Afterwards the previous content is at ``staged``: it is the backup. A reader of ``live`` sees
    the old content or the new, never a mixture and never a missing path.
    """

    kind: ClassVar[str] = "switch"
    facts_type: ClassVar[type[Any]] = SwitchFacts

    staged: Path
    live: Path

    def inspect(self, world: World) -> SwitchFacts:
        """Return the identities of the staged and of the live content.

        Raises:
            OutsideError: somebody removed the staged content.
        """
        new = identity(self.staged)
        if new is None:
            raise OutsideError(
                f"{self.staged}: does not exist any more", remedy="start the install again"
            )
        parents = [path for path in self.live.parents if not path.exists()]
        return SwitchFacts(
            new=new,
            existed=os.path.lexists(self.live),
            parents=tuple(reversed(parents)),
            old=identity(self.live),
        )

    def apply(self, facts: SwitchFacts, world: World) -> SwitchFacts:
        """Switch."""
        if facts.existed:
            exchange(self.staged, self.live)
        else:
            make_folders(self.live.parent)
            rename(self.staged, self.live)
        return facts

    def revert(self, facts: SwitchFacts, world: World) -> None:
        """Switch back if the live content is that of this step.

        The previous tree may already be live and the new one gone if a crash hit after the undo
        but before its journal record. A journal of an older version may have no new content: then
        nothing was staged, and nothing was switched.

        Raises:
            OutsideError: the content of this step is neither live nor staged, or the previous
                content was removed. Only an operator can decide which content to restore.
        """
        if facts.new is not None and identity(self.live) == facts.new:
            self._switch_back(facts)
        elif identity(self.staged) == facts.new:
            # Never switched, or switched back by a process that was killed before the sync.
            for folder in {self.staged.parent, self.live.parent}:
                if folder.exists():
                    sync_folder(folder)
        elif not self._is_as_before(facts):
            raise OutsideError(
                f"{self.live}: holds neither the content of this install nor the previous one,"
                f" which is kept at {self.staged}",
                remedy=f"compare {self.live} with {self.staged}, and restore the right one",
            )
        remove_empty(reversed(facts.parents))

    def _switch_back(self, facts: SwitchFacts) -> None:
        if not facts.existed:
            make_folders(self.staged.parent)  # somebody may have removed all that was staged
            rename(self.live, self.staged)
        elif os.path.lexists(self.staged):
            exchange(self.live, self.staged)
        else:
            raise OutsideError(
                f"{self.staged}: the backup of {self.live} does not exist any more",
                remedy=f"restore {self.live} from another backup",
            )

    def _is_as_before(self, facts: SwitchFacts) -> bool:
        """Return whether an earlier undo restored the live path and the staged tree is gone.

        A journal whose disk was full has no record of that undo.
        """
        if facts.existed and facts.old is None:  # the journal of an older version
            return False
        return identity(self.live) == facts.old
