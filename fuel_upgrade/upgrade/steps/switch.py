"""The step that puts one staged tree, file or link into its live place, in one move."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.system.files import (
    exchange,
    identity,
    make_folders,
    remove_empty,
    rename,
    sync_folder,
)
from fuel_upgrade.upgrade.steps.step import Facts, World


@dataclass(frozen=True, slots=True)
class Switch:
    """Swap ``staged`` with what is at ``live``, or move it there where nothing is.

    What was live lies at ``staged`` afterwards: that is the backup. A reader of ``live`` sees
    the old content or the new one, never a mixture and never nothing in between.
    """

    staged: Path
    live: Path

    @classmethod
    def from_params(cls, params: Facts, _world: World) -> Self:
        """Build the step from what the plan, or the journal, says."""
        return cls(Path(params["staged"]), Path(params["live"]))

    def inspect(self) -> Facts:
        """Note what is new (by a name that moving keeps) and what there was before."""
        parents = [p for p in self.live.parents if not p.exists()]
        return {
            "new": identity(self.staged),
            "existed": os.path.lexists(self.live),
            "old": identity(self.live),
            "parents": [str(p) for p in reversed(parents)],
        }

    def apply(self, facts: Facts) -> Facts:
        """Switch."""
        if facts["existed"]:
            exchange(self.staged, self.live)
        else:
            make_folders(self.live.parent)
            rename(self.staged, self.live)
        return facts

    def revert(self, facts: Facts) -> None:
        """Switch back, if what is live is what this step put there.

        What was there before may be live already, and what is new be gone: an undo of which the
        journal could not tell.

        Raises:
            OutsideError: what this step put there is neither live nor staged: somebody else
                replaced it, and what to put back is not for a program to say.
        """
        live = identity(self.live)
        if live == facts["new"]:
            if facts["existed"]:
                exchange(self.live, self.staged)
            else:
                rename(self.live, self.staged)
        elif identity(self.staged) == facts["new"]:
            # Never switched, or switched back by somebody who was killed before it was durable.
            for folder in {self.staged.parent, self.live.parent}:
                if folder.exists():
                    sync_folder(folder)
        elif not self._is_as_before(facts):
            raise OutsideError(
                f"{self.live}: is neither what this install put there nor what was there before;"
                f" that is kept at {self.staged}",
                remedy=f"compare {self.live} with {self.staged}, and put back what is right",
            )
        remove_empty(Path(p) for p in reversed(facts["parents"]))

    def _is_as_before(self, facts: Facts) -> bool:
        """Tell whether this was undone before, and what was staged is gone since.

        A journal whose disk was full does not know of the first undo.
        """
        is_known = "old" in facts or not facts["existed"]  # journals of older versions lack it
        return is_known and identity(self.live) == facts.get("old")


def params(staged: Path, live: Path) -> dict[str, str]:
    """Return the step's parameters as the plan holds them."""
    return {"staged": str(staged), "live": str(live)}
