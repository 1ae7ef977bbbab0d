"""``repo diff`` of hostile repos: a refusal in bounded time and memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import Fake, apt_repo, yum_repo
from tests.host import BIN
from tests.hostile_repos import APT, MIB, YUM

LEAST = 40
TIMEOUT_S = 120
#: A name that only rich would read, and components that no folder has.
HARMLESS = {("apt", "name markup"), ("apt", "release components")}
MOST_BYTES = 256 * MIB
_RUN = f"""
import resource, subprocess, sys
try:
    code = subprocess.run(sys.argv[1:], timeout={TIMEOUT_S}).returncode
except subprocess.TimeoutExpired:
    code = 124
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(code, used.ru_maxrss)
"""


def test_there_are_enough_of_them() -> None:
    assert len(APT) + len(YUM) >= LEAST


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bases")
    return {
        "apt": apt_repo(folder / "apt", [Fake("base")], suite="s"),
        "yum": yum_repo(folder / "yum", [Fake("base")]),
    }


CASES = [("apt", name) for name in APT] + [("yum", name) for name in YUM]


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[f"{k} {n}" for k, n in CASES])
def test_a_hostile_repo_is_refused(
    bases: dict[str, Path], tmp_path: Path, kind: str, name: str
) -> None:
    root, out = tmp_path / "hostile", tmp_path / "work/out"
    out.parent.mkdir()
    {"apt": APT, "yum": YUM}[kind][name](root)
    argv: list[str | Path] = [
        BIN / "fuel-upgrade",
        "repo",
        "diff",
        bases[kind],
        root,
        "-o",
        out,
        "--indexes-only",
    ]
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *argv], capture_output=True, text=True, check=True
    )
    *_, last = done.stdout.splitlines()
    code, kib = last.split()
    printed = done.stdout + done.stderr
    assert code == ("0" if (kind, name) in HARMLESS else "3"), printed
    assert "Traceback" not in printed
    assert all(line.isprintable() for line in printed.split("\n"))
    assert len(printed) < 20_000
    assert int(kib) * 1024 < MOST_BYTES
    assert list(out.parent.iterdir()) == ([out] if code == "0" else [])
