"""Our writer, our reader and GNU tar understand each other."""

import io
import os
import re
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.errors import BundleError
from fuel_upgrade.system import process
from fuel_upgrade.system.archive import ArchiveReader, Kind, path_fault
from fuel_upgrade.system.archive_writer import ArchiveWriter
from fuel_upgrade.system.compression import open_stream
from fuel_upgrade.system.extraction import extract
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.system.tree_digest import walk
from tests.builders import quickly, read_archive
from tests.tools import needs

LONG = "d/" + "/".join(["long" * 12] * 5) + "/" + "n" * 200
needs_tar = needs("tar")


def written(files: dict[str, bytes], links: dict[str, str] | None = None, mtime: int = 0) -> bytes:
    stream = io.BytesIO()
    writer = ArchiveWriter(stream, mtime=mtime)
    for path, data in files.items():
        writer.add_bytes(path, data, mode=0o755 if path.endswith("run") else 0o644)
    for path, target in (links or {}).items():
        writer.add_link(path, target)
    writer.finish()
    return stream.getvalue()


FILES = {"a": b"content", "d/run": b"#!/bin/sh\n", "d/empty": b"", LONG: b"x" * 513, "ä€": b"u"}
LINKS = {"d/link": "../a", "long": LONG}


def test_a_written_archive_can_be_read() -> None:
    actual = read_archive(written(FILES, LINKS))
    assert {path: m.data for path, m in actual.items() if m.kind is Kind.FILE} == FILES
    assert {path: m.target for path, m in actual.items() if m.kind is Kind.LINK} == LINKS
    assert [path for path, m in actual.items() if m.mode == 0o755] == ["d/run"]


names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=150)
safe_names = names.filter(lambda name: name not in (".", "..") and not path_fault(name))


@quickly
@given(st.dictionaries(safe_names, st.binary(max_size=600), max_size=4))
def test_any_names_and_contents_are_read_as_written(files: dict[str, bytes]) -> None:
    assert {path: m.data for path, m in read_archive(written(files)).items()} == files


def test_the_bytes_depend_on_names_modes_and_contents_only() -> None:
    assert written(FILES, LINKS) == written(dict(FILES), dict(LINKS))
    with tarfile.open(fileobj=io.BytesIO(written(FILES))) as archive:
        facts = {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in archive}
    assert facts == {(0, 0, 0, "root", "root")}


def test_the_time_of_all_members_is_the_writers() -> None:
    with tarfile.open(fileobj=io.BytesIO(written(FILES, mtime=1_416_000_000))) as archive:
        assert {m.mtime for m in archive} == {1_416_000_000}


def test_a_file_from_disk_is_added_with_its_checksum(tmp_path: Path) -> None:
    source = tmp_path / "f"
    source.write_bytes(b"abc")
    stream = io.BytesIO()
    writer = ArchiveWriter(stream)
    assert writer.add_file("f", str(source), size_bytes=3, mode=0o755) == hash_file(source)
    writer.finish()
    member = read_archive(stream.getvalue())["f"]
    assert (member.data, member.mode) == (b"abc", 0o755)


@pytest.mark.parametrize("size", [2, 4])
def test_a_file_that_changed_its_size_is_refused(tmp_path: Path, size: int) -> None:
    source = tmp_path / "f"
    source.write_bytes(b"abc")
    with pytest.raises(BundleError, match=f"3 bytes, expected {size}"):
        ArchiveWriter(io.BytesIO()).add_file("f", str(source), size_bytes=size)


def test_extracting_sets_one_of_two_modes_whatever_the_umask(tmp_path: Path) -> None:
    data = b"".join(
        header_with_mode(name, mode) for name, mode in (("s", 0o4700), ("g", 0o666), ("r", 0o400))
    )
    before = os.umask(0o077)
    try:
        extract(ArchiveReader(io.BytesIO(data + bytes(1024)), name="t"), tmp_path)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o7777 for path in tmp_path.iterdir()}
    assert modes == {"s": 0o755, "g": 0o644, "r": 0o644}


def header_with_mode(name: str, mode: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.mode = mode
    return info.tobuf(tarfile.USTAR_FORMAT)


def test_extracting_over_a_file_fails_and_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        extract(ArchiveReader(io.BytesIO(written({"a": b"theirs"})), name="t"), tmp_path)
    assert (tmp_path / "a").read_bytes() == b"mine"


@needs_tar
def test_gnu_tar_reads_what_we_write(tmp_path: Path) -> None:
    (tmp_path / "our.tar").write_bytes(written(FILES, LINKS))
    (tmp_path / "out").mkdir()
    argv = ["tar", "-xf", str(tmp_path / "our.tar"), "-C", str(tmp_path / "out")]
    assert process.run(argv, timeout_s=30) == ""
    for path, content in FILES.items():
        assert (tmp_path / "out" / path).read_bytes() == content
    for path, target in LINKS.items():
        assert str((tmp_path / "out" / path).readlink()) == target


@needs_tar
def test_gnu_tar_sees_a_size_beyond_8_gib(tmp_path: Path) -> None:
    stream = io.BytesIO()
    writer = ArchiveWriter(stream)
    writer._header("big", tarfile.REGTYPE, 9 << 30, 0o644)
    (tmp_path / "t.tar").write_bytes(stream.getvalue())
    script = f"tar -tvf {tmp_path}/t.tar 2>/dev/null || true"
    assert re.search(rf" {9 << 30} .* big$", process.run(["sh", "-c", script], timeout_s=30), re.M)


def make_tree(root: Path) -> None:
    for path, content in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    for path, target in LINKS.items():
        (root / path).symlink_to(target)
    (root / "hard").hardlink_to(root / "a")
    (root / "void").mkdir()


def describe(root: Path) -> dict[str, object]:
    def one(path: Path) -> object:
        if path.is_symlink():
            return path.readlink()
        return path.read_bytes() if path.is_file() else None

    return {str(path.relative_to(root)): one(path) for path in walk(root)}


@needs_tar
@pytest.mark.parametrize("form", ["gnu", "pax", "oldgnu", "posix"])
@pytest.mark.parametrize("packing", ["--no-auto-compress", "--gzip", "--xz", "--zstd"])
def test_an_archive_of_gnu_tar_can_be_read(tmp_path: Path, form: str, packing: str) -> None:
    (tmp_path / "tree").mkdir()
    make_tree(tmp_path / "tree")
    archive = tmp_path / "t.tar"
    argv = ["tar", f"--format={form}", packing, "-cf", str(archive), "-C", str(tmp_path / "tree")]
    process.run([*argv, "."], timeout_s=30)
    (tmp_path / "out").mkdir()
    with open_stream(archive) as stream:
        extract(ArchiveReader(stream, name="t"), tmp_path / "out")
    assert describe(tmp_path / "out") == describe(tmp_path / "tree")


@needs_tar
def test_a_sparse_file_of_gnu_tar_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(1 << 20)
    for form in ("gnu", "pax"):
        argv = ["tar", "--sparse", f"--format={form}", "-cf", str(tmp_path / "t.tar")]
        process.run([*argv, "-C", str(tmp_path), "holes"], timeout_s=30)
        with pytest.raises(BundleError):
            read_archive((tmp_path / "t.tar").read_bytes())
