"""The change report: the kinds of changes, their sizes, and the four formats."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from fuel_upgrade.bundle.tarball_changes import report_spec, report_tarball
from fuel_upgrade.repo.build import build_diff
from fuel_upgrade.repo.description import FILE_NAME, DiffDescription
from fuel_upgrade.repo.proof.read_proof import Suites, report_repos
from fuel_upgrade.repo.report.package_changes import Change, ChangeKind, RepoReport, Report
from fuel_upgrade.repo.report.render import RENDERERS
from tests.builders import Fake, apt_repo, make_tarball, write_parts, yum_repo

PARTS = ("main", "universe")
BASE = (
    Fake("same"),
    Fake("up", "1.0-1", "o"),
    Fake("down", "2.0-1"),
    Fake("rebuilt", content="one"),
    Fake("gone", content="12345"),
    Fake("wandering"),
    Fake("beside", "1.0-1"),
)
CURRENT = (
    Fake("same"),
    Fake("up", "1.10-1", "newer"),
    Fake("down", "1.0-1"),
    Fake("rebuilt", content="three"),
    Fake("new", content="123"),
    Fake("wandering", component="universe"),
    Fake("beside", "1.0-1"),
    Fake("beside", "0.9-1"),
)


@pytest.fixture
def report(tmp_path: Path) -> RepoReport:
    base = apt_repo(tmp_path / "base", BASE, components=PARTS)
    current = apt_repo(tmp_path / "current", CURRENT, components=PARTS)
    return report_repos(base, current, suites=Suites(), name="repo")


def test_each_change_has_its_kind(report: RepoReport) -> None:
    summary = {(c.kind.value, c.name, c.old, c.new) for c in report.changes}
    assert summary == {
        ("upgraded", "up", ("1.0-1",), ("1.10-1",)),
        ("downgraded", "down", ("2.0-1",), ("1.0-1",)),
        ("rebuilt", "rebuilt", ("1.0-1",), ("1.0-1",)),
        ("removed", "gone", ("1.0-1",), ()),
        ("added", "new", (), ("1.0-1",)),
        ("added", "beside", (), ("0.9-1",)),
        ("moved", "wandering", (), ()),
    }
    moved = report.of_kind(ChangeKind.MOVED)[0]
    assert (moved.old_components, moved.new_components) == (("main",), ("universe",))
    assert moved.kept == ("1.0-1",)


def test_sizes_and_counts_are_of_both_sides(report: RepoReport) -> None:
    assert (report.old_packages, report.new_packages) == (len(BASE), len(CURRENT))
    assert report.old_bytes == sum(len(fake.data) for fake in BASE)
    assert report.new_bytes == sum(len(fake.data) for fake in CURRENT)
    rebuilt = report.of_kind(ChangeKind.REBUILT)[0]
    assert (rebuilt.old_bytes, rebuilt.new_bytes) == (3, 5)


def test_the_counts_agree_with_those_of_the_diff_repo(tmp_path: Path) -> None:
    base = apt_repo(tmp_path / "base", BASE, components=PARTS)
    current = apt_repo(tmp_path / "current", CURRENT, components=PARTS)
    description = build_diff(base, current, tmp_path / "diff")
    counts = description.report("x").counts
    for kind in ("added", "upgraded", "rebuilt", "downgraded", "removed"):
        assert counts[kind] == description.counts[kind], kind


def test_a_line_of_diff_yaml_gives_the_change_again(report: RepoReport) -> None:
    for change in report.changes:
        assert Change.parse(change.line()) == change
    with pytest.raises(ValueError, match="10 words"):
        Change.parse("upgraded x")


def test_missing_sizes_are_shown_as_unknown(tmp_path: Path) -> None:
    """A base that is a diff repo inherits packages without their sizes."""
    first = apt_repo(tmp_path / "1", [Fake("a"), Fake("b")])
    second = apt_repo(tmp_path / "2", [Fake("a"), Fake("b"), Fake("c")])
    build_diff(first, second, tmp_path / "diff")
    third = apt_repo(tmp_path / "3", [Fake("a", content="new"), Fake("b"), Fake("c")])
    summary = report_repos(tmp_path / "diff", third, suites=Suites())
    assert [(c.name, c.old_bytes) for c in summary.changes] == [("a", None)]
    assert (summary.old_packages, summary.old_bytes) == (3, None)
    for render in RENDERERS.values():
        assert render(Report("t", (summary,)))
    assert "unknown before" in RENDERERS["text"](Report("t", (summary,)))


def test_a_yum_repo_has_no_components(tmp_path: Path) -> None:
    base, current = yum_repo(tmp_path / "b", BASE[:2]), yum_repo(tmp_path / "c", CURRENT[:2])
    summary = report_repos(base, current, suites=Suites())
    assert [(c.kind.value, c.old_components) for c in summary.changes] == [("upgraded", ())]


class Page(HTMLParser):
    """Checks that tags close in order; collects what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)
        self.fetched += [str(v) for k, v in attrs if k in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read_page(report: Report) -> tuple[str, Page]:
    text, page = RENDERERS["html"](report), Page()
    page.feed(text)
    assert page.open == []
    return text, page


def test_the_page_is_self_contained(report: RepoReport) -> None:
    text, page = read_page(Report("Changes <1> & 2", (report, report)))
    assert page.fetched, "the sums lead to their tables"
    assert all(place.startswith("#") and f'id="{place[1:]}"' in text for place in page.fetched)
    assert "://" not in text
    assert "default-src 'none'" in text
    assert "Changes <1> & 2" in page.text
    assert "main -> universe" in page.text


def test_only_the_page_s_own_script_may_run(report: RepoReport) -> None:
    text, _ = read_page(Report("t", (report,)))
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


def test_hostile_names_are_text_on_the_page(report: RepoReport) -> None:
    hostile = "<script>alert(1)</script>\"'&amp;<img src=x onerror=y>"
    change = replace(report.changes[0], name=hostile, new=("1<b>",), new_components=("</td>",))
    _, page = read_page(Report(hostile, (replace(report, name=hostile, changes=(change,)),)))
    assert page.text.count(hostile) == 4, "title, heading, repo and package"
    assert "1<b>" in page.text
    assert not [place for place in page.fetched if not place.startswith("#")]


def test_markdown_escapes_names(report: RepoReport) -> None:
    odd = Change(ChangeKind.ADDED, "a|b_c", "all", (), ("1",), (), 0, 1)
    text = RENDERERS["markdown"](Report("t", (RepoReport("r", 0, 1, 0, 1, (odd,)),)))
    assert "| a\\|b\\_c all |" in text
    full = RENDERERS["markdown"](Report("t", (report,)))
    rows = [line for line in full.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {7}


def test_text_and_json_say_the_same(report: RepoReport) -> None:
    whole = Report("t", (report,))
    data = json.loads(RENDERERS["json"](whole))
    assert data["repos"][0]["counts"] == report.counts
    text = RENDERERS["text"](whole)
    assert "up all: 1.0-1 -> 1.10-1 (1 B -> 5 B, main)" in text
    assert "Same version with other content (1):" in text


def test_a_tarball_is_reported_from_its_own_descriptions(tmp_path: Path) -> None:
    summary = report_tarball(make_tarball(tmp_path))
    assert [
        (repo.name, repo.counts["rebuilt"], repo.counts["added"]) for repo in summary.repos
    ] == [
        ("2014.2-6.0 centos, since 2014.1.1-5.1", 0, 1),
        ("2014.2-6.0 ubuntu, since 2014.1.1-5.1", 1, 0),
    ]


def test_a_bundle_is_reported_before_it_is_built(tmp_path: Path) -> None:
    data = write_parts(tmp_path)
    (tmp_path / "bundle.yaml").write_text(yaml.safe_dump(data))
    make_tarball(tmp_path / "again")
    built = report_tarball(tmp_path / "again/fuel-6.0-upgrade.tar")
    assert report_spec(tmp_path / "bundle.yaml").repos == built.repos


def test_an_older_description_gives_its_numbers_only(tmp_path: Path) -> None:
    base = apt_repo(tmp_path / "base", BASE, components=PARTS)
    current = apt_repo(tmp_path / "current", CURRENT, components=PARTS)
    build_diff(base, current, tmp_path / "diff")
    text = (tmp_path / "diff" / FILE_NAME).read_text()
    start, end = text.index("changes: |"), text.index("inherited: |")
    old = DiffDescription.parse(text[:start] + text[end:], source="diff.yaml")
    summary = old.report("x")
    assert (summary.changes, summary.old_packages) == ((), None)
    assert "1 rebuilt" in summary.note


def test_names_cannot_become_markup_in_the_page() -> None:
    change = Change(ChangeKind.ADDED, "<script>x", "all", (), ("1",), (), None, 1)
    page = RENDERERS["html"](Report("<b>", (RepoReport("&", 0, 1, 0, 1, (change,), "<i>"),)))
    assert page.count("<script>") == 1
    assert not re.search("<b>\n|<i>|<script>x|>&<", page)
