"""One publication of venvs, and its undo."""

from pathlib import Path

import pytest

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.upgrade.steps.publish_venvs import PublishVenvs
from fuel_upgrade.upgrade.steps.step import World
from fuel_upgrade.venv.repo_store import RepoStore
from tests.fake_venvs import publish_venvs, reader_view
from tests.venv_steps import CASES, NEW, Case, another_tag, first, same_tag, stage, tree, venvs

each_case = pytest.mark.parametrize("case", CASES)


@each_case
def test_an_undo_restores_every_file_and_the_second_one_changes_nothing(
    case: Case, tmp_path: Path, world: World
) -> None:
    step = case(tmp_path, world)
    before = tree(step)
    facts = step.apply(step.inspect(world), world)
    assert tree(step) != before
    for _ in range(2):
        step.revert(facts, world)
        assert tree(step) == before


@each_case
def test_the_undo_of_a_step_that_was_not_applied_changes_nothing(
    case: Case, tmp_path: Path, world: World
) -> None:
    step = case(tmp_path, world)
    before = tree(step)
    step.revert(step.inspect(world), world)
    assert tree(step) == before


@each_case
def test_the_facts_survive_the_journal(case: Case, tmp_path: Path, world: World) -> None:
    step = case(tmp_path, world)
    facts = step.inspect(world)
    assert step.facts_from_json(step.facts_to_json(facts)) == facts


def test_a_venv_of_another_publication_outlives_the_undo(tmp_path: Path, world: World) -> None:
    step = another_tag(tmp_path, world)
    facts = step.apply(step.inspect(world), world)
    publish_venvs(step.root, "2", {"api": "built here"})
    publish_venvs(step.root, "3", {"api": "also built here"})
    step.revert(facts, world)
    assert venvs(step) == {"api 1": (), "api 2": (), "api 3": ()}


def test_an_archive_that_is_equal_is_linked_and_not_written(tmp_path: Path, world: World) -> None:
    publish_venvs(tmp_path / "venvs", "2", {"web": "web 2"})
    before = next((tmp_path / "venvs").glob("venvs/2/*/web-2-*.tgz"))
    step = first(tmp_path, world)
    inode = before.stat().st_ino
    step.apply(step.inspect(world), world)
    assert before.stat().st_ino == inode
    assert venvs(step) == {"api 2": (NEW,), "web 2": (NEW,)}


def test_the_folder_may_be_below_a_link(tmp_path: Path, world: World) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    step = another_tag(tmp_path / "link", world)
    before = tree(step)
    facts = step.apply(step.inspect(world), world)
    step.revert(facts, world)
    assert tree(step) == before


def test_a_replaced_archive_is_the_backup(tmp_path: Path, world: World) -> None:
    step = same_tag(tmp_path, world)
    old = {path.name for path in (step.root / ".blobs").iterdir()}
    step.apply(step.inspect(world), world)
    (gone,) = old - {path.name for path in (step.root / ".blobs").iterdir()}
    assert (step.staged / "replaced/.blobs" / gone).read_text() == "api 1"


def test_a_venv_stays_until_the_last_of_its_releases_is_retired(
    tmp_path: Path, world: World
) -> None:
    step = first(tmp_path, world)
    step.apply(step.inspect(world), world)
    later = PublishVenvs(step.root, step.staged.with_name("cd34"), added=("2014.2-6.1",))
    stage(later, "2014.2-6.1", "2", {"web": "web 2"})
    later.apply(later.inspect(world), world)
    assert venvs(step) == {"api 2": (NEW,), "web 2": (NEW, "2014.2-6.1")}

    gc = PublishVenvs(step.root, step.staged.with_name("ef56"), retired=(NEW,))
    gc.apply(gc.inspect(world), world)
    assert venvs(step) == {"web 2": ("2014.2-6.1",)}


def test_the_files_of_a_host_do_not_change_with_the_releases(tmp_path: Path, world: World) -> None:
    """Else each host would ask for the venv again."""
    step = first(tmp_path, world)
    step.apply(step.inspect(world), world)
    before = reader_view(step.root)
    again = PublishVenvs(step.root, step.staged.with_name("cd34"), added=("2014.2-6.1",))
    stage(again, "2014.2-6.1", "2", {"api": "api 2", "web": "web 2"})
    again.apply(again.inspect(world), world)
    changed = {path for path, text in reader_view(step.root).items() if before[path] != text}
    assert changed == {"venvs/index.json"}


def test_old_tags_of_builds_go_and_those_of_releases_stay(tmp_path: Path, world: World) -> None:
    step = another_tag(tmp_path, world)
    step.apply(step.inspect(world), world)
    publish_venvs(step.root, "3", {"api": "api 3"})
    tags, _ = RepoStore(step.root).collect(1, dry_run=False)
    assert tags == ("1",)
    assert {"api 2", "api 3"} <= venvs(step).keys()


def test_a_build_into_the_same_folder_is_not_interrupted(tmp_path: Path, world: World) -> None:
    step = another_tag(tmp_path, world)
    facts = step.inspect(world)
    with RepoStore(step.root).locked(), pytest.raises(PreflightError, match="builds here"):
        step.apply(facts, world)
    assert venvs(step) == {"api 1": ()}
