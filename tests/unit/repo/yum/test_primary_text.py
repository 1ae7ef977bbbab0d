"""The packages of a primary by its text are those that the library reads, or the library reads."""

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import createrepo_c
import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.repo.compare import compare_repos
from fuel_upgrade.repo.proof.read_proof import Suites, prove_repos, report_repos
from fuel_upgrade.repo.yum import metadata, repo
from fuel_upgrade.repo.yum.primary_text import select_text
from fuel_upgrade.repo.yum.repo import YumRepo
from tests.builders import Fake, yum_repo
from tests.yum_extras import rewrite

FAKES = [Fake("a", "1:1.0-1.el6"), Fake("b"), Fake("c++", "2.0~rc1-1"), Fake("b", "2.0-1")]
Edit = Callable[[str], str]


def edited(root: Path, edit: Edit, fakes: Sequence[Fake] = FAKES) -> YumRepo:
    """Make a repo whose primary is changed, with the checksums of the new text."""
    yum_repo(root, fakes)
    path = root / "repodata/primary.xml.gz"
    path.write_bytes(gzip.compress(edit(gzip.decompress(path.read_bytes()).decode()).encode()))
    repomd = createrepo_c.Repomd(str(root / "repodata/repomd.xml"))
    record = createrepo_c.RepomdRecord("primary", str(path))
    record.fill(createrepo_c.SHA256)
    repomd.set_record(record)
    (root / "repodata/repomd.xml").write_text(repomd.xml_dump())
    return YumRepo.open(root)


def replaced(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        str,
        replaced("\n", "\n\n"),
        replaced("  <location", "<location"),  # as createrepo of Python wrote it
        replaced("<summary>a package", "<summary>a &lt;package&gt; é"),
        replaced("<format>", "<format>\n    <rpm:unknown/>"),
    ],
    ids=["as written", "blank line", "old createrepo", "text", "details"],
)
def test_the_text_gives_the_packages_of_the_library(tmp_path: Path, edit: Edit) -> None:
    repo = edited(tmp_path, edit)
    assert repo.text is not None
    by_text = {repo.text.package(identity) for identity in repo.text.files}
    assert by_text == set(repo.packages)
    assert len(by_text) == len(FAKES)


def inside_a_comment(text: str) -> str:
    start, end = text.index("<package"), text.index("<format>") + len("<format>")
    hidden = f"</format></package>{text[start:end].replace('<name>a', '<name>hidden')}"
    return text.replace("<format>", f"<format><!-- {hidden} -->", 1)


@pytest.mark.parametrize(
    "edit",
    [
        inside_a_comment,
        replaced("<format>", "<format><?note ?>"),
        replaced("<name>a", "<name>a&amp;a"),
        replaced("<name>a", "<name>á"),
        replaced("<location ", '<location xml:base="http://elsewhere" '),
        replaced('type="sha256"', 'type="sha512"'),
        replaced("<arch>", "<arch> "),
        replaced("</summary>", "</summary><summary>again</summary>"),
        replaced("</format>", "</format>\n  <more/>"),
        replaced("<format>", "<format><package></package>"),
        replaced("<metadata ", '<metadata xmlns:x="http://x" '),
        replaced("</metadata>", "</metadata><!-- end -->"),
        replaced('ver="2.0" rel="1"', 'ver="1.0" rel="1"'),  # one package twice
        replaced("b-1.0-1.noarch.rpm", "b-2.0-1.noarch.rpm"),
        replaced("Packages/b-", "../b-"),
        lambda text: text[: text.index("<package")] + "</metadata>",
    ],
)
def test_another_layout_is_left_to_the_library(tmp_path: Path, edit: Edit) -> None:
    assert edited(tmp_path, edit).text is None


def test_a_file_that_differs_from_its_entry_is_left_to_the_library(tmp_path: Path) -> None:
    repo = edited(tmp_path, str)
    repo.primary.checksum_open = "0" * 64
    assert repo.text is None


