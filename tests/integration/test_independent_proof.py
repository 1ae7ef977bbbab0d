"""A proof reads indexes with a library: an error of the project's own reader is no proof."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partialmethod
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt import library_reader
from fuel_upgrade.repo.apt.columns import Columns, read_columns
from fuel_upgrade.repo.apt.index_files import read_batches
from fuel_upgrade.repo.apt.listed_indexes import require_all_read
from fuel_upgrade.repo.apt.stanza import FileSums, render_packages, render_release
from fuel_upgrade.repo.apt.suite import AptIndex
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.repo.package import Identity
from fuel_upgrade.repo.proof.prove import FaultKind, Proof
from fuel_upgrade.repo.proof.read_proof import Suites, prove_repos
from fuel_upgrade.repo.yum import expat_reader, primary_text, repo
from fuel_upgrade.repo.yum.expat_reader import read_beside, read_here
from fuel_upgrade.repo.yum.primary_text import read_primary_text
from fuel_upgrade.repo.yum.reader_process import start
from tests.builders import Fake, apt_repo, stanza, write, yum_repo
from tests.tools import needs_apt_pkg
from tests.yum_extras import rewrite

MakeRepo = Callable[[Path, list[Fake]], Path]
READERS = [
    pytest.param(library_reader.APT_PKG, marks=needs_apt_pkg()),
    library_reader.PYTHON_DEBIAN,
    "expat",
]
SEEN, LOST = Fake("seen"), Fake("lost")


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Select the library; patched, because a host has one."""
    name = str(request.param)
    if name != library_reader.APT_PKG:
        monkeypatch.setattr(library_reader, "_BINDINGS", Path("/nonexistent"))
    return name


@pytest.fixture
def make(reader: str) -> MakeRepo:
    return yum_repo if reader == "expat" else apt_repo


