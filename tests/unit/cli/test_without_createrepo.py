"""Where createrepo_c cannot be loaded, nothing but work on yum repos fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import Fake, apt_repo, yum_repo

BASE = [Fake("a", "1"), Fake("b", "1")]
CURRENT = [Fake("a", "2"), Fake("b", "1")]


def run_without_createrepo(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.modules['createrepo_c'] = None\n"  # its import fails then
        "from fuel_upgrade.cli.main import main; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *argv],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_work_on_apt_repos_goes_on(tmp_path: Path) -> None:
    base, current = apt_repo(tmp_path / "base", BASE), apt_repo(tmp_path / "current", CURRENT)
    diff = tmp_path / "diff"
    done = run_without_createrepo("repo", "diff", base, current, "-o", diff)
    assert done.returncode == 0, done.stderr
    for argv in (("prove", base, diff, current), ("report", base, current),
                 ("view", diff, base, "-o", tmp_path / "view")):  # fmt: skip
        done = run_without_createrepo("repo", *argv)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [("diff", "-o", "out"), ("report",)], ids=lambda w: w[0])
def test_work_on_yum_repos_names_the_package_to_install(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    base, current = yum_repo(tmp_path / "base", BASE), yum_repo(tmp_path / "current", CURRENT)
    command, *options = words
    options = [str(tmp_path / o) if o == "out" else o for o in options]
    done = run_without_createrepo("repo", command, base, current, *options)
    error, state, remedy = done.stderr.splitlines()
    assert error.startswith("error:  createrepo_c, which reads and writes yum repos, cannot be")
    assert state == "state:  nothing was changed"
    assert "apt-get install createrepo-c" in remedy
    assert "dnf install createrepo_c" in remedy
    assert done.returncode == 7
    assert not (tmp_path / "out").exists()
