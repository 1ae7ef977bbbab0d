"""The step that puts one staged tree, file or link into its live place, in one move."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fuel_upgrade.system.files import exchange, make_folders, remove_empty, rename
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
        """Note what is new (by inode: moving keeps it) and what there was before."""
        parents = [p for p in self.live.parents if not p.exists()]
        return {
            "new": _identity(self.staged),
            "existed": os.path.lexists(self.live),
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
        """Switch back, if what is live is what this step put there."""
        if os.path.lexists(self.live) and _identity(self.live) == facts["new"]:
            if facts["existed"]:
                exchange(self.live, self.staged)
            else:
                rename(self.live, self.staged)
        remove_empty(Path(p) for p in reversed(facts["parents"]))


def _identity(path: Path) -> list[int]:
    info = path.lstat()
    return [info.st_dev, info.st_ino]


def params(staged: Path, live: Path) -> dict[str, str]:
    """Return the step's parameters as the plan holds them."""
    return {"staged": str(staged), "live": str(live)}
