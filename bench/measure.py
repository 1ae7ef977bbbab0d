"""Runs whole processes in turns, and measures their time, CPU time and peak memory."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

MIB = 1 << 20
#: Files from this size on are deleted after each run, to save space. The many small ones stay until
#: the end: ext4 searches for recently deleted inodes at the creation of others.
_LARGE_BYTES = MIB


@dataclass(frozen=True, slots=True)
class Usage:
    """The cost of one run: all CPU time of its processes, and the memory of the largest one."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


Way = Callable[[Path], Usage]
"""Does the task once, with an empty folder for its output."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One way against a reference.

    ``goal`` is the largest ratio of wall times that the project wants; ``limit`` is the largest
    ratio of CPU times that a quick run accepts, on any machine under any load.
    """

    way: str
    reference: str
    goal: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """Ways of doing one task; ``skipped`` has the reasons for references that cannot run here."""

    name: str
    title: str
    ways: Mapping[str, Way]
    comparisons: tuple[Comparison, ...]
    skipped: Mapping[str, str]

    def without_goals(self) -> Self:
        """Return the scenario for small inputs, of which the start is the largest part."""
        return replace(self, comparisons=tuple(replace(c, goal=None) for c in self.comparisons))


def run(argv: Sequence[str | Path], *, cwd: Path, log: Path | None = None) -> Usage:
    """Run a process to its end.

    Raises:
        RuntimeError: it failed; the message has the end of its output.
    """
    log = log or cwd / "output"
    with log.open("wb") as stream:
        began = time.perf_counter()
        process = subprocess.Popen(
            argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{list(map(str, argv))} ended with {process.returncode}: {tail}")
    return Usage(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def command(*argv: str | Path) -> Way:
    """Return the way that runs one program; ``{out}`` in a word is the folder of its output."""

    def way(out: Path) -> Usage:
        words = [str(word).replace("{out}", str(out)) for word in argv]
        return run(words, cwd=out)

    return way


def shell(script: str) -> Way:
    """Return the way that runs a script of the shell; ``{out}`` is the folder of its output."""
    return command("/bin/sh", "-ec", script)


def in_turns(
    scenario: Scenario, scratch: Path, rounds: int, *, settled: bool
) -> dict[str, list[Usage]]:
    """Run every way once a round, so that a slow spell of the machine meets all of them.

    One round before the first warms the caches and does not count. With ``settled``, pending writes
    reach the disk before each run, so that no way pays for another one.
    """
    usages: dict[str, list[Usage]] = {name: [] for name in scenario.ways}
    for number in range(rounds + 1):
        for index, (name, way) in enumerate(scenario.ways.items()):
            out = scratch / f"{number}-{index}"
            out.mkdir(parents=True)
            if settled:
                os.sync()
            usage = way(out)
            if number:
                usages[name].append(usage)
            _delete_large_files(out)
    return usages


def _delete_large_files(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            if path.lstat().st_size >= _LARGE_BYTES:
                path.unlink()


def median_of(usages: Sequence[Usage], measure: Callable[[Usage], float]) -> float:
    """Return the median of one measure over all rounds."""
    return statistics.median(measure(usage) for usage in usages)
