"""The work of the commands for repos grows with the packages, and not faster than n log n."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from fuel_upgrade.cli.main import main
from tests.builders import Fake, apt_repo, yum_repo
from tests.growth import assert_all_n_log_n, lines_of

Make = Callable[[Path, Sequence[Fake]], object]
Pair = tuple[list[Fake], list[Fake]]
N = 64
REPOS = pytest.mark.parametrize("make", [apt_repo, yum_repo], ids=["apt", "yum"])


def changed(n: int) -> Pair:
    """Every package is new: all of them are in the diff, its proof and its report."""
    old = [Fake(f"p{k:04}", "1.0-1", f"old {k}") for k in range(n)]
    return old, [Fake(f"p{k:04}", "2.0-1", f"new {k}") for k in range(n)]


def same(n: int) -> Pair:
    """One package is new, and all others are inherited."""
    both = [Fake(f"p{k:04}", "1.0-1", str(k)) for k in range(n)]
    return both, [*both, Fake("new")]


def versions(n: int) -> Pair:
    """One package in many versions, of which half are new."""
    both = [Fake("p", f"1.{k}-1", str(k)) for k in range(n)]
    return both[: n // 2 + 1], both[n // 2 :]


SHAPES = pytest.mark.parametrize("shape", [changed, same, versions])


def command(*words: str | Path) -> None:
    done = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output


@REPOS
@SHAPES
def test_diff_proof_report_and_view(
    make: Make, shape: Callable[[int], Pair], tmp_path: Path
) -> None:
    def count(n: int) -> dict[str, int]:
        root = tmp_path / str(n)
        base, current, diff = root / "base", root / "current", root / "diff"
        for folder, fakes in zip((base, current), shape(n), strict=True):
            make(folder, fakes)
        page = ("--format", "html", "-o", root / "page")
        return {
            "diff": lines_of(lambda: command("repo", "diff", base, current, "-o", diff)),
            "prove": lines_of(lambda: command("repo", "prove", base, diff, current)),
            "report": lines_of(lambda: command("repo", "report", base, current)),
            "page": lines_of(lambda: command("repo", "report", base, current, *page)),
            "view": lines_of(lambda: command("repo", "view", diff, base, "-o", root / "view")),
            "squash": lines_of(lambda: command("repo", "squash", diff, base, "-o", root / "full")),
        }

    assert_all_n_log_n(count, N)
