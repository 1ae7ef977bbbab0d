"""The two kinds of repo behind one protocol."""

import ast
from pathlib import Path

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.description import is_diff_repo, read_description, require_description
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.repo.read_repo import read_repo
from tests.builders import Fake, apt_repo, yum_repo

ROOT = Path(__file__).parents[3] / "fuel_upgrade"
KINDS = {"AptRepo", "YumRepo", "AptSuite", "YumMetadata"}


def names_in(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def test_nothing_asks_for_the_class_of_a_repo() -> None:
    faults = []
    for path in ROOT.rglob("*.py"):
        text = path.read_text()
        tree = ast.parse(text if any(name in text for name in KINDS) else "")
        for node in ast.walk(tree):
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if is_call and node.func.id == "isinstance" and names_in(node) & KINDS:  # type: ignore[attr-defined]
                faults.append(f"{path.relative_to(ROOT)}:{node.lineno}")  # type: ignore[attr-defined]
    assert faults == []


def test_an_apt_repo_has_an_index_for_each_component_and_architecture(tmp_path: Path) -> None:
    fakes = [Fake("a", "1-1"), Fake("b", "1-1")]
    repo = read_repo(apt_repo(tmp_path, fakes, architectures=("amd64", "i386")))
    assert repo.kind is RepoKind.APT
    assert repo.index_names == (("main", "amd64"), ("main", "i386"))
    assert {entry.index for entry in repo.entries()} == set(repo.index_names)


def test_a_yum_repo_has_one_index(tmp_path: Path) -> None:
    repo = read_repo(yum_repo(tmp_path, [Fake("a", "1-1"), Fake("b", "1-1")]))
    assert (repo.kind, repo.suite, repo.components) == (RepoKind.YUM, None, ())
    assert [entry.index for entry in repo.entries(names={"b"})] == [("", "")]


@pytest.mark.parametrize("make", [apt_repo, yum_repo])
def test_identities_are_those_of_the_entries(tmp_path: Path, make: object) -> None:
    assert callable(make)
    repo = read_repo(make(tmp_path, [Fake("a", "1-1"), Fake("b", "2-1")]))
    expected = [(e.index, e.package.identity("sha256")) for e in repo.entries()]
    parts = repo.identities("sha256")
    assert [(name, identity) for name, part in parts for identity in part] == expected


def test_a_full_repo_has_no_description(tmp_path: Path) -> None:
    assert not is_diff_repo(tmp_path)
    assert read_description(tmp_path) is None
    with pytest.raises(BundleError, match=r"no diff\.yaml"):
        require_description(tmp_path)


def test_an_unreadable_description_is_not_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "diff.yaml").mkdir()
    with pytest.raises(BundleError, match=r"diff\.yaml"):
        read_description(tmp_path)
