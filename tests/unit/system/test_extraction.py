"""Members are written below their folder and nowhere else, with few open folders."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from fuel_upgrade.system.archive import ArchiveReader
from fuel_upgrade.system.extraction import extract
from tests.builders import END, file_member, header, reader


def opened_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - Path has no cheaper way


def test_a_link_that_lies_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "into").mkdir()
    (tmp_path / "into/d").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="d"):
        extract(reader(file_member("d/a", b"x") + END), tmp_path / "into")
    assert list((tmp_path / "outside").iterdir()) == []


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(FileExistsError):
        extract(reader(file_member("a", b"theirs") + END), tmp_path)
    assert (tmp_path / "a").read_text() == "mine"


def test_deep_and_wide_trees_need_few_descriptors(tmp_path: Path) -> None:
    paths = ["/".join(["d"] * 60) + "/a", *(f"w{n}/a" for n in range(100)), "d/b", "w7/b"]
    data = b"".join(file_member(path, path.encode()) for path in paths) + END
    opened: list[int] = []
    before = opened_descriptors()
    archive = ArchiveReader(
        io.BytesIO(data), name="t", on_data=lambda _: opened.append(opened_descriptors())
    )
    extract(archive, tmp_path)
    assert all((tmp_path / path).read_text() == path for path in paths)
    assert opened_descriptors() <= before
    assert max(opened) < before + 40


def test_a_hard_link_is_made_within_the_descriptors_of_its_folders(tmp_path: Path) -> None:
    into = tmp_path / "into"
    into.mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/f").write_text("outside")
    data = file_member("d/f", b"inside") + header("h", tarfile.LNKTYPE, target="d/f") + END

    def swap(_: int) -> None:
        if (into / "d/f").exists() and not (tmp_path / "aside").exists():
            (into / "d").rename(tmp_path / "aside")
            (into / "d").symlink_to(tmp_path / "outside")

    extract(ArchiveReader(io.BytesIO(data), name="t", on_data=swap), into)
    assert (into / "h").read_text() == "inside"
