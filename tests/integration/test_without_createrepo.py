"""Without createrepo_c only the work on yum repos fails."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.builders import Fake, apt_repo, yum_repo

BASE = [Fake("a", "1"), Fake("b", "1")]
CURRENT = [Fake("a", "2"), Fake("b", "1")]


def run_without_createrepo(*commands: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run commands in turn in a process of their own, up to the first that fails."""
    code = f"""
import sys
sys.modules["createrepo_c"] = None  # its import fails then
from fuel_upgrade.cli.main import main
for argv in {[[str(word) for word in argv] for argv in commands]!r}:
    try:
        main(argv)
    except SystemExit as end:
        if end.code:
            raise
"""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_work_on_apt_repos_goes_on(tmp_path: Path) -> None:
    base, current = apt_repo(tmp_path / "base", BASE), apt_repo(tmp_path / "current", CURRENT)
    diff, view = tmp_path / "diff", tmp_path / "view"
    done = run_without_createrepo(
        ("repo", "diff", base, current, "-o", diff),
        ("repo", "prove", base, diff, current),
        ("repo", "report", base, current),
        ("repo", "view", diff, base, "-o", view),
    )
    assert done.returncode == 0, done.stderr
    assert view.is_dir()


@pytest.mark.parametrize("words", [("diff", "-o", "out"), ("report",)], ids=lambda w: w[0])
def test_work_on_yum_repos_names_the_package_to_install(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    base, current = yum_repo(tmp_path / "base", BASE), yum_repo(tmp_path / "current", CURRENT)
    command, *options = words
    options = [str(tmp_path / o) if o == "out" else o for o in options]
    done = run_without_createrepo(("repo", command, base, current, *options))
    error, state, remedy = done.stderr.splitlines()
    assert error.startswith("error:  createrepo_c, which reads and writes yum repos, cannot be")
    assert state == "state:  nothing was changed"
    assert "apt-get install createrepo-c" in remedy
    assert "dnf install createrepo_c" in remedy
    assert done.returncode == 7
    assert not (tmp_path / "out").exists()