def test_a_damaged_file_is_left_to_the_library(tmp_path: Path) -> None:
    repo = edited(tmp_path, str)
    path = repo.metadata["primary"]
    path.write_bytes(path.read_bytes()[:-20])
    assert repo.text is None


@pytest.mark.parametrize(
    "current",
    [FAKES, FAKES[1:], [*FAKES, Fake("new")], [Fake("b", "0.9-1"), Fake("a", "1:1.0-1.el6", "x")]],
)
def test_both_readers_give_one_diff(tmp_path: Path, current: list[Fake]) -> None:
    by_text, by_library = (
        compare_repos(
            edited(tmp_path / name / "base", edit).root,
            edited(tmp_path / name / "current", edit, current).root,
        )
        for name, edit in (("text", str), ("library", replaced("</arch>", "<!-- --></arch>")))
    )
    assert (by_text.quick is None, by_library.quick is None) == (False, True)
    assert by_text.diff == by_library.diff


def test_a_diff_lets_the_library_parse_each_file_of_the_current_repo_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[tuple[str, int]] = []
    parse = metadata.parse_metadata

    def noted(path: Path, kind: str, take: Callable[[Any], None], **options: Any) -> None:
        names: list[str] = []

        def named(package: Any) -> None:
            names.append(package.name)
            take(package)

        parse(path, kind, named, **options)
        parsed.append((kind, len(names)))

    for module in (metadata, repo):
        monkeypatch.setattr(module, "parse_metadata", noted)  # the library counts nothing
    base = yum_repo(tmp_path / "base", FAKES)
    current = yum_repo(tmp_path / "current", [*FAKES, Fake("new")])
    build_diff(base, current, tmp_path / "diff")
    # Of primary only the packages of the diff repo.
    assert sorted(parsed) == [
        ("filelists", len(FAKES) + 1),
        ("other", len(FAKES) + 1),
        ("primary", 1),
    ]


def test_a_fault_in_the_details_of_a_carried_package_is_reported(tmp_path: Path) -> None:
    base = yum_repo(tmp_path / "base", FAKES)
    current = edited(
        tmp_path / "current", replaced("<format>", "<format><rpm:entry>"), [Fake("new")]
    )
    path = current.metadata["primary"]
    with pytest.raises(BundleError, match=f"{path}: .*mismatch"):
        build_diff(base, current.root, tmp_path / "diff")


def test_the_selected_text_has_the_packages_at_the_locations(tmp_path: Path) -> None:
    current = edited(tmp_path, replaced("Packages/b-1", "./Packages/b-1"))
    path = tmp_path / "selected.xml"
    for count in range(len(FAKES) + 1):
        expected = current.packages[:count]
        selected = select_text(current.metadata["primary"], {p.location for p in expected})
        path.write_bytes(b"".join(selected))
        parsed: list[Any] = []
        metadata.parse_metadata(path, "primary", parsed.append)
        assert [(p.name, p.pkgId) for p in parsed] == [(p.name, p.digests[0][1]) for p in expected]


@pytest.mark.parametrize("role", ["base", "diff", "current"])
def test_a_report_and_a_proof_refuse_malformed_details(tmp_path: Path, role: str) -> None:
    roots = {name: tmp_path / name for name in ("base", "diff", "current")}
    yum_repo(roots["base"], FAKES[:1])
    yum_repo(roots["current"], FAKES)
    build_diff(roots["base"], roots["current"], roots["diff"])
    _spoil(roots[role])
    with pytest.raises(BundleError, match=f"{role}/.*primary"):
        prove_repos(roots["base"], roots["diff"], roots["current"], suites=Suites())
    if role != "diff":
        with pytest.raises(BundleError, match=f"{role}/.*primary"):
            report_repos(roots["base"], roots["current"], suites=Suites())


def _spoil(root: Path) -> None:
    """Open an element in the details of a package, and close it nowhere."""
    rewrite(root, {}, edits={"primary": replaced("<format>", "<format>\n<rpm:provides>")})
