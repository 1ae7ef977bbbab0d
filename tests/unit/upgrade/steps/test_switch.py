"""One switch in each state that a crash can leave it in."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.upgrade.steps.step import World
from fuel_upgrade.upgrade.steps.switch import Switch


@pytest.fixture
def switch(tmp_path: Path) -> Switch:
    staged = tmp_path / "staging/new"
    staged.mkdir(parents=True)
    (staged / "content").write_text("new")
    return Switch(staged, tmp_path / "deep/live")


def make_live(switch: Switch) -> None:
    switch.live.mkdir(parents=True)
    (switch.live / "content").write_text("old")


def test_into_an_empty_place_and_back(switch: Switch, tmp_path: Path, world: World) -> None:
    facts = switch.inspect(world)
    switch.apply(facts, world)
    assert (switch.live / "content").read_text() == "new"
    switch.revert(facts, world)
    assert not (tmp_path / "deep").exists()
    assert (switch.staged / "content").read_text() == "new"


def test_the_previous_content_is_the_backup(switch: Switch, world: World) -> None:
    make_live(switch)
    facts = switch.inspect(world)
    switch.apply(facts, world)
    assert (switch.staged / "content").read_text() == "old"
    switch.revert(facts, world)
    assert (switch.live / "content").read_text() == "old"


@pytest.mark.parametrize("existed", [True, False])
def test_second_revert_changes_nothing(switch: Switch, world: World, *, existed: bool) -> None:
    if existed:
        make_live(switch)
    facts = switch.inspect(world)
    switch.apply(facts, world)
    switch.revert(facts, world)
    switch.revert(facts, world)
    assert switch.live.exists() is existed
    assert (switch.staged / "content").read_text() == "new"


@pytest.mark.parametrize("existed", [True, False])
def test_reverting_a_step_that_was_not_applied_changes_nothing(
    switch: Switch, world: World, *, existed: bool
) -> None:
    if existed:
        make_live(switch)
    facts = switch.inspect(world)
    switch.revert(facts, world)
    assert switch.live.exists() is existed
    assert (switch.staged / "content").read_text() == "new"


def test_a_link_is_switched_and_not_its_target(tmp_path: Path, world: World) -> None:
    staged, live = tmp_path / "staged", tmp_path / "version.yaml"
    staged.symlink_to("6.0/version.yaml")
    live.symlink_to("5.1/version.yaml")
    switch = Switch(staged, live)
    facts = switch.inspect(world)
    switch.apply(facts, world)
    assert str(live.readlink()) == "6.0/version.yaml"
    switch.revert(facts, world)
    assert str(live.readlink()) == "5.1/version.yaml"


def test_a_neighbour_made_later_keeps_the_parents(switch: Switch, world: World) -> None:
    facts = switch.inspect(world)
    switch.apply(facts, world)
    (switch.live.parent / "neighbour").touch()
    switch.revert(facts, world)
    assert (switch.live.parent / "neighbour").exists()


def test_content_of_somebody_else_is_kept(switch: Switch, world: World) -> None:
    make_live(switch)
    facts = switch.inspect(world)
    switch.apply(facts, world)
    moved = switch.live.rename(switch.live.with_name("aside"))
    switch.live.mkdir()
    with pytest.raises(OutsideError, match="holds neither the content of this install"):
        switch.revert(facts, world)
    assert moved.exists()
    assert (switch.staged / "content").read_text() == "old"


@pytest.mark.parametrize("existed", [True, False])
def test_a_second_revert_needs_nothing_staged(
    switch: Switch, world: World, *, existed: bool
) -> None:
    """The first revert may have no journal record because the disk was full."""
    if existed:
        make_live(switch)
    facts = switch.inspect(world)
    switch.apply(facts, world)
    switch.revert(facts, world)
    shutil.rmtree(switch.staged)
    switch.revert(facts, world)
    assert switch.live.exists() is existed


def test_facts_of_older_journals_lack_the_identity_of_the_previous_content(
    switch: Switch, world: World
) -> None:
    make_live(switch)
    journal = dict(Switch.facts_to_json(switch.inspect(world)))
    del journal["old"]
    facts = Switch.facts_from_json(journal)
    shutil.rmtree(switch.staged)
    with pytest.raises(OutsideError, match="holds neither"):
        switch.revert(facts, world)


def test_nothing_staged_is_noticed_before_the_switch(switch: Switch, world: World) -> None:
    shutil.rmtree(switch.staged.parent)
    with pytest.raises(OutsideError, match="does not exist any more"):
        switch.inspect(world)


@pytest.mark.parametrize("existed", [True, False])
def test_an_older_journal_may_say_that_nothing_was_staged(
    switch: Switch, world: World, *, existed: bool
) -> None:
    if existed:
        make_live(switch)
    facts = replace(switch.inspect(world), new=None)
    shutil.rmtree(switch.staged.parent)
    switch.revert(facts, world)
    assert switch.live.exists() is existed


@pytest.mark.parametrize("existed", [True, False])
@pytest.mark.parametrize("applied", [True, False])
def test_an_undo_needs_no_staging_but_for_a_backup(
    switch: Switch, world: World, *, existed: bool, applied: bool
) -> None:
    if existed:
        make_live(switch)
    facts = switch.inspect(world)
    if applied:
        switch.apply(facts, world)
    shutil.rmtree(switch.staged.parent)
    if existed and applied:
        with pytest.raises(OutsideError, match="the backup of"):
            switch.revert(facts, world)
        return
    for _ in range(2):
        switch.revert(facts, world)
        assert switch.live.exists() is existed
