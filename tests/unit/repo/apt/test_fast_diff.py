"""The quick comparison of apt indexes equals the plain one, whatever their spelling."""

import hashlib
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.fast_diff import quick_diff
from fuel_upgrade.repo.apt.repo import AptRepo, read_apt
from fuel_upgrade.repo.apt.stanza import iter_texts, split_stanzas
from fuel_upgrade.repo.diff import diff
from fuel_upgrade.repo.package import Package
from fuel_upgrade.repo.version import compare_deb
from tests.builders import package, quickly, write

ENTRY = st.tuples(
    st.sampled_from("ab"),
    st.sampled_from(["1", "2", "10"]),
    st.sampled_from(["amd64", "all"]),
    st.sampled_from("xy"),
    st.sampled_from(["usual", "mixed", "spaced"]),
    st.sampled_from(["", "Maintainer: me\n", "Source: s\n"]),
)
ENTRIES = st.lists(ENTRY, max_size=6)
Entry = tuple[str, str, str, str, str, str]


def text_of(entry: Entry) -> str:
    name, version, arch, content, layout, more = entry
    value = hashlib.sha256(content.encode()).hexdigest()
    file = f"Filename: {name}_{version}_{arch}.deb\nSize: {len(content)}\n"
    if layout == "usual":
        head = f"Package: {name}\n{more}Version: {version}\nArchitecture: {arch}\n"
        return f"{head}Description: d\n Version: 7\n{file}SHA256: {value}\n\n"
    if layout == "mixed":
        head = f"architecture: {arch}\nPackage: {name}\n{more}"
        return f"{head}SHA256: {value}\n{file}version: {version}\n\n"
    head = f"\nPackage: {name}\nVersion:  {version} \n{more}Architecture: {arch}\n"
    return f"{head}{file}SHA256: {value.upper()}\n\n"


def repo_of(folder: Path, entries: Sequence[Entry]) -> Path:
    text = "".join(map(text_of, entries))
    write(folder / "dists/s/main/binary-amd64/Packages", text)
    return folder


@quickly
@given(ENTRIES, ENTRIES, st.sampled_from([(), (package("b", "1", "x", "all"),)]))
def test_the_quick_comparison_equals_the_plain_one(
    base: list[Entry], current: list[Entry], inherited: tuple[Package, ...]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        old, new = repo_of(Path(name, "old"), base), repo_of(Path(name, "new"), current)
        try:
            before = (*read_apt(old).packages, *inherited)
            now = read_apt(new).packages
        except BundleError:  # entries contradict each other
            with pytest.raises(BundleError):
                quick_diff(AptRepo.open(old), AptRepo.open(new), inherited)
            return
        quick = quick_diff(AptRepo.open(old), AptRepo.open(new), inherited)
    assert quick is not None
    assert quick.diff == diff(before, now, algorithm="sha256", compare=compare_deb)


def test_without_sha256_it_gives_up(tmp_path: Path) -> None:
    entry: Entry = ("a", "1", "all", "x", "usual", "")
    good = repo_of(tmp_path / "good", [entry])
    bad = tmp_path / "bad"
    old = text_of(entry).replace("SHA256", "SHA1")
    write(bad / "dists/s/main/binary-amd64/Packages", old)
    assert quick_diff(AptRepo.open(bad), AptRepo.open(good), []) is None
    assert quick_diff(AptRepo.open(good), AptRepo.open(bad), []) is None


@given(st.text("ab\n", max_size=30), st.integers(1, 7))
def test_stanzas_do_not_depend_on_where_reads_end(text: str, size: int) -> None:
    data = text.encode()
    whole = [part.strip(b"\n") for part in data.split(b"\n\n")]
    stream = io.BytesIO(data)
    stream.read = lambda _n=-1, read=stream.read: read(size)  # type: ignore[method-assign, misc]
    texts = (text.strip(b"\n") for part in iter_texts(stream) for text in split_stanzas(part))
    assert [text for text in texts if text] == [part for part in whole if part]
    assert b"".join(iter_texts(io.BytesIO(data))).replace(b"\n", b"") == data.replace(b"\n", b"")


def test_a_quick_diff_carries_the_stanzas_of_its_packages(tmp_path: Path) -> None:
    same: Entry = ("a", "1", "all", "x", "usual", "")
    changed: list[Entry] = [
        ("b", "1", "all", "x", "spaced", ""),
        ("b", "2", "all", "y", "mixed", ""),
    ]
    base = AptRepo.open(repo_of(tmp_path / "base", [same, changed[0]]))
    current = AptRepo.open(repo_of(tmp_path / "current", [changed[1], same, changed[0]]))
    quick = quick_diff(base, current, [])
    assert quick is not None
    for _ in range(2):  # each iteration reads again
        (entry,) = quick.carried
        assert (entry.package, entry.component) == (quick.diff.upgraded[0], "main")
        assert entry.stanza.decode() == text_of(changed[1]).strip("\n")
    assert [str(e.package) for e in quick.current] == ["b all 2", "b all 1"]
    assert [e.stanza for e in (*quick.base, *quick.current)] == [b"", b"", b""]
