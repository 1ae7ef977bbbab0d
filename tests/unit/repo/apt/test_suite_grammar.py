"""The grammar of suites and components, as a line of sources.list(5) takes them."""

from pathlib import Path

import pytest

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.suite import AptSuite
from fuel_upgrade.repo.apt.suite_path import suite_fault
from tests.builders import Fake, apt_repo

REAL = [
    ("trusty", ("main", "non-free")), ("trusty-updates/juno", ("main",)), ("./", ()),
    ("ubuntu/x86_64/", ()), ("./", ()), ("stable", ("updates/main",)), ("mos9.0~rc1", ("main",)),
]  # fmt: skip
NAMES = [
    "a b",
    "[x]",
    "a]",
    "a\nb",
    "..",
    "a/../b",
    "/a",
    "a//b",
    ".a",
    "a#b",
    "a\x1b",
    "a\udcff",
    "é",
]


@pytest.mark.parametrize(("suite", "components"), REAL)
def test_real_suites_are_accepted(suite: str, components: tuple[str, ...]) -> None:
    assert suite_fault(suite, components) == ""


@pytest.mark.parametrize("name", ["", *NAMES, "a" * 201])
def test_another_name_is_refused_as_suite_and_as_component(name: str) -> None:
    assert "is not the name of a suite" in suite_fault(name, ())
    assert "is not the name of a component" in suite_fault("trusty", ("main", name))


@pytest.mark.parametrize("name", ["a b", "[x]", "a\nb"])
def test_a_repo_with_such_a_suite_or_component_is_refused(tmp_path: Path, name: str) -> None:
    for folder in ("dists/trusty", "dists/trusty/main"):
        repo = apt_repo(tmp_path / folder.replace("/", "-"), [Fake("p")], suite="trusty")
        (repo / "dists/trusty/Release").unlink(missing_ok=True)
        (repo / folder).rename(repo / folder / ".." / name)
        with pytest.raises(BundleError, match=r"is not the name of a|control characters"):
            AptSuite.open(repo)
