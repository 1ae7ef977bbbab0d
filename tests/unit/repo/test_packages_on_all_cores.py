"""Packages whose content is read are read by several threads; links cost none."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.fullview.view import build_view
from fuel_upgrade.system.files import copy_hashed, hash_file
from tests.builders import Fake, apt_repo, yum_repo

PACKAGES = (".deb", ".rpm")
READERS = {hash_file.__code__, copy_hashed.__code__}
BASE, CURRENT = [Fake("same")], [Fake("same"), Fake("new"), Fake("newer")]


def reads_in_threads(run: Callable[[], object]) -> int:
    """Count the packages that threads other than this one read whole."""
    reads: list[str] = []

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code in READERS:
            path = Path(frame.f_locals[frame.f_code.co_varnames[0]])
            if path.suffix in PACKAGES:
                reads.append(path.name)

    threading.setprofile(note)
    try:
        run()
    finally:
        threading.setprofile(None)
    return len(reads)


@pytest.mark.parametrize("make", [apt_repo, yum_repo], ids=["apt", "yum"])
@pytest.mark.parametrize(
    ("options", "carried", "all_packages"),
    [
        (DiffOptions(), 0, 0),
        (DiffOptions(verify_links=True), 2, 3),
        (DiffOptions(link=False), 2, 3),
    ],
    ids=["linked", "verified", "copied"],
)
def test_packages_of_a_diff_and_a_view_are_read_in_threads(
    tmp_path: Path,
    make: Callable[..., Path],
    options: DiffOptions,
    carried: int,
    all_packages: int,
) -> None:
    base, current = make(tmp_path / "base", BASE), make(tmp_path / "current", CURRENT)
    diff, view = tmp_path / "diff", tmp_path / "view"
    assert reads_in_threads(lambda: build_diff(base, current, diff, options)) == carried
    assert reads_in_threads(lambda: build_view([diff, base], view, options)) == all_packages
