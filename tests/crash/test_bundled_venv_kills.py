"""The publication of venvs, killed at each step, and between any two changes of the disk."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.config import Recovery
from fuel_upgrade.system.files import rename
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.steps.step import World
from fuel_upgrade.venv import repo_store
from tests.fake_venvs import reader_view
from tests.master import ScratchMaster, planned, scratch_master
from tests.venv_steps import CASES, Case, tree
from tests.venv_tarballs import VenvTarballs, venv_tarballs

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


@pytest.fixture(scope="module")
def tarballs(tmp_path_factory: pytest.TempPathFactory) -> VenvTarballs:
    return venv_tarballs(tmp_path_factory.mktemp("tarballs"))


@pytest.fixture
def master(tmp_path: Path, tarballs: VenvTarballs) -> Iterator[ScratchMaster]:
    """A master with the venvs of 5.1."""
    with scratch_master(tmp_path / "master") as made:
        made.install(tarballs.old)
        made.engine().release_backups()
        yield made


def test_a_kill_at_each_step_of_an_install_or_its_undo_ends_in_before(
    master: ScratchMaster, tarballs: VenvTarballs
) -> None:
    before = master.state()
    steps = planned(master.engine().plan(tarballs.new))["steps"]
    assert "venvs" in [step["kind"] for step in steps]
    for number, step in enumerate(steps, 1):
        forward = [f"{number}:before=kill", f"{number}:after=kill"]
        back = [f"{number}:after=error,{number}:undo-{at}=kill" for at in ("before", "after")]
        points = [*forward, *back]
        for point in points if step["kind"] == "venvs" else [points[number % len(points)]]:
            master.killed(lambda e: e.install(tarballs.new, install=new_id()), point)
            master.engine().recover(Recovery.ROLLBACK)
            assert master.state() == before, f"{step['title']}: {point}"


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_publication_that_was_killed_is_resumed(
    master: ScratchMaster, tarballs: VenvTarballs, point: str
) -> None:
    root = master.config.paths.venvs
    number = _publication(master, tarballs)
    master.killed(lambda e: e.install(tarballs.new, install=new_id()), f"{number}:{point}=kill")
    master.engine().recover(Recovery.RESUME)
    (archive,) = root.glob("venvs/1/debian-12-x86_64/api-1.tgz")
    assert archive.read_text() == "api two"
    master.engine().rollback()
    assert archive.read_text() == "api one"


def _publication(master: ScratchMaster, tarballs: VenvTarballs) -> int:
    steps = planned(master.engine().plan(tarballs.new))["steps"]
    (number,) = [step["number"] for step in steps if step["kind"] == "venvs"]
    return int(number)
