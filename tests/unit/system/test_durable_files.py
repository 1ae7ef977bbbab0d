"""Durable file operations on a real file system."""

import errno
import os
from pathlib import Path

import pytest

from fuel_upgrade.system import files
from fuel_upgrade.system.files import (
    copy_hashed,
    exchange,
    hash_file,
    is_being_written,
    link_file,
    make_folders,
    remove_empty,
    remove_together,
    remove_tree,
    rename,
    sync_filesystem,
    sync_folder,
    write_file,
)

SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666, 0o755])
def test_a_written_file_has_its_mode_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o077)
    try:
        write_file(tmp_path / "f", b"abc", mode=mode)
    finally:
        os.umask(before)
    assert (tmp_path / "f").stat().st_mode & 0o777 == mode
    assert (tmp_path / "f").read_bytes() == b"abc"


def test_a_file_is_replaced_and_never_written_in_place(tmp_path: Path) -> None:
    write_file(tmp_path / "f", b"old")
    with (tmp_path / "f").open("rb") as reader:
        write_file(tmp_path / "f", b"new")
        assert reader.read() == b"old"
    assert (tmp_path / "f").read_bytes() == b"new"
    assert names(tmp_path) == ["f"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(tmp_path / "f", b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "fsync", full)  # a full disk is not to be had in tmp_path
    with pytest.raises(OSError, match="no room"):
        write_file(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert names(tmp_path) == ["f"]


def test_a_temporary_file_that_a_crash_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / f".f.{os.getpid()}.new").write_bytes(b"a longer text than the new one")
    write_file(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"new"
    assert names(tmp_path) == ["f"]


def test_rename_moves(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "a").write_bytes(b"a")
    rename(tmp_path / "a", tmp_path / "d/b")
    assert (tmp_path / "d/b").read_bytes() == b"a"
    assert names(tmp_path) == ["d"]


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_rename_refuses_a_target_that_exists(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "target"
    if kind == "file":
        target.write_bytes(b"mine")
    elif kind == "folder":
        target.mkdir()
    else:
        target.symlink_to("nowhere")
    (tmp_path / "source").mkdir()
    with pytest.raises(FileExistsError):
        rename(tmp_path / "source", target)
    assert names(tmp_path) == ["source", "target"]


def test_rename_of_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        rename(tmp_path / "a", tmp_path / "b")


def test_exchange_swaps_a_folder_and_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/x").touch()
    (tmp_path / "link").symlink_to("elsewhere")
    exchange(tmp_path / "folder", tmp_path / "link")
    assert (tmp_path / "folder").is_symlink()
    assert names(tmp_path / "link") == ["x"]


def test_exchange_needs_both(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "a", tmp_path / "b")
    assert names(tmp_path) == ["a"]


def test_make_folders_returns_created_folders_topmost_first(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    made = make_folders(tmp_path / "a/b/c")
    assert made == (tmp_path / "a/b", tmp_path / "a/b/c")
    assert make_folders(tmp_path / "a/b/c") == ()


def test_remove_empty_undoes_make_folders_and_keeps_used_ones(tmp_path: Path) -> None:
    made = make_folders(tmp_path / "a/b/c")
    (tmp_path / "a/mine").touch()
    remove_empty(reversed(made))
    assert names(tmp_path / "a") == ["mine"]
    remove_empty(reversed(made))
    assert names(tmp_path / "a") == ["mine"]


def test_remove_empty_tells_of_anything_else(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        remove_empty([tmp_path / "file"])


def test_remove_tree_removes_a_link_and_not_its_target(tmp_path: Path) -> None:
    (tmp_path / "kept/x").mkdir(parents=True)
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/link").symlink_to("../kept")
    (tmp_path / "file").touch()
    for name in ("link", "folder", "file", "nothing"):
        remove_tree(tmp_path / name)
    assert names(tmp_path) == ["kept"]
    assert names(tmp_path / "kept") == ["x"]


def test_a_checksum_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert hash_file(tmp_path / "f") == SHA256_OF_ABC
    assert hash_file(tmp_path / "f", "md5") == "900150983cd24fb0d6963f7d28e17f72"


def test_a_copy_is_hashed_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert copy_hashed(tmp_path / "f", tmp_path / "g", "sha256") == SHA256_OF_ABC
    assert (tmp_path / "g").read_bytes() == b"abc"
    with pytest.raises(FileExistsError):
        copy_hashed(tmp_path / "f", tmp_path / "g", "sha256")


def test_a_linked_file_is_the_same_file_even_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    (tmp_path / "l").symlink_to("f")
    for name, source in (("1", "f"), ("2", "l")):
        assert link_file(tmp_path / source, tmp_path / name)
        assert not (tmp_path / name).is_symlink()
        assert (tmp_path / name).stat().st_ino == (tmp_path / "f").stat().st_ino


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP])
def test_link_file_returns_false_without_support(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(_source: Path, _target: Path) -> None:
        raise OSError(code, "cannot")

    monkeypatch.setattr(os, "link", refuse)  # needs another file system otherwise
    assert not link_file(tmp_path / "f", tmp_path / "g")


def test_other_failures_of_linking_are_raised(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        link_file(tmp_path / "f", tmp_path / "g")
    (tmp_path / "f").touch()
    with pytest.raises(FileExistsError):
        link_file(tmp_path / "f", tmp_path / "f")


def test_syncing_a_missing_path_is_an_error(tmp_path: Path) -> None:
    sync_folder(tmp_path)
    sync_filesystem(tmp_path)
    for sync in (sync_folder, sync_filesystem):
        with pytest.raises(FileNotFoundError):
            sync(tmp_path / "nothing")


def test_a_failing_sync_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def syncfs(self, _descriptor: int) -> int:
            return -1

    monkeypatch.setattr(files, "_LIBC", Broken())  # a failing disk is not to be had in tmp_path
    with pytest.raises(OSError, match=str(tmp_path)):
        sync_filesystem(tmp_path)


def test_removing_together_also_removes_leftovers_of_a_crash(tmp_path: Path) -> None:
    trees = [tmp_path / "one", tmp_path / "never", tmp_path / "two"]
    (tmp_path / "one/in").mkdir(parents=True)
    (tmp_path / "discarded-two").mkdir()
    remove_together(trees)
    assert names(tmp_path) == []
    remove_together(trees)


def test_a_file_is_being_written_as_long_as_a_program_has_it_open_for_that(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with path.open("rb") as file:
        with path.open("ab"):
            assert is_being_written(file.fileno())
        assert not is_being_written(file.fileno())
        with path.open("rb"):
            assert not is_being_written(file.fileno())
