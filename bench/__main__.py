"""``python -m bench [ROUNDS]``: prints ratios, not times, which depend on the machine."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from debian.deb822 import Packages

from bench.inputs import index_pair, made_up_pair, package_pair
from bench.original import diff_mirror
from bench.ratio import ratio, rounds
from fuel_upgrade.repo.apt.fast_diff import compare_indexes
from fuel_upgrade.repo.apt.repo import AptRepo
from fuel_upgrade.repo.build import DiffOptions, build_diff
from fuel_upgrade.repo.compare import compare_repos

_PEAK = """
import sys
from pathlib import Path
from fuel_upgrade.repo.compare import compare_repos
compare_repos(Path(sys.argv[1]), Path(sys.argv[2]))
status = Path("/proc/self/status").read_text()  # getrusage counts the parent's too
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


def main() -> None:
    """Measure everything."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    # Beside the packages where they are named: hard links need the same file system.
    beside = os.environ.get("BENCH_SCRATCH")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=beside) as name:
        folder = Path(name)
        _indexes(folder / "indexes", n)
        _packages(folder / "packages", n)


def _indexes(folder: Path, n: int) -> None:
    base, current = index_pair(folder)
    sides = AptRepo.open(base), AptRepo.open(current)
    files = [index.path for side in sides for index in side.indexes]
    seconds = rounds(
        {
            "read": lambda: [len(path.read_bytes()) for path in files],
            "compare": lambda: compare_indexes(*sides),
            "whole diff": lambda: compare_repos(base, current),
        },
        n,
        clock=time.process_time,
    )
    parsers = rounds(
        {
            "python-debian": lambda: _deb822(files),
            "whole diff": lambda: compare_repos(base, current),
        },
        1,
    )
    counted = compare_repos(base, current).diff
    print(f"indexes: {len(counted.inherited)} inherited, {len(counted.carried)} carried")
    print(" ", ratio(seconds, "compare", "read", "at most 6"))
    print(" ", ratio(seconds, "whole diff", "read", "reported, no bound"))
    print(" ", ratio(parsers, "python-debian", "whole diff", "above 1"))
    argv = [sys.executable, "-c", _PEAK, str(base), str(current)]
    peak = subprocess.run(argv, capture_output=True, check=True, text=True).stdout.strip()
    print(f"  peak memory of the whole diff: {peak} MiB (wanted below 150)")


def _deb822(files: list[Path]) -> None:
    for path in files:
        with path.open("rb") as stream:
            for paragraph in Packages.iter_paragraphs(stream, use_apt_pkg=False):
                _ = paragraph["Package"], paragraph["Version"], paragraph["SHA256"]


def _packages(folder: Path, n: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    base, current = package_pair() or made_up_pair(folder / "made")
    fresh = _Outputs(folder)
    seconds = rounds(
        {
            "original": lambda: diff_mirror(base, current, fresh()),
            "ours": lambda: build_diff(base, current, fresh()),
            "ours, verified": lambda: build_diff(
                base, current, fresh(), DiffOptions(verify_links=True)
            ),
        },
        n,
    )
    print("diff repo of real packages:")
    print(" ", ratio(seconds, "original", "ours", "at least 40"))
    print(" ", ratio(seconds, "original", "ours, verified", "at least 12"))


class _Outputs:
    """Returns a new folder at each call; all stay until the end, so that no removal is timed."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0

    def __call__(self) -> Path:
        self._count += 1
        return self._folder / f"out{self._count}"


if __name__ == "__main__":
    main()
