"""Of several repos expat parses each text of a package once, and reads as it reads one repo."""

from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.yum import expat_reader
from fuel_upgrade.repo.yum.expat_reader import read_lines
from tests.builders import Fake, yum_repo
from tests.yum_extras import rewrite

FAKES = [Fake("a", "1:1.0-1.el6"), Fake("b"), Fake("c++", "2.0~rc1-1")]
COMMON = "{http://linux.duke.edu/metadata/common}"
Edit = Callable[[str], str]


def edited(root: Path, edit: Edit, fakes: list[Fake] = FAKES) -> Path:
    return rewrite(yum_repo(root, fakes), {}, edits={"primary": edit})


def replaced(old: str, new: str, count: int = 1) -> Edit:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, count)

    return edit


def lines_of(*roots: Path) -> list[set[str] | str]:
    """Return the packages of each repo, or the fault."""
    found: list[set[str] | str] = []
    for parts in read_lines(roots, "sha256"):
        try:
            found.append(set(chain.from_iterable(parts)))
        except BundleError as error:
            found.append(error.what.partition(": line ")[0])  # lines of known packages do not count
    return found


def test_a_package_with_the_same_text_is_parsed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    line_of = expat_reader._line

    def noted(values: Mapping[str, str], algorithm: str) -> str:
        parsed.append(values["name"])
        return line_of(values, algorithm)

    monkeypatch.setattr(expat_reader, "_line", noted)  # nothing else shows a parse
    base = edited(tmp_path / "base", str)
    current = edited(tmp_path / "current", str, [*FAKES[1:], Fake("new")])
    both = lines_of(base, current)
    assert parsed == ["a", "b", "c++", "new"]
    assert [len(lines) for lines in both] == [3, 3]


def hidden(start: str, end: str) -> Edit:
    """Wrap the second package, whose text the base has too."""

    def edit(text: str) -> str:
        before, first, second, third = text.split("<package ")
        return "<package ".join((before, first + start, second + end, third))

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        hidden("<!--", "-->"),
        hidden("<![CDATA[", "]]>"),
        hidden("<?note ", "?>"),
        hidden('<other xmlns="http://other">', "</other>"),
        replaced("<format>", "<format><!-- </package> -->"),
        replaced("<summary>", "<!-- </package> --><summary>"),
        replaced("<metadata ", "<!-- <package --><metadata "),
        replaced('<package type="rpm">', '<package\ntype="rpm">'),
        replaced("<summary>", '<package type="rpm"/><summary>'),
        replaced("linux.duke.edu/metadata/common", "linux.duke.edu/metadata/other"),
        replaced("</format>", ""),
        replaced("</package>", ""),
        replaced("</metadata>", ""),
        replaced("<name>a</name>", "<name>a &amp; a</name>"),
        replaced("<name>", "<name>\n"),
        replaced('epoch="0"', ""),
        lambda text: text[: text.index("<package")] + "</metadata>",
        lambda text: text.replace("<package ", "<x:package ").replace("</package>", "</x:package>"),
    ],
)
def test_a_repo_behind_another_one_is_read_as_it_is_alone(tmp_path: Path, edit: Edit) -> None:
    base, current = edited(tmp_path / "base", str), edited(tmp_path / "current", edit)
    assert lines_of(base, current)[1:] == lines_of(current)


@pytest.mark.parametrize(
    "edit",
    [
        str,
        hidden("<!--", "-->"),
        hidden("<![CDATA[", "]]>"),
        replaced("<summary>", "<!-- </package> --><summary>"),
        replaced("<format>", "<format><!-- </package> -->"),
        replaced("<name>a</name>", "<name>a&#43;</name>"),
        replaced('<package type="rpm">', '<package\ntype="rpm">'),
    ],
)
def test_the_packages_are_those_of_a_tree_of_the_whole_text(tmp_path: Path, edit: Edit) -> None:
    texts: list[str] = []

    def noted(text: str) -> str:
        texts.append(edit(text))
        return texts[-1]

    base, current = edited(tmp_path / "base", str), edited(tmp_path / "current", noted)
    packages = ElementTree.fromstring(texts[0]).findall(f"{COMMON}package")
    expected = {
        (package.findtext(f"{COMMON}name"), package.findtext(f"{COMMON}checksum"))
        for package in packages
    }
    _, lines = lines_of(base, current)
    assert {(line.split(" ")[0], line.split(" ")[-1]) for line in lines} == expected
    assert len(lines) == len(packages)


def test_a_package_without_the_checksum_has_its_location(tmp_path: Path) -> None:
    root = edited(tmp_path, replaced("Packages/c++", "Packages/é&amp;"))
    (parts,) = read_lines([root], "md5")
    lines = dict(line.split("\0") for lines in parts for line in lines)
    located = {(name.split(" ")[0], place.split("-")[0]) for name, place in lines.items()}
    assert located == {("a", "Packages/a"), ("b", "Packages/b"), ("c++", "Packages/é&")}