def blind(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the project's own readers skip a package: they have no such error to test with."""
    line, read_rows = f"Package: {name}\n".encode(), primary_text._rows

    def batches(index: AptIndex) -> Iterator[list[bytes]]:
        for batch in read_batches(index.path):
            yield [text for text in batch if line not in text]

    def rows(text: bytes) -> list[tuple[Identity, tuple[str, int]]]:
        return [row for row in read_rows(text) if not row[0].startswith(f"{name} ")]

    def columns(
        index: AptIndex, read: Callable[[AptIndex], Iterator[Columns]]
    ) -> Iterator[Columns]:
        for every in read(index):
            others = [not identity.startswith(f"{name} ") for identity in every.identities]
            yield Columns.of(list(every.packages(others)))

    monkeypatch.setattr(AptIndex, "batches", batches)
    monkeypatch.setattr(AptIndex, "columns", partialmethod(columns, AptIndex.columns))
    monkeypatch.setattr(primary_text, "_rows", rows)


def proof_of(base: Path, diff: Path, current: Path) -> Proof:
    return prove_repos(base, diff, current, suites=Suites())[0]


def test_the_library_is_named_in_the_proof(tmp_path: Path, reader: str, make: MakeRepo) -> None:
    base, current = make(tmp_path / "base", [SEEN]), make(tmp_path / "current", [SEEN, LOST])
    build_diff(base, current, tmp_path / "diff")
    proof = proof_of(base, tmp_path / "diff", current)
    assert (proof.proved, proof.to_json()["proved_by"], proof.release) == (True, reader, 2)


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("base", [[SEEN], [SEEN, LOST]], ids=["new", "in both"])
def test_a_package_that_only_the_library_reads_stops_the_build(
    tmp_path: Path, make: MakeRepo, monkeypatch: pytest.MonkeyPatch, base: list[Fake]
) -> None:
    old, new = make(tmp_path / "base", base), make(tmp_path / "current", [SEEN, LOST])
    blind(monkeypatch, "lost")
    with pytest.raises(BundleError, match=r"lost .*two libraries read the index diff") as caught:
        build_diff(old, new, tmp_path / "diff")
    assert "rebuild the indexes" in caught.value.remedy
    assert not (tmp_path / "diff").exists()


@pytest.mark.usefixtures("reader")
def test_a_package_of_the_base_that_only_the_library_reads_is_no_proof(
    tmp_path: Path, make: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = make(tmp_path / "base", [SEEN, LOST]), make(tmp_path / "current", [SEEN])
    build_diff(old, new, tmp_path / "diff")
    assert proof_of(old, tmp_path / "diff", new).proved
    blind(monkeypatch, "lost")
    kinds = {fault.kind for fault in proof_of(old, tmp_path / "diff", new).faults}
    assert FaultKind.AMBIGUOUS in kinds


@pytest.mark.parametrize("separator", [b"\n\n", b"\n\n\n", b"\n\r\n", b"\r\n\r\n"])
@pytest.mark.parametrize("end", [b"\n\n", b"\n", b""])
@pytest.mark.parametrize("reader", READERS[:2], indirect=True)
@pytest.mark.usefixtures("reader")
def test_both_readers_end_stanzas_at_the_same_lines(
    tmp_path: Path, separator: bytes, end: bytes
) -> None:
    fakes = [Fake("a"), Fake("b"), Fake("c")]
    base = apt_repo(tmp_path / "base", fakes[:1])
    current = apt_repo(tmp_path / "current", fakes)
    suite = current / "dists/precise"
    line_end = b"\r\n" if separator.startswith(b"\r") else b"\n"
    text = separator.join(stanza(f).replace(b"\n", line_end) for f in fakes) + end
    relist(suite, {"main/binary-amd64/Packages": text})
    build_diff(base, current, tmp_path / "diff")
    proof = proof_of(base, tmp_path / "diff", current)
    assert (proof.proved, proof.release, proof.carried) == (True, 3, 2)


@pytest.mark.parametrize("blanks", [b" ", b"\t", b" \t "])
@pytest.mark.parametrize("reader", READERS[:2], indirect=True)
@pytest.mark.usefixtures("reader")
def test_stanzas_that_only_end_at_a_line_of_blanks_are_no_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blanks: bytes
) -> None:
    base = apt_repo(tmp_path / "base", [Fake("a")])
    current = apt_repo(tmp_path / "current", fakes := [Fake("a"), Fake("b"), Fake("c")])
    text = (b"\n" + blanks + b"\n").join(map(stanza, fakes)) + b"\n"
    relist(current / "dists/precise", {"main/binary-amd64/Packages": text})
    with pytest.raises(BundleError, match="line of blanks"):
        build_diff(base, current, tmp_path / "diff")

    def text_of(index: AptIndex) -> bytes:
        return index.path.read_bytes().replace(blanks + b"\n", b"\n")

    def columns(index: AptIndex) -> Iterator[Columns]:
        yield read_columns(text_of(index), source="x")

    monkeypatch.setattr(AptIndex, "batches", lambda index: iter([text_of(index).split(b"\n\n")]))
    monkeypatch.setattr(AptIndex, "columns", columns)  # readers without the check
    with pytest.raises(BundleError, match="two libraries read the index differently"):
        build_diff(base, current, tmp_path / "diff")


def relist(suite: Path, files: dict[str, bytes], components: str = "main") -> None:
    """Write indexes and a Release that lists them alone."""
    for name, data in files.items():
        write(suite / name, data)
    fields = {"Suite": "precise", "Components": components, "Architectures": "amd64"}
    sums = {name: FileSums.of(data) for name, data in files.items()}
    write(suite / "Release", render_release(fields, sums))


@pytest.mark.parametrize("reader", READERS[:1], indirect=True)
@pytest.mark.usefixtures("reader")
def test_a_component_behind_a_link_is_not_left_unread(tmp_path: Path) -> None:
    base = apt_repo(tmp_path / "base", [SEEN])
    current = apt_repo(tmp_path / "current", [SEEN, LOST])
    files = {f"{c}/binary-amd64/Packages": render_packages([stanza(f)]) for c, f in PARTS.items()}
    relist(current / "dists/precise", files, "main extra")
    (current / "dists/precise/extra").rename(tmp_path / "elsewhere")
    (current / "dists/precise/extra").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="Release lists extra/binary-amd64/Packages"):
        build_diff(base, current, tmp_path / "diff")


PARTS = {"main": SEEN, "extra": LOST}


