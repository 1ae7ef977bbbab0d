import os
from pathlib import Path

from fuel_upgrade.system.disk_space import own_bytes


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 100_000)
    return path


def test_a_file_with_a_link_elsewhere_frees_nothing(tmp_path: Path) -> None:
    alone = own_bytes(write(tmp_path / "one/file").parent)
    os.link(tmp_path / "one/file", tmp_path / "elsewhere")
    assert own_bytes(tmp_path / "one") <= alone - 100_000


def test_a_file_whose_links_all_go_counts_once(tmp_path: Path) -> None:
    alone = own_bytes(write(tmp_path / "one/file").parent)
    (tmp_path / "two").mkdir()
    empty = own_bytes(tmp_path / "two")
    os.link(tmp_path / "one/file", tmp_path / "two/file")
    assert own_bytes(tmp_path / "one", tmp_path / "two") <= alone + max(empty, 4096)
    assert own_bytes(tmp_path / "one", tmp_path / "two") >= 100_000


def test_the_target_of_a_link_stays(tmp_path: Path) -> None:
    write(tmp_path / "one/file")
    (tmp_path / "link").symlink_to("one")
    assert own_bytes(tmp_path / "link") < 100_000
