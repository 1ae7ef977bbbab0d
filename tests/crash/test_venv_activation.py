"""A reader that starts the interpreter in a loop while the venv is switched.

Beside it the way of 2016: the venv is removed, then the archive is unpacked in its place.
``VENV_SWITCHES`` is the number of switches. Prints figures, and asserts none.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import sub
from pathlib import Path

import pytest

from fuel_upgrade.venv.host.request import DeployRequest
from tests.crash.beside_reader import BesideReader
from tests.crash.venv_host import VenvHost, venv_host
from tests.tools import needs

pytestmark = needs("uv", "git", "nginx")
_SHORT = 2
_PROGRAM = "import alpha, beta; print(alpha.VERSION, beta.VERSION)"
_WAIT_S = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """The versions that one start of the interpreter printed, or nothing if it failed."""

    at_s: float
    versions: tuple[str, ...]
    is_missing: bool


class Reader(BesideReader):
    """Starts ``bin/python`` of a venv in a loop; ``answers`` are in the order of their ends."""

    def __init__(self, venv: Path) -> None:
        super().__init__()
        self.answers: list[Answer] = []
        self._argv = [str(venv / "bin/python"), "-IBc", _PROGRAM]

    def read(self) -> None:
        is_missing, output = False, ""
        try:
            done = subprocess.run(self._argv, capture_output=True, text=True, check=False)
            output = "" if done.returncode else done.stdout
        except FileNotFoundError:
            is_missing = True
        self.answers.append(Answer(time.monotonic(), tuple(output.split()), is_missing))

    def await_answer(self, version: str) -> Answer:
        """Return the next answer of a version."""
        deadline = time.monotonic() + _WAIT_S
        seen = len(self.answers)
        while time.monotonic() < deadline:
            for answer in self.answers[seen:]:
                if version in answer.versions:
                    return answer
            time.sleep(0.001)
        raise AssertionError(f"no answer of {version}")

    def gap_s(self, old: str, new: str, first: int) -> float:
        """Return the time between the last old and the first new whole answer since ``first``."""
        answers = self.answers[first:]
        begins = next(a.at_s for a in answers if a.versions == (new, new))
        return begins - max(a.at_s for a in answers if a.versions == (old, old) and a.at_s < begins)

    def figures(self, gaps: list[float]) -> dict[str, float]:
        times = [answer.at_s for answer in self.answers]
        failed = [answer for answer in self.answers if not answer.versions]
        return {
            "answers": len(self.answers),
            "interpreter_missing": sum(answer.is_missing for answer in failed),
            "failed": len(failed),
            "mixed": sum(len(set(answer.versions)) > 1 for answer in self.answers),
            "median_between_answers_ms": _ms(statistics.median(map(sub, times[1:], times))),
            "median_gap_ms": _ms(statistics.median(gaps)),
            "longest_gap_ms": _ms(max(gaps)),
        }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def observed(venv: Path, switches: int, switch: Callable[[str], object]) -> dict[str, float]:
    """Switch between the versions under a reader; the first switch is to 1.0."""
    reader = Reader(venv)
    gaps = []
    with reader.reading():
        for number in range(switches):
            old, new = ("2.0", "1.0") if number % 2 == 0 else ("1.0", "2.0")
            reader.await_answer(old)
            first = len(reader.answers) - 1
            switch(new)
            reader.await_answer(new)
            gaps.append(reader.gap_s(old, new, first))
    return reader.figures(gaps)


def removed_and_unpacked(host: VenvHost, venv: Path, version: str) -> None:
    """Replace a venv as in 2016."""
    (archive,) = (host.folder / f"repo-{version}/venvs/1").glob("*-*/api-1.tgz")
    shutil.rmtree(venv, ignore_errors=True)
    venv.mkdir()
    with tarfile.open(archive) as tar:
        tar.extractall(venv, filter="fully_trusted")


def test_no_switch_shows_a_missing_interpreter_or_a_mixed_venv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switches = int(os.environ.get("VENV_SWITCHES") or _SHORT)
    with venv_host(tmp_path) as host:
        monkeypatch.setenv("PATH", host.environment["PATH"])  # its systemctl
        assert host.deploy(host.versions["2.0"]) == 0
        back = DeployRequest("rollback", "api", "1", directory=host.directory)
        ours = observed(host.link, switches, lambda _: back.carry_out())
        former = tmp_path / "former"
        removed_and_unpacked(host, former, "2.0")
        original = observed(
            former, switches, lambda version: removed_and_unpacked(host, former, version)
        )
    report = {"switches": switches, "one rename": ours, "remove, then unpack": original}
    sys.stdout.write(json.dumps(report, indent=1) + "\n")

    assert (ours["failed"], ours["mixed"]) == (0, 0)
