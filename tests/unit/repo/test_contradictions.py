"""A repo whose indexes contradict themselves is refused, whichever of them is true."""

import gzip
import lzma
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import createrepo_c
import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.stanza import FileSums, render_release
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.repo.compare import compare_repos
from fuel_upgrade.repo.contradictions import ALL, Contradictions
from fuel_upgrade.repo.package import Package
from fuel_upgrade.repo.read_repo import open_repo, read_repo
from tests.builders import Fake, apt_repo, checksum, package, stanza, write, yum_repo
from tests.yum_extras import comps

SUITE = "dists/precise"
INDEX = f"{SUITE}/main/binary-amd64/Packages"
FIELDS = {"Suite": "precise", "Components": "main", "Architectures": "amd64"}
A, B = Fake("a"), Fake("b")
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
}

ONE = package("a")
OTHERS = {
    "one file of two contents": package("a", content="y"),
    "one file of two sizes": replace(ONE, size_bytes=2),
    "one file of two packages": replace(package("b"), location=ONE.location),
    "one file of two versions": replace(package("a", "2"), location=ONE.location),
    "one package of two contents": replace(package("a", content="y"), location="b.deb"),
    "one package of two sizes": replace(ONE, size_bytes=2, location="b.deb"),
    "only the weaker checksum differs": replace(
        ONE, digests=(ONE.digests[0], ("md5", checksum("md5", b"y")))
    ),
}
EQUAL = {
    "the same entry": ONE,
    "a copy of the file": replace(ONE, location="b.deb"),
    "another checksum": replace(ONE, digests=(("sha1", checksum("sha1", b"x")),)),
    "another version": package("a", "2", "y"),
    "another architecture": package("a", arch="amd64", content="y"),
}


def add_both(one: Package, other: Package, places: tuple[str, str] = ("", "")) -> None:
    contradictions = Contradictions("repo")
    for entry, place in zip((one, other), places, strict=True):
        contradictions.add(entry, place)


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_entries_that_contradict_each_other_are_refused(other: Package) -> None:
    for one, second in permutations((ONE, other)):
        with pytest.raises(BundleError, match="repo: two entries contradict each other"):
            add_both(one, second)


@pytest.mark.parametrize("other", EQUAL.values(), ids=EQUAL)
def test_entries_that_agree_are_accepted(other: Package) -> None:
    for one, second in permutations((ONE, other)):
        add_both(one, second)


@pytest.mark.parametrize(
    ("places", "is_refused"),
    [
        (("i386", "amd64"), False),
        (("amd64", ALL), True),
        ((ALL, "amd64"), True),
        ((ALL, ALL), True),
    ],
)
def test_indexes_that_no_node_reads_together_may_have_two_contents(
    places: tuple[str, str], *, is_refused: bool
) -> None:
    other = OTHERS["one package of two contents"]
    if is_refused:
        with pytest.raises(BundleError):
            add_both(ONE, other, places)
    else:
        add_both(ONE, other, places)


def test_one_file_has_one_content_in_all_indexes() -> None:
    with pytest.raises(BundleError):
        add_both(ONE, OTHERS["one file of two contents"], ("i386", "amd64"))


def append_stanza(root: Path, fake: Fake, *, location: str | None = None) -> None:
    """Add an entry to the only index of an apt repo, and remove what lists it."""
    text = stanza(fake).decode()
    if location:
        text = text.replace(fake.location, location)
    index = root / INDEX
    index.write_text(f"{index.read_text()}{text}\n\n")
    for name in (f"{SUITE}/Release", f"{INDEX}.gz"):
        (root / name).unlink()


def apt_of_two_contents(root: Path) -> Path:
    append_stanza(apt_repo(root, [A, B]), Fake("a", content="changed"))
    return root


def apt_of_two_files(root: Path) -> Path:
    append_stanza(apt_repo(root, [A, B]), Fake("a", content="changed"), location="pool/b.deb")
    return root


def apt_of_two_packages(root: Path) -> Path:
    append_stanza(apt_repo(root, [A, B]), Fake("c"), location=A.location)
    return root


def yum_of_two_contents(root: Path) -> Path:
    return yum_repo(root, [A, B, Fake("a", content="changed")])


