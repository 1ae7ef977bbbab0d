"""An undo ends, whatever somebody removed below staging after the steps were done."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.errors import OutsideError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.system.files import rename
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.system.tree_digest import digest
from fuel_upgrade.upgrade.steps.full_view import BuildView
from fuel_upgrade.upgrade.steps.retire import Retire
from fuel_upgrade.upgrade.steps.stage import Stage
from fuel_upgrade.upgrade.steps.step import Step, World
from tests.builders import Fake, apt_repo, quickly

STAGING = ".fuel-upgrade"
BACKUP = f"{STAGING}/id/5.1/ubuntu"
VIEW = f"{STAGING}/id/view"
#: The paths that the steps make below staging.
REMOVABLE = (
    *(STAGING, f"{STAGING}/id", f"{STAGING}/id/5.1", BACKUP, VIEW),
    *(f"{VIEW}/dists", f"{VIEW}/pool", f"{STAGING}/id/.view.part"),
)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with NailgunClient(NailgunSettings(url="http://127.0.0.1:9")) as control:
        yield World(control, no_progress)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A diff repo and its base."""
    top = tmp_path_factory.mktemp("parts")
    base = apt_repo(top / "base", [Fake("a")], suite="s")
    current = apt_repo(top / "current", [Fake("a"), Fake("b")], suite="s")
    build_diff(base, current, top / "diff")
    return (top / "diff", base)


def carried_out(
    top: Path, world: World, parts: tuple[Path, Path], whole: int, *, is_half: bool
) -> Callable[[], None]:
    """Apply the first steps, and the next in part; return a function that reverts them."""
    live = top / "5.1/ubuntu"
    steps: list[tuple[Step[Any], Callable[[], object]]] = [
        (Stage((top / STAGING / "id",)), (top / STAGING).mkdir),
        (Retire(live, top / BACKUP, top), lambda: _moved(live, top / BACKUP)),
        (BuildView(parts, top / VIEW), (top / STAGING / "id/.view.part").mkdir),
    ]
    done: list[tuple[Step[Any], Any]] = []
    for number, (step, half) in enumerate(steps[: whole + is_half]):
        facts = step.inspect(world)
        done.append((step, facts))
        if number < whole:
            step.apply(facts, world)
        else:
            half()

    def undo() -> None:
        for step, facts in reversed(done):
            step.revert(facts, world)

    return undo


def _moved(live: Path, backup: Path) -> None:
    backup.parent.mkdir()
    rename(live, backup)


@dataclass(frozen=True)
class Amid:
    """The steps that are whole, the paths removed then, and whether the backup was moved back."""

    whole: int
    is_half: bool
    removed: frozenset[str]
    is_restored: bool


@quickly
@given(
    amid=st.builds(
        Amid,
        st.integers(0, 3),
        st.booleans(),
        st.frozensets(st.sampled_from(REMOVABLE)),
        st.booleans(),
    )
)
def test_an_undo_restores_what_is_there_and_reports_only_a_backup_that_is_gone(
    world: World, parts: tuple[Path, Path], amid: Amid
) -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        live, backup = top / "5.1/ubuntu", top / BACKUP
        (live / "pool").mkdir(parents=True)
        (live / "pool/a.deb").write_text("old")
        before = digest(top)
        undo = carried_out(top, world, parts, amid.whole, is_half=amid.is_half)
        if amid.is_restored and backup.exists():
            live.parent.mkdir(exist_ok=True)
            rename(backup, live)
        for path in amid.removed:
            shutil.rmtree(top / path, ignore_errors=True)
        if not live.exists() and not backup.exists():
            with pytest.raises(OutsideError, match="does not exist any more"):
                undo()
            return
        for _ in range(2):  # the second changes nothing
            undo()
            assert digest(top) == before
