"""Filelists and other that are missing, not in step with primary, or malformed."""

import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path

import createrepo_c
import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.description import require_description
from fuel_upgrade.repo.fullview.view import build_view
from fuel_upgrade.repo.proof.read_proof import read_dependencies
from fuel_upgrade.repo.yum.repo import YumRepo
from tests.builders import Fake, yum_repo
from tests.yum_extras import rewrite

OLD, A, B, C = (Fake(name, content=f"content of {name}") for name in ("old", "a", "b", "c"))
Edit = Callable[[str], str]


def current(root: Path, kind: str = "filelists", edit: Edit = str, *, without: str = "") -> Path:
    """Make a repo in which each package has a file and a change; ``edit`` changes one kind."""
    entry = {
        "filelists": r"\g<0>\n  <file>/opt/\1</file>",
        "other": r'\g<0>\n  <changelog author="x" date="1">change of \1</changelog>',
    }
    edits = {
        of: lambda text, new=new: re.sub(r'name="(\w)".*?<version[^>]*/>', new, text, flags=re.S)
        for of, new in entry.items()
    }
    yum_repo(root, [OLD, A, B, C])
    rewrite(root, {}, edits=edits)
    return rewrite(root, {}, edits={kind: edit} if not without else None, without=without)


def diff(folder: Path, current_root: Path, options: DiffOptions | None = None) -> Path:
    base = yum_repo(folder / "base", [OLD])
    build_diff(base, current_root, folder / "diff", options)
    return folder / "diff"


def entries(root: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Return the files and changes of each package, read by an iterator that wants them in step."""
    metadata = YumRepo.read(root).metadata
    paths = [str(metadata[kind]) for kind in ("primary", "filelists", "other")]
    return {
        p.name: (
            [folder + name for _, folder, name, *_ in p.files],
            [change[2] for change in p.changelogs],
        )
        for p in createrepo_c.PackageIterator(*paths)
    }


def entry_of(name: str, text: str) -> str:
    match = re.search(rf'<package [^>]*name="{name}".*?</package>\n', text, re.S)
    assert match
    return match[0]


def whole(*names: str) -> dict[str, tuple[list[str], list[str]]]:
    return {name: ([f"/opt/{name}"], [f"change of {name}"]) for name in names}


def test_entries_keep_their_files_and_changes(tmp_path: Path) -> None:
    assert entries(diff(tmp_path, current(tmp_path / "current"))) == whole("a", "b", "c")


@pytest.mark.parametrize("kind", ["filelists", "other"])
def test_entries_of_other_packages_are_left_out(tmp_path: Path, kind: str) -> None:
    def add(text: str) -> str:
        entry = entry_of("a", text)
        return text.replace(entry, re.sub(r'pkgid="...', 'pkgid="000', entry) + entry)

    made = diff(tmp_path, current(tmp_path / "current", kind, add))
    assert entries(made) == whole("a", "b", "c")
    assert require_description(made).dropped == ()


@pytest.mark.parametrize("kind", ["filelists", "other"])
def test_entries_in_another_order_are_joined_by_pkgid(tmp_path: Path, kind: str) -> None:
    def move(text: str) -> str:
        entry, last = entry_of("a", text), entry_of("c", text)
        return text.replace(entry, "").replace(last, last + entry)

    made = diff(tmp_path, current(tmp_path / "current", kind, move))
    assert files_and_changes(made) == whole("a", "b", "c")


def files_and_changes(root: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Return the same as :func:`entries`, of entries in any order."""
    metadata = YumRepo.read(root).metadata
    files: dict[str, list[str]] = {}
    changes: dict[str, list[str]] = {}
    createrepo_c.xml_parse_filelists(
        str(metadata["filelists"]),
        pkgcb=lambda p: files.update({p.name: [f[1] + f[2] for f in p.files]}),
    )
    createrepo_c.xml_parse_other(
        str(metadata["other"]),
        pkgcb=lambda p: changes.update({p.name: [c[2] for c in p.changelogs]}),
    )
    assert files.keys() == changes.keys()
    return {name: (files[name], changes[name]) for name in files}


@pytest.mark.parametrize(
    ("kind", "lost"),
    [("filelists", ([], ["change of b"])), ("other", (["/opt/b"], []))],
)
def test_an_absent_entry_is_empty(
    tmp_path: Path, kind: str, lost: tuple[list[str], list[str]]
) -> None:
    made = diff(
        tmp_path, current(tmp_path / "current", kind, lambda t: t.replace(entry_of("b", t), ""))
    )
    assert files_and_changes(made) == whole("a", "c") | {"b": lost}
    assert require_description(made).dropped == ()


@pytest.mark.parametrize("kind", ["filelists", "other"])
def test_a_kind_that_repomd_does_not_list_is_empty(tmp_path: Path, kind: str) -> None:
    made = diff(tmp_path, current(tmp_path / "current", without=kind))
    number = ["filelists", "other"].index(kind)
    assert all(entry[number] == [] for entry in entries(made).values())
    assert all(entry[1 - number] for entry in entries(made).values())


FAULTS: dict[str, Edit] = {
    "control character": lambda text: text.replace("of b<", "of \x1bb<").replace("opt/b", "\x1b"),
    "cut short": lambda text: text[: text.index('name="b"')],
    "undefined entity": lambda text: text.replace("of b<", "of &b;<").replace("opt/b", "&b;"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("kind", "number"), [("filelists", 0), ("other", 1)])
def test_entries_before_a_fault_are_used_and_the_file_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str, number: int, fault: str
) -> None:
    made = diff(tmp_path, current(tmp_path / "current", kind, FAULTS[fault]))
    assert [bool(entry[number]) for entry in entries(made).values()] == [True, False, False]
    (dropped,) = require_description(made).dropped
    assert dropped.startswith(f"{kind} repodata/{kind}.xml.gz: ")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["filelists", "other"])