REPOS = [apt_of_two_contents, apt_of_two_files, apt_of_two_packages, yum_of_two_contents]


@pytest.mark.parametrize("make", REPOS)
@pytest.mark.parametrize("side", ["base", "current"])
def test_a_contradiction_is_refused_before_anything_is_written(
    tmp_path: Path, make: Callable[[Path], Path], side: str
) -> None:
    good = yum_repo if make is yum_of_two_contents else apt_repo
    repos = {name: tmp_path / name for name in ("base", "current")}
    for name, root in repos.items():
        (make if name == side else lambda path: good(path, [A, B]))(root)
    with pytest.raises(BundleError, match="two entries contradict each other") as caught:
        build_diff(repos["base"], repos["current"], tmp_path / "out")
    assert caught.value.side == f"the {side} repo {repos[side]}"
    assert {path.name for path in tmp_path.iterdir()} == {"base", "current"}
    with pytest.raises(BundleError):
        read_repo(repos[side])


@pytest.mark.parametrize("make", REPOS[:3])
def test_a_contradiction_that_both_repos_have_is_refused(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    base, current = make(tmp_path / "base"), make(tmp_path / "current")
    with pytest.raises(BundleError, match="contradict"):
        build_diff(base, current, tmp_path / "out")


def test_an_entry_that_repeats_is_no_contradiction(tmp_path: Path) -> None:
    both = apt_repo(tmp_path / "both", [A, B], architectures=("amd64", "i386"))
    twice = apt_repo(tmp_path / "twice", [A, B])
    append_stanza(twice, A)
    copied = yum_repo(tmp_path / "yum", [A, B, A])
    assert [len(read_repo(root).packages) for root in (both, twice, copied)] == [4, 3, 3]
    build_diff(apt_repo(tmp_path / "base", [A]), twice, tmp_path / "out")


def with_forms(root: Path, forms: dict[str, bytes], *, listed: dict[str, bytes] | None) -> Path:
    """Make an apt repo whose index has contents by suffix, and Release those of ``listed``."""
    apt_repo(root, [A, B], suffixes=(), release=False)
    for suffix, plain in forms.items():
        write(root / f"{INDEX}{suffix}", PACK[suffix](plain))
    if listed is not None:
        files = {
            f"main/binary-amd64/Packages{s}": FileSums.of(PACK[s](p)) for s, p in listed.items()
        }
        write(root / SUITE / "Release", render_release(FIELDS, files))
    return root


OLD, NEW = stanza(A) + b"\n\n", stanza(B) + b"\n\n"


@pytest.mark.parametrize("is_listed", [True, False])
@pytest.mark.parametrize("forms", list(permutations(PACK, 2)))
def test_forms_of_two_contents_are_refused(
    tmp_path: Path, forms: tuple[str, str], *, is_listed: bool
) -> None:
    contents = dict(zip(forms, (OLD, NEW), strict=True))
    root = with_forms(tmp_path, contents, listed=contents if is_listed else None)
    with pytest.raises(BundleError, match="its content differs"):
        open_repo(root)


def test_a_form_that_is_not_the_listed_plain_one_is_refused(tmp_path: Path) -> None:
    """apt unpacks it and compares it with the plain one, which need not exist."""
    root = with_forms(tmp_path, {".gz": OLD}, listed={".gz": OLD, "": NEW})
    with pytest.raises(BundleError, match="its content differs"):
        open_repo(root)


def test_a_form_that_release_does_not_list_is_not_read(tmp_path: Path) -> None:
    root = with_forms(tmp_path, {"": NEW, ".gz": OLD}, listed={".gz": OLD})
    assert [p.name for p in read_repo(root).packages] == ["a"]


def test_forms_of_one_content_are_accepted(tmp_path: Path) -> None:
    forms = dict.fromkeys(PACK, OLD)
    for number, listed in enumerate((forms, None, {"": OLD, ".gz": OLD})):
        assert (
            len(read_repo(with_forms(tmp_path / f"{number}", forms, listed=listed)).packages) == 1
        )


def edit_release(root: Path, change: Callable[[str], str]) -> str:
    path = root / SUITE / "Release"
    before = path.read_text()
    path.write_text(change(before))
    assert path.read_text() != before
    return before


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256"])
def test_each_checksum_in_release_counts(tmp_path: Path, kind: str) -> None:
    root = apt_repo(tmp_path, [A])
    data = (root / INDEX).read_bytes()
    edit_release(root, lambda text: text.replace(checksum(kind, data), checksum(kind, b"")))
    with pytest.raises(BundleError, match=f"{kind} .*but Release says"):
        open_repo(root)


def test_the_size_in_release_counts(tmp_path: Path) -> None:
    root = apt_repo(tmp_path, [A])
    size = (root / INDEX).stat().st_size
    edit_release(root, lambda text: text.replace(f"{size} main", f"{size + 1} main"))
    with pytest.raises(BundleError, match=f"{size} bytes, but Release says {size + 1} bytes"):
        open_repo(root)


def test_a_path_that_release_lists_in_two_ways_is_refused(tmp_path: Path) -> None:
    root = apt_repo(tmp_path, [A])
    sums = checksum("sha256", b"")
    edit_release(root, lambda text: f"{text} {sums} 0 main/binary-amd64/Packages\n")
    with pytest.raises(BundleError, match="has two sizes or two sha256 sums in Release"):
        open_repo(root)


def test_release_and_inrelease_that_differ_are_refused(tmp_path: Path) -> None:
    root = apt_repo(tmp_path, [A])
    data = (root / INDEX).read_bytes()
    text = edit_release(root, lambda text: text.replace(checksum("md5", data), "0" * 32))
    write(root / SUITE / "InRelease", text)
    with pytest.raises(BundleError, match="has two sizes or two md5 sums in Release"):
        open_repo(root)


def edit_repomd(root: Path, change: Callable[[createrepo_c.Repomd], None]) -> None:
    path = root / "repodata/repomd.xml"
    repomd = createrepo_c.Repomd(str(path))
    change(repomd)
    path.write_text(repomd.xml_dump())


@pytest.mark.parametrize(("field", "value"), [("checksum", "0" * 64), ("size", "1")])
def test_the_unpacked_content_of_primary_is_that_of_repomd(
    tmp_path: Path, field: str, value: str
) -> None:
    root = yum_repo(tmp_path, [A])
    repomd = root / "repodata/repomd.xml"
    entry, rest = repomd.read_text().split("</data>", 1)
    assert 'type="primary"' in entry
    entry = re.sub(f"(<open-{field}[^>]*>)[^<]*", rf"\g<1>{value}", entry)
    repomd.write_text(f"{entry}</data>{rest}")
    with pytest.raises(BundleError, match=r"unpacked .*, but repomd\.xml says"):
        compare_repos(root, root)


def test_two_entries_of_one_type_are_refused(tmp_path: Path) -> None:
    root = yum_repo(tmp_path, [A])
    repomd = root / "repodata/repomd.xml"
    text = repomd.read_text()
    start, end = text.index('<data type="primary">'), text.index('<data type="filelists">')
    repomd.write_text(text.replace("</repomd>", f"{text[start:end]}</repomd>"))
    with pytest.raises(BundleError, match="several entries of type primary"):
        open_repo(root)


@pytest.mark.parametrize(("name", "is_refused"), [("a", False), ("b", True)])
def test_two_compressions_of_groups_have_one_content(
    tmp_path: Path, name: str, *, is_refused: bool
) -> None:
    root = yum_repo(tmp_path, [A])
    write(root / "repodata/comps.xml", comps({"core": ["a"]}))
    write(root / "repodata/comps.xml.gz", gzip.compress(comps({"core": [name]}).encode()))

    def list_both(repomd: createrepo_c.Repomd) -> None:
        for kind, file in (("group", "comps.xml"), ("group_gz", "comps.xml.gz")):
            record = createrepo_c.RepomdRecord(kind, str(root / "repodata" / file))
            record.fill(createrepo_c.SHA256)
            repomd.set_record(record)

    edit_repomd(root, list_both)
    if is_refused:
        with pytest.raises(BundleError, match="its content differs from that of"):
            open_repo(root)
    else:
        open_repo(root)
