"""The repos of a tarball are those that its header describes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.bundle.check_repos import check_repo
from fuel_upgrade.bundle.manifest import RepoPart
from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.description import FILE_NAME, DiffDescription, require_description
from fuel_upgrade.repo.package import RepoKind
from tests.builders import Fake, apt_repo

PART = RepoPart(
    version="2014.2-6.0", os_key="ubuntu", kind=RepoKind.APT, suite="precise",
    components=("main",), packages=1, size_bytes=1, full_packages=2, full_size_bytes=2,
    base="2014.1.1-5.1",
)  # fmt: skip


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    base = apt_repo(tmp_path / "base", [Fake("one"), Fake("two")])
    current = apt_repo(tmp_path / "current", [Fake("one"), Fake("two", "2.0-1")])
    build_diff(base, current, tmp_path / "diff", DiffOptions())
    return tmp_path / "diff"


def test_a_diff_repo_as_described_is_accepted(repo: Path) -> None:
    check_repo(PART, repo)


@pytest.mark.parametrize(
    "part",
    [
        replace(PART, kind=RepoKind.YUM, suite=None, components=()),
        replace(PART, suite="trusty"),
        replace(PART, components=("main", "universe")),
        replace(PART, components=()),
    ],
)
def test_another_repo_than_upgrade_yaml_describes_is_refused(repo: Path, part: RepoPart) -> None:
    for described in (part, replace(part, base=None)):
        with pytest.raises(BundleError):
            check_repo(described, repo)


LIES: list[Callable[[DiffDescription], DiffDescription]] = [
    lambda d: replace(d, result_fingerprint=f"sha256:{'0' * 64}"),
    lambda d: replace(d, counts={**d.counts, "carried": 2, "added": d.counts["added"] + 1}),
    lambda d: replace(d, inherited=(), counts={**d.counts, "inherited": 0}),
    lambda d: replace(d, inherited=(d.inherited[0].replace("one", "six"),)),
]


@pytest.mark.parametrize("lie", LIES)
def test_another_repo_than_diff_yaml_describes_is_refused(
    repo: Path, lie: Callable[[DiffDescription], DiffDescription]
) -> None:
    (repo / FILE_NAME).write_text(lie(require_description(repo)).render())
    with pytest.raises(BundleError, match="base and diff are not the release"):
        check_repo(PART, repo)
