"""The forms of an index: every one is read and written, and one that is listed is checked."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.index_files import (
    FASTEST_FIRST,
    SMALLEST_FIRST,
    present_forms,
    write_forms,
)
from fuel_upgrade.repo.apt.repo import read_apt
from fuel_upgrade.repo.apt.stanza import FileSums
from fuel_upgrade.repo.apt.write_indexes import write_apt_indexes
from tests.builders import Fake, apt_repo, write

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    ".bz2": bz2.compress,
    ".zst": zstandard.compress,
}
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
    ".lzma": lzma.decompress,
    ".bz2": bz2.decompress,
    ".zst": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}
INDEX = "dists/precise/main/binary-amd64"
each_form = pytest.mark.parametrize("suffix", PACK)


def packed(root: Path, suffix: str, *, keep: bool = False) -> Path:
    """Make a repo whose index is there in this form, not in Release, and in no other or all."""
    apt_repo(root, [Fake("a"), Fake("b")], release=False)
    plain = (root / INDEX / "Packages").read_bytes()
    if not keep:
        for path in (root / INDEX).iterdir():
            path.unlink()
    write(root / INDEX / f"Packages{suffix}", PACK[suffix](plain))
    return root


def test_a_zstd_index_may_have_several_frames(tmp_path: Path) -> None:
    path = packed(tmp_path, ".zst") / INDEX / "Packages.zst"
    text = zstandard.ZstdDecompressor().decompress(path.read_bytes())
    path.write_bytes(zstandard.compress(text[:50]) + zstandard.compress(text[50:]))
    assert [p.name for p in read_apt(tmp_path).packages] == ["a", "b"]


def test_the_two_orders_name_the_same_forms() -> None:
    assert sorted(FASTEST_FIRST) == sorted(SMALLEST_FIRST) == sorted(PACK)


@each_form
def test_an_index_is_read_in_any_form(tmp_path: Path, suffix: str) -> None:
    assert [p.name for p in read_apt(packed(tmp_path, suffix)).packages] == ["a", "b"]


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".lzma", ".bz2", ".zst"])
def test_a_cut_index_is_refused(tmp_path: Path, suffix: str) -> None:
    path = packed(tmp_path, suffix) / INDEX / f"Packages{suffix}"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BundleError, match="damaged or cut short"):
        read_apt(tmp_path)


@each_form
def test_an_empty_index_may_have_any_form(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / INDEX / f"Packages{suffix}", PACK[suffix](b""))
    assert read_apt(tmp_path).packages == ()


@each_form
def test_the_forms_of_the_current_repo_are_written_too(tmp_path: Path, suffix: str) -> None:
    repo = read_apt(packed(tmp_path / "a", suffix, keep=True))
    write_apt_indexes(repo, repo.entries(), tmp_path / "b", label="x")
    suffixes = {p.suffix for p in (tmp_path / "b" / INDEX).iterdir()}
    assert suffixes == {"", ".gz", suffix}


def test_every_form_says_the_same_and_is_summed(tmp_path: Path) -> None:
    texts = [b"x" * 50_000, b"y" * 50_000, b"z"]
    sums = write_forms(tmp_path, "main/Packages", iter(texts), FASTEST_FIRST)
    assert set(present_forms(tmp_path, "main/Packages")) == set(FASTEST_FIRST)
    for suffix in FASTEST_FIRST:
        data = (tmp_path / f"main/Packages{suffix}").read_bytes()
        assert UNPACK[suffix](data) == b"".join(texts), suffix
        assert sums[f"main/Packages{suffix}"] == FileSums.of(data)


def test_the_plain_form_is_summed_even_if_not_written(tmp_path: Path) -> None:
    sums = write_forms(tmp_path, "Packages", [b"text"], [".gz"])
    assert sums["Packages"] == FileSums.of(b"text")
    assert [p.name for p in tmp_path.iterdir()] == ["Packages.gz"]


def test_a_form_that_release_does_not_list_is_passed_over(tmp_path: Path) -> None:
    root = apt_repo(tmp_path, [Fake("a")], suffixes=[".gz"])
    write(root / INDEX / "Packages", b"left over from an older build\n")
    assert [p.name for p in read_apt(root).packages] == ["a"]
    (root / INDEX / "Packages.gz").unlink()
    with pytest.raises(
        BundleError, match=r"lists main/binary-amd64/Packages\.gz, which does not exist"
    ):
        read_apt(root)