def test_a_listed_index_that_nobody_read_is_named(tmp_path: Path) -> None:
    names = (
        "a/b/binary-i386/Packages.lz4",
        "main/binary-amd64/Packages",
        "Packages.gz",
        "main/debian-installer/binary-amd64/Packages",
        "inner/main/binary-amd64/Packages",
        "main/binary-amd64/Release",
        "main/source/Sources",
        "main/binary-all/Packages",
    )  # fmt: skip - apt ignores the last one
    relist(tmp_path, dict.fromkeys(names, b"x"))
    write(tmp_path / "inner/Release", "")
    with pytest.raises(BundleError) as caught:
        require_all_read(tmp_path, [tmp_path / "main/binary-amd64/Packages.xz"])
    assert "Release lists Packages.gz, a/b/binary-i386/Packages.lz4, which" in caught.value.what
    (tmp_path / "a/b/binary-i386/Packages.lz4").unlink()
    (tmp_path / "Packages.gz").unlink()
    require_all_read(tmp_path, [tmp_path / "main/binary-amd64/Packages.xz"])


def test_a_second_primary_is_not_left_unread(tmp_path: Path) -> None:
    base, current = yum_repo(tmp_path / "base", [SEEN]), yum_repo(tmp_path / "current", [SEEN])
    repomd = current / "repodata/repomd.xml"
    text = repomd.read_text()
    start, end = text.index('<data type="primary">'), text.index("</data>") + len("</data>")
    repomd.write_text(text.replace("</repomd>", text[start:end] + "</repomd>"))
    with pytest.raises(BundleError, match="of type primary"):
        build_diff(base, current, tmp_path / "diff")


@needs_apt_pkg()
def test_an_index_that_apt_refuses_is_no_proof(tmp_path: Path) -> None:
    path = write(tmp_path / "Packages", b"Package: a\nno field\n")
    with pytest.raises(BundleError, match="apt cannot read"):
        list(library_reader.read_identities([path], "sha256"))


def primary_of(root: Path, edit: Callable[[str], str] = str) -> Path:
    """Make a repo with an edited primary and its checksums; return its root."""
    yum_repo(root, [SEEN, LOST, Fake("c++", "1:2.0~rc1-1")])
    rewrite(root, {}, edits={"primary": edit})
    return root


def test_a_process_of_its_own_reads_the_same(tmp_path: Path) -> None:
    roots = [
        primary_of(tmp_path / name, lambda text: text.replace("Packages/", "Packages/é&amp;"))
        for name in ("base", "current")
    ]
    for algorithm in ("sha256", "md5"):  # without this checksum, lines have locations
        expected = [list(chain.from_iterable(parts)) for parts in read_here(roots, algorithm)]
        assert [len(lines) for lines in expected] == [3, 3]
        parts = read_beside(roots, algorithm)
        assert [list(chain.from_iterable(part)) for part in parts] == expected


def test_a_process_of_its_own_reports_the_same_fault(tmp_path: Path) -> None:
    root = primary_of(tmp_path, lambda text: text.replace("</arch>", "</arc\u0301h>"))
    faults = []
    for read in (read_here, read_beside):
        (part,) = read([root], "sha256")
        with pytest.raises(BundleError, match="primary") as caught:
            list(part)
        faults.append(str(caught.value))
    assert faults[0] == faults[1]


def files_of(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_long_metadata_is_read_in_processes_and_gives_the_same_diff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, current = (
        yum_repo(tmp_path / "base", [SEEN]),
        yum_repo(tmp_path / "current", [SEEN, LOST]),
    )
    build_diff(base, current, tmp_path / "here")
    functions: list[str] = []

    def started(function: Callable[..., Any], *words: str) -> Future[Any]:
        functions.append(function.__name__)
        return start(function, *words)

    monkeypatch.setattr(repo, "SHORT_BYTES", -1)  # a long one takes seconds to make
    for module in (repo, expat_reader):
        monkeypatch.setattr(module, "start", started)  # the result does not show it
    build_diff(base, current, tmp_path / "beside")
    assert functions == ["list_lines", "read_primary_text", "list_lines"]
    assert files_of(tmp_path / "beside") == files_of(tmp_path / "here")


def test_a_damaged_text_is_left_to_the_library_in_a_process_too(tmp_path: Path) -> None:
    path = write(tmp_path / "primary.xml", b"damaged")
    assert start(read_primary_text, str(path), "sha256", "0" * 64, "7").result() is None
