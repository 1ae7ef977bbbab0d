"""A proof reads indexes with a library: an error of the project's own reader is no proof."""

from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt import library_reader
from fuel_upgrade.repo.apt.columns import Columns, read_columns
from fuel_upgrade.repo.apt.index_files import read_batches
from fuel_upgrade.repo.apt.listed_indexes import require_all_read
from fuel_upgrade.repo.apt.stanza import FileSums, render_packages, render_release
from fuel_upgrade.repo.apt.suite import AptIndex
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.repo.proof.prove import FaultKind, Proof
from fuel_upgrade.repo.proof.read_proof import Suites, prove_repos
from fuel_upgrade.repo.yum import repo
from fuel_upgrade.repo.yum.createrepo import RepomdRecord
from fuel_upgrade.repo.yum.primary_text import PrimaryText, read_primary_text
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
    line = f"Package: {name}\n".encode()

    def batches(index: AptIndex) -> Iterator[list[bytes]]:
        for batch in read_batches(index.path):
            yield [text for text in batch if line not in text]

    def text(path: Path, record: RepomdRecord) -> PrimaryText | None:
        read = read_primary_text(path, record)
        assert read is not None
        return PrimaryText({i: f for i, f in read.files.items() if not i.startswith(f"{name} ")})

    def columns(
        index: AptIndex, read: Callable[[AptIndex], Iterator[Columns]]
    ) -> Iterator[Columns]:
        for every in read(index):
            others = [not identity.startswith(f"{name} ") for identity in every.identities]
            yield Columns.of(list(every.packages(others)))

    monkeypatch.setattr(AptIndex, "batches", batches)
    monkeypatch.setattr(AptIndex, "columns", partialmethod(columns, AptIndex.columns))
    monkeypatch.setattr(repo, "read_primary_text", text)


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
    (current / "dists/precise/extra").rename(current / "elsewhere")
    (current / "dists/precise/extra").symlink_to(current / "elsewhere")
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
