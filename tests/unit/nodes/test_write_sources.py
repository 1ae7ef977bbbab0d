"""Writing node sources below a root."""

from pathlib import Path

import pytest

from fuel_upgrade.errors import PreflightError
from fuel_upgrade.nodes.write_sources import write_tree


def test_files_are_written_below_the_root_with_their_folders(tmp_path: Path) -> None:
    paths = write_tree({"etc/apt/a.list": "deb é\n", "b": ""}, tmp_path / "root")
    assert paths == (tmp_path / "root/etc/apt/a.list", tmp_path / "root/b")
    assert paths[0].read_bytes() == "deb é\n".encode()
    assert paths[0].stat().st_mode & 0o777 == 0o644
    assert sorted(p.name for p in paths[0].parent.iterdir()) == ["a.list"]


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    write_tree({"a": "long old text"}, tmp_path)
    write_tree({"a": "new"}, tmp_path)
    assert (tmp_path / "a").read_text() == "new"


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "etc/../../up", "", "."])
def test_a_path_that_leaves_the_root_writes_nothing(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    with pytest.raises(ValueError, match="not a path below a root"):
        write_tree({"fine": "text", path: "text"}, root)
    assert not root.exists()


def test_a_link_out_of_the_root_writes_nothing(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "etc").symlink_to(outside)
    with pytest.raises(PreflightError, match="lies outside") as caught:
        write_tree({"fine": "text", "etc/apt/a.list": "text"}, root)
    assert "remove the link" in caught.value.remedy
    assert list(outside.iterdir()) == []
    assert not (root / "fine").exists()


def test_a_link_within_the_root_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "etc").symlink_to("real")
    write_tree({"etc/a": "text"}, tmp_path)
    assert (tmp_path / "real/a").read_text() == "text"


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "etc").write_text("")
    with pytest.raises(PreflightError, match=r"/etc.*: \S"):
        write_tree({"etc/apt/a.list": "text"}, tmp_path)
