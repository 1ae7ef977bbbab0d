"""The digest of a tree changes with everything that undo must put back, and with nothing else."""

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fuel_upgrade.system.tree_digest import describe, digest, walk


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "d").mkdir(parents=True)
    (root / "d/f").write_bytes(b"abc")
    (root / "d/same").hardlink_to(root / "d/f")
    (root / "l").symlink_to("d/f")
    return root


def write_same_length(root: Path) -> None:
    info = (root / "d/f").stat()
    (root / "d/f").write_bytes(b"abd")
    os.utime(root / "d/f", ns=(info.st_atime_ns, info.st_mtime_ns))


def relink(root: Path) -> None:
    (root / "l").unlink()
    (root / "l").symlink_to("d")


def link_to_copy(root: Path) -> None:
    (root / "l").unlink()
    (root / "l").write_bytes(b"abc")


def touch(root: Path) -> None:
    os.utime(root / "d/f", ns=(0, 1))


def touch_link(root: Path) -> None:
    os.utime(root / "l", ns=(0, 1), follow_symlinks=False)


def copy_in_place(root: Path) -> None:
    """Make a file of its own of what was a second name of another."""
    info = (root / "d/f").stat()
    (root / "d/same").unlink()
    (root / "d/same").write_bytes(b"abc")
    os.utime(root / "d/same", ns=(info.st_atime_ns, info.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": write_same_length,
    "time": touch,
    "time_of_link": touch_link,
    "second_name": copy_in_place,
    "mode": lambda root: (root / "d/f").chmod(0o600),
    "mode_of_folder": lambda root: (root / "d").chmod(0o700),
    "link_target": relink,
    "kind": link_to_copy,
    "name": lambda root: (root / "d/f").rename(root / "d/g"),
    "more": lambda root: (root / "d/g").touch(),
    "more_folders": lambda root: (root / "e").mkdir(),
    "less": lambda root: (root / "l").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_shows(root: Path, change: Callable[[Path], object]) -> None:
    before = digest(root)
    change(root)
    assert digest(root) != before


def test_an_unchanged_tree_has_the_same_digest(root: Path) -> None:
    assert digest(root) == digest(root)


def test_times_of_folders_do_not_count(root: Path) -> None:
    before = digest(root)
    (root / "d/neighbour").touch()
    (root / "d/neighbour").unlink()
    os.utime(root / "d", ns=(0, time.time_ns() + 10**9))
    assert digest(root) == before


def test_the_path_of_the_tree_does_not_count(root: Path, tmp_path: Path) -> None:
    before = digest(root)
    root.rename(tmp_path / "elsewhere")
    assert digest(tmp_path / "elsewhere") == before


def test_excluded_paths_do_not_count(root: Path) -> None:
    before = digest(root, without={root / "d/f"})
    (root / "d/f").unlink()  # and not in place, for it has another name
    (root / "d/f").write_bytes(b"other")
    assert digest(root, without={root / "d/f"}) == before


def test_owners_count(root: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    before = digest(root)
    os.chown(root / "d/f", 1, 1)
    assert digest(root) != before


def test_extended_attributes_count(root: Path) -> None:
    before = digest(root)
    try:
        os.setxattr(root / "d/f", "user.note", b"1")
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        pytest.skip("this file system has no extended attributes")
    changed = digest(root)
    os.setxattr(root / "d/f", "user.note", b"2")
    assert len({before, changed, digest(root)}) == 3


def test_without_times_a_new_time_does_not_count(root: Path) -> None:
    before = describe(root, times=False)
    touch(root)
    touch_link(root)
    assert describe(root, times=False) == before


def test_links_are_not_followed(root: Path) -> None:
    (root / "up").symlink_to("..")
    assert [str(p.relative_to(root)) for p in walk(root)] == ["d", "d/f", "d/same", "l", "up"]


def test_names_that_are_not_utf8_and_pipes_have_a_digest(root: Path) -> None:
    before = digest(root)
    Path(os.fsdecode(os.fsencode(root) + b"/\xff")).touch()
    os.mkfifo(root / "pipe")
    assert digest(root) != before