def test_strictness_refuses_what_would_be_dropped(tmp_path: Path, kind: str) -> None:
    root = current(tmp_path / "current", kind, FAULTS["cut short"])
    with pytest.raises(BundleError, match=rf": {kind} repodata/{kind}\.xml\.gz: "):
        diff(tmp_path, root, DiffOptions(strict_extras=True))
    assert not (tmp_path / "diff").exists()


def test_a_listed_file_that_is_missing_is_named_and_empty(tmp_path: Path) -> None:
    root = current(tmp_path / "current")
    (root / "repodata/filelists.xml.gz").unlink()
    made = diff(tmp_path, root)
    expected = "filelists repodata/filelists.xml.gz: missing, but repomd.xml lists it"
    assert require_description(made).dropped == (expected,)
    assert [files for files, _ in entries(made).values()] == [[], [], []]


def test_a_fault_that_the_library_cannot_express_in_unicode_is_named(tmp_path: Path) -> None:
    root = current(tmp_path / "current")
    path = root / "repodata/other.xml.gz"
    text = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(text.replace(b"</package>", b"</pack\xfd>", 1)))
    rewrite_sums(root, "other", path)
    (fault,) = YumRepo.read(root).unreadable
    assert fault.startswith("other repodata/other.xml.gz: ")


def rewrite_sums(root: Path, kind: str, path: Path) -> None:
    repomd = createrepo_c.Repomd(str(root / "repodata/repomd.xml"))
    record = createrepo_c.RepomdRecord(kind, str(path))
    record.fill(createrepo_c.SHA256)
    repomd.set_record(record)
    (root / "repodata/repomd.xml").write_text(repomd.xml_dump())


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
@pytest.mark.parametrize("kind", ["other", "primary"])
def test_metadata_that_is_no_regular_file_is_refused(
    tmp_path: Path, kind: str, make: Callable[[Path], None]
) -> None:
    root = current(tmp_path / "current")
    (root / f"repodata/{kind}.xml.gz").unlink()
    make(root / f"repodata/{kind}.xml.gz")
    with pytest.raises(BundleError, match=f"{kind}.xml.gz: not a regular file"):
        YumRepo.read(root)


@pytest.mark.parametrize("original", [True, False])
def test_a_full_view_has_the_entries_of_every_part(tmp_path: Path, *, original: bool) -> None:
    root = current(tmp_path / "current", "other", lambda t: t.replace(entry_of("b", t), ""))
    made = diff(tmp_path, root, DiffOptions(original=original))
    build_view([made, tmp_path / "base"], tmp_path / "view")
    actual = YumRepo.read(tmp_path / "view")
    assert {package.name for package in actual.packages} == {"old", "a", "b", "c"}
    if not original:
        assert files_and_changes(tmp_path / "view") == {
            "old": ([], []),
            **whole("a", "c"),
            "b": (["/opt/b"], []),
        }


def test_dependencies_are_checked_without_readable_filelists(tmp_path: Path) -> None:
    root = current(tmp_path / "current", without="filelists")
    assert read_dependencies(root).packages == 4


def test_a_malformed_primary_is_refused_without_other_output(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = current(tmp_path, "primary", lambda t: t.replace("<name>a", "<name>\x1ba"))
    with pytest.raises(BundleError, match=r"primary\.xml\.gz: .*line"):
        YumRepo.read(root)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("link", [True, False])
def test_rpms_of_any_format_and_with_any_signatures_pass_unchanged(
    tmp_path: Path, *, link: bool
) -> None:
    """No rpm is opened: a lead of version 6 and a header of unknown tags are but bytes."""
    lead = b"\xed\xab\xee\xdb\x06\x00".ljust(96, b"\0")
    header = b"\x8e\xad\xe8\x01\0\0\0\0" + b"two signatures" * 9
    fake = Fake("six", content=(lead + header).decode("latin-1"))
    root = yum_repo(tmp_path / "current", [OLD, fake])
    made = diff(tmp_path, root, DiffOptions(link=link))
    assert (made / fake.rpm_location).read_bytes() == fake.data
