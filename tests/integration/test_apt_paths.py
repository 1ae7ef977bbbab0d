"""Suites and components whose names are paths, as the real apt reads them."""

from pathlib import Path

import pytest

from demo.nodes import AptNode
from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.repo import read_apt
from fuel_upgrade.repo.apt.suite import suites
from fuel_upgrade.repo.build import build_diff
from tests.builders import Fake, apt_repo
from tests.tools import needs

pytestmark = needs("apt-get", "apt-cache")


@pytest.mark.parametrize(
    ("suite", "component"),
    [("trusty-updates/juno", "main"), ("stretch", "updates/main"), ("a/b", "c/d/e")],
)
def test_a_diff_of_a_repo_with_slashes_is_what_apt_reads(
    tmp_path: Path, suite: str, component: str
) -> None:
    old = [Fake("a", "1", component=component), Fake("b", "1", component=component)]
    new = [Fake("a", "2", component=component), Fake("b", "1", component=component)]
    base = apt_repo(tmp_path / "base", old, suite=suite, components=(component,))
    current = apt_repo(tmp_path / "current", new, suite=suite, components=(component,))
    assert suites(current) == (suite,)
    assert read_apt(current).components == (component,)
    build_diff(base, current, tmp_path / "diff")
    for repo, expected in ((current, {"a", "b"}), (tmp_path / "diff", {"a"})):
        line = f"deb [trusted=yes] copy:{repo} {suite} {component}"
        node = AptNode(tmp_path / f"apt-{repo.name}")
        node.apply({"etc/apt/sources.list": line + "\n"})
        assert set(node.names()) == expected


def test_a_component_may_have_the_prefix_of_its_suite(tmp_path: Path) -> None:
    root = apt_repo(tmp_path, [Fake("a", "1")], suite="stretch")
    release = root / "dists/stretch/Release"
    release.write_text(release.read_text().replace("Components: main", "Components: updates/main"))
    assert read_apt(root).components == ("main",)


def test_a_suite_inside_another_one_is_its_own(tmp_path: Path) -> None:
    apt_repo(tmp_path, [Fake("a", "1")], suite="x")
    apt_repo(tmp_path, [Fake("b", "1")], suite="x/y")
    assert suites(tmp_path) == ("x", "x/y")
    names = {s: [p.name for p in read_apt(tmp_path, suite=s).packages] for s in suites(tmp_path)}
    assert names == {"x": ["a"], "x/y": ["b"]}


def test_a_link_names_its_suite(tmp_path: Path) -> None:
    root = apt_repo(tmp_path, [Fake("a", "1")], suite="bookworm")
    (root / "dists/stable").symlink_to("bookworm")
    assert [p.name for p in read_apt(root).packages] == ["a"]
    assert [p.name for p in read_apt(root, suite="stable").packages] == ["a"]


def test_an_index_that_release_does_not_list_is_refused_as_apt_ignores_it(tmp_path: Path) -> None:
    root = apt_repo(tmp_path / "repo", [Fake("a", "1")], suite="x")
    fakes = [Fake("b", "1", component="extra")]
    apt_repo(root, fakes, suite="x", components=("extra",), release=False)
    node = AptNode(tmp_path / "apt")
    node.apply({"etc/apt/sources.list": f"deb [trusted=yes] copy:{root} x main extra\n"})
    assert node.names() == ["a"]
    with pytest.raises(BundleError, match="does not list extra/binary-amd64/Packages"):
        read_apt(root)


def test_udebs_are_no_packages(tmp_path: Path) -> None:
    fakes = [Fake("a", "1"), Fake("u", "1", component="main/debian-installer")]
    root = apt_repo(tmp_path, fakes, components=("main", "main/debian-installer"))
    assert [p.name for p in read_apt(root).packages] == ["a"]
