"""Runs all requested cells on several benches at the same time."""

import logging
import queue
import tempfile
import threading
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from fuel_upgrade.drill.bench import Bench, Start
from fuel_upgrade.drill.scenario import Scenario, make_scenario
from fuel_upgrade.drill.scratch import Scratch, can_mount
from fuel_upgrade.drill.verdict_table import Cell, Fault, Outcome, Verdict, cells
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.system.progress import Progress

_GENERATIONS = 4  # copies of a tarball on a disk: live, backup, staged, and free space
_LONGEST_FOLDER = 75  # of the 107 characters of a unix socket, unix(7)
_MIN_DISK_BYTES = 16 << 20
_MEMORY_SHARE = 4  # the benches may use one of so many parts of the free memory


@dataclass(frozen=True, slots=True)
class Drill:
    """The result of a drill; ``titles`` are the steps, ``is_real`` is that of :class:`Scratch`."""

    tarball: str | None
    is_real: bool
    titles: tuple[str, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def wrong(self) -> tuple[Outcome, ...]:
        """The cells that ended neither *before* nor *after*."""
        return tuple(o for o in self.outcomes if o.verdict is Verdict.WRONG)

    @property
    def counts(self) -> dict[str, int]:
        """The number of cells with each verdict."""
        return {v.value: sum(o.verdict is v for o in self.outcomes) for v in Verdict}

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of ``--json``."""
        return {
            "tarball": self.tarball,
            "disk_faults": "real" if self.is_real else "injected",
            "steps": list(self.titles),
            "counts": {name.lower(): count for name, count in self.counts.items()},
            "cells": [outcome.to_json() for outcome in self.outcomes],
        }


@dataclass(frozen=True, slots=True)
class DrillRequest:
    """The cells to drill: none, or the named faults and steps (default: all).

    The scratch roots of wrong cells are copied to ``keep``. Without ``may_mount`` the faults of
    disks are injected even if this process could mount real ones.
    """

    tarball: Path | None
    with_faults: bool
    faults: Collection[Fault] = ()
    steps: Collection[int] = ()
    jobs: int = 1
    keep: Path | None = None
    may_mount: bool = True


def drill(request: DrillRequest, progress: Progress) -> Drill:
    """Drill in scratch roots below the system's temporary folder, and remove them.

    Raises:
        ConfigError: the install has no such step, or the path of the temporary folder is too long.
        UpgradeError: the tarball cannot be installed even without a fault.
    """
    if len(tempfile.gettempdir()) > _LONGEST_FOLDER:
        raise ConfigError(
            f"{tempfile.gettempdir()}: the path is too long for the sockets of a drill, which"
            f" allow {_LONGEST_FOLDER} characters",
            remedy="set TMPDIR to a folder with a shorter path",
        )
    # errors of the registry are part of a drill: on a full disk it answers 500
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    with tempfile.TemporaryDirectory(prefix="fuel-upgrade-selftest-") as name:
        folder = Path(name)
        scenario = make_scenario(folder, request.tarball)
        size_bytes = _MIN_DISK_BYTES + _GENERATIONS * scenario.unpacked_bytes
        is_real = (
            request.may_mount
            and request.jobs * size_bytes * _MEMORY_SHARE < psutil.virtual_memory().available
            and can_mount(folder)
        )
        benches = [
            Bench(Scratch(folder / f"bench-{n}", size_bytes, is_real), scenario, keep=request.keep)
            for n in range(request.jobs)
        ]
        return _drill_on(benches, request, scenario, progress, is_real=is_real)


def _drill_on(
    benches: list[Bench],
    request: DrillRequest,
    scenario: Scenario,
    progress: Progress,
    *,
    is_real: bool,
) -> Drill:
    progress("rehearsing", 0, len(benches))
    with ThreadPoolExecutor(len(benches)) as pool:
        starts = list(pool.map(Bench.prepare, benches))
        progress("rehearsing", len(benches), len(benches))
        titles = tuple(step.title for step in starts[0].steps)
        chosen = _chosen(request, len(titles))
        work = _Work(chosen, progress)
        done = list(pool.map(work.do_all, benches, starts))
    order = {cell: number for number, cell in enumerate(chosen)}
    outcomes = sorted((o for some in done for o in some), key=lambda o: order[o.cell])
    tarball = str(scenario.tarball) if request.tarball else None
    return Drill(tarball, is_real, titles, tuple(outcomes))


def _chosen(request: DrillRequest, steps: int) -> tuple[Cell, ...]:
    if beyond := sorted(step for step in request.steps if not 1 <= step <= steps):
        raise ConfigError(
            f"step {beyond[0]}: the install has the steps 1 to {steps}",
            remedy="name one of these with --step",
        )
    if not request.with_faults:
        return ()
    return cells(steps, faults=request.faults, only_steps=request.steps)


class _Work:
    """A queue of cells for several benches."""

    def __init__(self, chosen: tuple[Cell, ...], progress: Progress) -> None:
        self._total, self._done = len(chosen), 0
        self._queue: queue.SimpleQueue[Cell] = queue.SimpleQueue()
        for cell in chosen:
            self._queue.put(cell)
        self._progress = progress
        self._lock = threading.Lock()

    def do_all(self, bench: Bench, start: Start) -> list[Outcome]:
        return [self._done_with(bench.drill(cell, start)) for cell in self._taken()]

    def _taken(self) -> Iterator[Cell]:
        while True:
            try:
                yield self._queue.get_nowait()
            except queue.Empty:
                return

    def _done_with(self, outcome: Outcome) -> Outcome:
        with self._lock:
            self._done += 1
            self._progress("drilling", self._done, self._total)
        return outcome
