"""The publication of venvs, killed between any two changes of the disk."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.system.files import rename
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.upgrade.steps.step import World
from fuel_upgrade.venv import repo_store
from tests.fake_venvs import reader_view
from tests.venv_steps import CASES, Case, tree

# Each is tried where there is the time for it.
_STRIDE = 1 if os.environ.get("CRASH_ROUNDS") else 6
_CHANGES = ("link", "symlink", "rename", "unlink", "mkdir", "rmdir")


class Killed(BaseException):
    """Ends a step as a kill does."""


class Kills:
    """Kills before the change of the disk with a number: patched in, as no test can time that."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.left = -1
        for name in _CHANGES:
            patch.setattr(os, name, self._counted(getattr(os, name)))
        patch.setattr(repo_store, "rename", self._counted(rename))

    def _counted(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **options: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise Killed
            return change(*args, **options)

        return counted

    def at(self, number: int, work: Callable[[], object]) -> bool:
        """Run ``work`` with a kill at its change of this number; return whether it came."""
        self.left = number
        try:
            work()
        except Killed:
            return True
        finally:
            self.left = -1
        return False


@pytest.fixture
def kills() -> Iterator[Kills]:
    with pytest.MonkeyPatch.context() as patch:
        yield Kills(patch)


@pytest.fixture
def world() -> World:
    return World(None, no_progress)  # type: ignore[arg-type] # the step asks no Nailgun


@pytest.mark.parametrize("case", CASES)
def test_a_kill_at_any_change_is_undone_whole_and_no_reader_sees_a_mixture(
    tmp_path: Path, kills: Kills, world: World, case: Case
) -> None:
    step = case(tmp_path, world)
    before, old = tree(step), reader_view(step.root)
    facts = step.inspect(world)
    step.apply(facts, world)
    new = reader_view(step.root)
    step.revert(facts, world)
    number = 1
    while kills.at(number, lambda: step.apply(facts, world)):
        assert reader_view(step.root) in (old, new), f"killed at change {number}"
        kills.at(number // 2 + 1, lambda: step.revert(facts, world))
        assert reader_view(step.root) in (old, new), f"undo killed after change {number}"
        step.revert(facts, world)
        assert tree(step) == before, f"killed at change {number}"
        number += _STRIDE
    kill_undo = 1
    while kills.at(kill_undo, lambda: step.revert(facts, world)):
        assert reader_view(step.root) in (old, new), f"undo killed at change {kill_undo}"
        step.revert(facts, world)
        assert tree(step) == before
        step.apply(facts, world)
        kill_undo += _STRIDE
    assert min(number, kill_undo) > 10
