"""One retired folder in each state that a crash can leave it in."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.system.files import rename
from fuel_upgrade.system.tree_digest import digest
from fuel_upgrade.upgrade.steps.retire import Retire, RetireFacts
from fuel_upgrade.upgrade.steps.step import World


@pytest.fixture
def retire(tmp_path: Path) -> Retire:
    top = tmp_path / "repos"
    live = top / "5.1/ubuntu/x86_64"
    live.mkdir(parents=True)
    (top / "5.1").chmod(0o750)
    (live / "content").write_text("old")
    return Retire(live, top / ".fuel-upgrade/id/5.1/ubuntu/x86_64", top)


def moved_only(retire: Retire, _facts: RetireFacts, _world: World) -> None:
    retire.staged.parent.mkdir(parents=True)
    rename(retire.live, retire.staged)


@pytest.mark.parametrize(
    "reach",
    [lambda _retire, _facts, _world: None, moved_only, Retire.apply],
    ids=["not", "half", "whole"],
)
def test_undo_restores_the_folder_from_every_state(
    retire: Retire, reach: Callable[[Retire, RetireFacts, World], object], world: World
) -> None:
    own = [retire.top / ".fuel-upgrade"]
    before = digest(retire.top, without=own)
    facts = retire.inspect(world)
    reach(retire, facts, world)
    for _ in range(2):  # the second changes nothing
        retire.revert(facts, world)
        assert digest(retire.top, without=own) == before


def test_empty_folders_above_go_as_well(retire: Retire, world: World) -> None:
    retire.apply(retire.inspect(world), world)
    assert [p.name for p in retire.top.iterdir()] == [".fuel-upgrade"]
    assert (retire.staged / "content").read_text() == "old"


def test_a_neighbour_keeps_the_folders_above(retire: Retire, world: World) -> None:
    neighbour = retire.top / "5.1/centos"
    neighbour.mkdir()
    retire.apply(retire.inspect(world), world)
    assert [p.name for p in (retire.top / "5.1").iterdir()] == ["centos"]


def test_a_missing_folder_cannot_be_retired(retire: Retire, world: World) -> None:
    (retire.live / "content").unlink()
    retire.live.rmdir()
    with pytest.raises(OutsideError, match="does not exist any more"):
        retire.inspect(world)


def test_a_missing_backup_is_reported(retire: Retire, world: World) -> None:
    facts = retire.inspect(world)
    retire.apply(facts, world)
    (retire.staged / "content").unlink()
    retire.staged.rmdir()
    with pytest.raises(OutsideError, match="does not exist any more"):
        retire.revert(facts, world)


def test_a_new_folder_at_the_live_path_is_kept(retire: Retire, world: World) -> None:
    facts = retire.inspect(world)
    retire.apply(facts, world)
    retire.live.mkdir(parents=True)
    (retire.live / "mine").touch()
    with pytest.raises(OutsideError, match="somebody else created it"):
        retire.revert(facts, world)
    assert (retire.live / "mine").exists()
    assert (retire.staged / "content").exists()
