"""A web server can read every repo, whatever the umask of the build and the modes of its inputs."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.fullview.view import build_view
from tests.builders import Fake, apt_repo, yum_repo

Make = Callable[[Path, list[Fake]], Path]


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def hidden(root: Path) -> list[str]:
    """Return the paths that another user cannot read."""
    paths = (root, *root.rglob("*"))
    expected = {True: 0o555, False: 0o444}
    return [
        str(p) for p in paths if p.stat().st_mode & expected[p.is_dir()] != expected[p.is_dir()]
    ]


@pytest.mark.usefixtures("strict_umask")
@pytest.mark.parametrize("link", [True, False], ids=["link", "copy"])
@pytest.mark.parametrize("make", [apt_repo, yum_repo])
def test_a_web_server_reads_what_a_strict_umask_built(
    tmp_path: Path,
    make: Make,
    link: bool,  # noqa: FBT001 - given by pytest
) -> None:
    base = make(tmp_path / "base", [Fake("a", "1-1"), Fake("b", "1-1")])
    current = make(tmp_path / "current", [Fake("a", "2-1"), Fake("b", "1-1")])
    package = next(p for p in current.rglob("*a*2-1*") if p.is_file())
    package.chmod(0o600)
    diff, view = tmp_path / "diff", tmp_path / "view"
    build_diff(base, current, diff, options=DiffOptions(link=link))
    build_view([diff, base], view, options=DiffOptions(link=link))
    assert (hidden(diff), hidden(view)) == ([], [])
    assert package.stat().st_mode & 0o777 == 0o600
