"""A reader of a release's repo sees the old repo or the new one during a switch.

A reader may rely on this:

- the path of a repo that there is before and after never leads nowhere;
- what is read through one open folder is of one tree; it is the whole tree, if the path leads to
  that folder at the end still, or if the switch that came between was an install's, which keeps
  what it replaces; an undo removes what it takes away, and then files may be gone;
- each file over HTTP is the old or the new one, whole. Two files may be of two trees: there is
  no switch of both that a client could not come between, so it looks at the checksums, as apt
  and dnf do.

``CRASH_INSTALLS`` is the number of installs, each of which is undone.
"""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade.upgrade.engine import new_id
from fuel_upgrade.upgrade.install_options import InstallOptions
from tests.crash.reader import GONE, describe
from tests.crash.reading import Report, Walk, reading
from tests.master import ScratchMaster, scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
_SHORT = 3
_SYSTEMS = ("ubuntu", "centos")
_BASES = [f"2014.1.1-5.1/{system}/x86_64" for system in _SYSTEMS]
_SWITCHED = [
    f"{above}2014.2-6.0/{system}/x86_64" for above in ("", "full-view/") for system in _SYSTEMS
]

Trees = dict[str, dict[str, str]]


@pytest.fixture
def master(tarballs: dict[str, Path], tmp_path: Path) -> Iterator[ScratchMaster]:
    """A master with 5.1, and with older repos where those of 6.0 will be."""
    with scratch_master(tmp_path / "master") as master:
        master.install(tarballs["5.1"])
        top = master.config.paths.repos
        for repo in _SWITCHED:
            system = repo.split("/")[-2]
            shutil.copytree(top / f"2014.1.1-5.1/{system}/x86_64", top / repo)
            (top / repo / "older").write_text("than 6.0\n")
        yield master


def trees(top: Path) -> Trees:
    return {repo: describe(top / repo) for repo in (*_BASES, *_SWITCHED)}


def faults(report: Report, old: Trees, new: Trees) -> list[str]:
    """Return the faults that a reader saw."""
    wrong = [f"{repo} was missing {count} times" for repo, count in report.missing.items()]
    for walk in report.walks:
        if walk.files in (old[walk.repo], new[walk.repo]):
            continue
        if not (walk.overtaken and _is_part(walk, new[walk.repo])):
            wrong.append(f"{walk.repo}: neither the old nor the new one, but {walk.files}")
    for path, seen, _ in report.fetched:
        repo, name = _split(path)
        if seen not in (old[repo][name], new[repo][name]):
            wrong.append(f"{path}: neither the old nor the new one, but {seen}")
    return wrong


def _is_part(walk: Walk, tree: dict[str, str]) -> bool:
    there = {name: seen for name, seen in walk.files.items() if seen != GONE}
    return there.items() <= tree.items()


def _split(path: str) -> tuple[str, str]:
    repo = next(repo for repo in (*_BASES, *_SWITCHED) if path.startswith(f"{repo}/"))
    return repo, path.removeprefix(f"{repo}/")


def test_a_reader_sees_the_old_repo_or_the_new_one(
    master: ScratchMaster, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    top, engine = master.config.paths.repos, master.engine()
    old = trees(top)
    engine.install(tarballs["6.0"], InstallOptions(full_view=True), install=new_id())
    new = trees(top)
    engine.rollback()
    files = [f"{repo}/{name}" for repo in _SWITCHED for name in sorted({*old[repo]} & {*new[repo]})]
    with reading(tmp_path / "reader", top, [*_BASES, *_SWITCHED], files) as reader:
        for _ in range(int(os.environ.get("CRASH_INSTALLS") or _SHORT)):
            engine.install(tarballs["6.0"], InstallOptions(full_view=True), install=new_id())
            reader.await_looks()
            engine.rollback()
            reader.await_looks()
        report = reader.end()
    assert faults(report, old, new) == []
    for repo in _SWITCHED:  # it was there to see both
        seen = [walk.files for walk in report.walks if walk.repo == repo]
        assert old[repo] in seen
        assert new[repo] in seen
    _tell(report, old, new)


def _tell(report: Report, old: Trees, new: Trees) -> None:
    kinds: Counter[str] = Counter()
    for walk in report.walks:
        same = old[walk.repo] == new[walk.repo]
        kind = "old" if walk.files == old[walk.repo] else "new"
        kind = "unchanged" if same else kind if walk.files != {} else "gone"
        if not same and walk.files not in (old[walk.repo], new[walk.repo]):
            kind = "taken away meanwhile"
        kinds[kind + (", overtaken by a switch" if walk.overtaken else "")] += walk.count
    fetches = sum(count for *_, count in report.fetched)
    sys.stdout.write(f"\nwalks: {dict(sorted(kinds.items()))}, files over HTTP: {fetches}\n")


def test_a_reader_notices_a_switch_of_two_moves(master: ScratchMaster, tmp_path: Path) -> None:
    """A fault can be seen: the other test is not blind."""
    top = master.config.paths.repos
    repo = top / _SWITCHED[0]
    old = trees(top)
    file = f"{_SWITCHED[0]}/dists/precise/Release"
    with reading(tmp_path / "reader", top, _SWITCHED, [file]) as reader:
        repo.rename(tmp_path / "aside")
        reader.await_looks()
        (tmp_path / "aside").rename(repo)
        (repo / "older").write_text("neither\n")
        reader.await_looks()
        report = reader.end()
    actual = faults(report, old, old)
    assert any(f"{_SWITCHED[0]} was missing" in fault for fault in actual)
    assert any("neither the old nor the new one" in fault for fault in actual)
    assert any(f"{file}: " in fault for fault in actual)
