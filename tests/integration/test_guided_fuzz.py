"""Readers of outside bytes against inputs that libFuzzer mutates by the branches that they take."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tools import in_ci, needs_here

pytestmark = needs_here(*(() if importlib.util.find_spec("atheris") else ("atheris",)))
HERE = Path(__file__).parents[1]
TARGETS = (
    "api_bodies",
    "deb822",
    "diff_yaml",
    "metadata_yaml",
    "openstack_yaml",
    "seal",
    "tar_reader",
    "yum_metadata",
)
SECONDS = os.environ.get("FUZZ_SECONDS", "20")
#: Where corpora and findings stay, for people.
FOLDER = os.environ.get("FUZZ_FOLDER", "")


def fuzz(name: str, folder: Path, *, seconds: str) -> dict[str, Any]:
    """Fuzz a target for so much CPU time; return the report."""
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    report = folder / "report.json"
    report.unlink(missing_ok=True)  # of an earlier run
    argv = [sys.executable, "-m", "tests.fuzz", name, str(folder), "--seconds", seconds]
    argv += ["--seed", "1"] if in_ci() else []
    with (folder / "log").open("wb") as log:
        done = subprocess.run(
            argv, cwd=HERE.parent, env={**os.environ, "TMPDIR": str(scratch)},
            stdout=log, stderr=log, check=False,
        )  # fmt: skip
    ended = (folder / "log").read_text(encoding="utf-8", errors="replace")[-3000:]
    assert report.exists(), f"{name} ended with {done.returncode}: {ended}"
    return dict(json.loads(report.read_text()))


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_accepts_or_refuses_every_input(name: str, tmp_path: Path) -> None:
    report = fuzz(name, Path(FOLDER) / name if FOLDER else tmp_path, seconds=SECONDS)
    findings = report.pop("findings")
    print(f"\n{report}")  # noqa: T201 - counts for people
    assert not findings, "\n".join(f"{key}: {text}" for key, text in findings.items())
    assert report["corpus"] > 0
    assert 0 < report["refused"] < report["executions"] or name == "api_bodies"


def test_every_target_is_tested() -> None:
    paths = (HERE / "fuzz").glob("*.py")
    assert tuple(sorted(p.stem for p in paths if "\nTARGET = " in p.read_text())) == TARGETS


def test_a_fault_of_a_reader_is_reported_with_its_input(tmp_path: Path) -> None:
    assert fuzz("faulty", tmp_path, seconds="1")["findings"]
