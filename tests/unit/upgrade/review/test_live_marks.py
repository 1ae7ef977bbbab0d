"""A live path is described by its kind, its identity and its content."""

import os
from pathlib import Path

import pytest

from fuel_upgrade.errors import OutsideError
from fuel_upgrade.upgrade.review.read_preconditions import read_live


def test_each_kind_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    kinds = [read_live(tmp_path / name).kind for name in ("none", "file", "link", ".")]
    assert kinds == ["nothing", "file", "link", "folder"]
    assert read_live(tmp_path / "link").content == "file"


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read_live(tmp_path / "pipe").kind == "device"


def test_an_unreadable_path_is_reported(tmp_path: Path) -> None:
    too_long = tmp_path / ("x" * 300)
    with pytest.raises(OutsideError, match=r"xxx: cannot be read: "):
        read_live(too_long)


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/file").write_text("x")
    assert read_live(tmp_path / "a") == read_live(tmp_path / "a")


def test_a_file_made_and_removed_again_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    before = read_live(tmp_path / "a")
    (tmp_path / "a/b/lock").write_text("")
    assert read_live(tmp_path / "a") != before
    (tmp_path / "a/b/lock").unlink()
    assert read_live(tmp_path / "a") == before


def test_a_file_edited_in_place_is_other_content_of_the_same_folder(tmp_path: Path) -> None:
    file = tmp_path / "a/site.pp"
    file.parent.mkdir()
    file.write_text("one")
    os.utime(file, ns=(1, 1))
    before = read_live(tmp_path / "a")
    file.write_text("two")
    after = read_live(tmp_path / "a")
    assert (after.identity, after.content != before.content) == (before.identity, True)


def test_the_same_content_made_anew_is_another_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    before = read_live(file)
    (tmp_path / "new").write_text("x")
    (tmp_path / "new").replace(file)
    after = read_live(file)
    assert (after.content, after.identity != before.identity) == (before.content, True)
