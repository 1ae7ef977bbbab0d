"""The whole drill: every cell that is asked for, on as many benches as are to work at a time."""

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

_GENERATIONS = 4  # of a tarball on a disk: what is live, its backup, staged, and room to work
_LONGEST_FOLDER = 75  # of the 107 characters of a unix socket, unix(7)
_LEAST_DISK_BYTES = 16 << 20
_MEMORY_SHARE = 4  # of the free memory, the part that the benches may take


@dataclass(frozen=True, slots=True)
class Drill:
    """What was drilled; ``titles`` are those of the steps. ``is_real`` as in :class:`Scratch`."""

    tarball: str | None
    is_real: bool
    titles: tuple[str, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def wrong(self) -> tuple[Outcome, ...]:
        """The cells that ended neither before nor after."""
        return tuple(o for o in self.outcomes if o.verdict is Verdict.WRONG)

    @property
    def counts(self) -> dict[str, int]:
        """How many cells ended where."""
        return {v.value: sum(o.verdict is v for o in self.outcomes) for v in Verdict}

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``--json`` prints."""
        return {
            "tarball": self.tarball,
            "disk_faults": "real" if self.is_real else "injected",
            "steps": list(self.titles),
            "counts": {name.lower(): count for name, count in self.counts.items()},
            "cells": [outcome.to_json() for outcome in self.outcomes],
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to drill: no fault at all, or those and the steps that are named, or all of them.

    ``keep`` is where the scratch root of each cell that went wrong is copied to. Without
    ``may_mount`` the faults of disks are injected even where they could be real.
    """

    tarball: Path | None
    with_faults: bool
    faults: Collection[Fault] = ()
    steps: Collection[int] = ()
    jobs: int = 1
    keep: Path | None = None
    may_mount: bool = True


def drill(wanted: Wanted, progress: Progress) -> Drill:
    """Drill in scratch roots below the system's temporary folder, which are gone afterwards.

    Raises:
        ConfigError: the tarball's install has no such step, or the temporary folder's path is too
            long.
        UpgradeError: the tarball cannot be installed even without a fault.
    """
    if len(tempfile.gettempdir()) > _LONGEST_FOLDER:
        raise ConfigError(
            f"{tempfile.gettempdir()}: too long a path for the sockets of a drill, which allow"
            f" {_LONGEST_FOLDER} characters",
            remedy="set TMPDIR to a folder with a shorter path",
        )
    # the registry's own errors are part of a drill: on a full disk it answers 500
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    with tempfile.TemporaryDirectory(prefix="fuel-upgrade-selftest-") as name:
        folder = Path(name)
        scenario = make_scenario(folder, wanted.tarball)
        size_bytes = _LEAST_DISK_BYTES + _GENERATIONS * scenario.unpacked_bytes
        is_real = (
            wanted.may_mount
            and wanted.jobs * size_bytes * _MEMORY_SHARE < psutil.virtual_memory().available
            and can_mount(folder)
        )
        benches = [
            Bench(Scratch(folder / f"bench-{n}", size_bytes, is_real), scenario, keep=wanted.keep)
            for n in range(wanted.jobs)
        ]
        return _drill_on(benches, wanted, scenario, progress, is_real=is_real)


def _drill_on(
    benches: list[Bench], wanted: Wanted, scenario: Scenario, progress: Progress, *, is_real: bool
) -> Drill:
    progress("rehearsing", 0, len(benches))
    with ThreadPoolExecutor(len(benches)) as pool:
        starts = list(pool.map(Bench.prepare, benches))
        progress("rehearsing", len(benches), len(benches))
        titles = tuple(step.title for step in starts[0].steps)
        chosen = _chosen(wanted, len(titles))
        work = _Work(chosen, progress)
        done = list(pool.map(work.do_all, benches, starts))
    order = {cell: number for number, cell in enumerate(chosen)}
    outcomes = sorted((o for some in done for o in some), key=lambda o: order[o.cell])
    tarball = str(scenario.tarball) if wanted.tarball else None
    return Drill(tarball, is_real, titles, tuple(outcomes))


def _chosen(wanted: Wanted, steps: int) -> tuple[Cell, ...]:
    if beyond := sorted(step for step in wanted.steps if not 1 <= step <= steps):
        raise ConfigError(
            f"step {beyond[0]}: the install has the steps 1 to {steps}",
            remedy="name one of these with --step",
        )
    if not wanted.with_faults:
        return ()
    return cells(steps, faults=wanted.faults, only_steps=wanted.steps)


class _Work:
    """Cells that several benches take one after the other."""

    def __init__(self, chosen: tuple[Cell, ...], progress: Progress) -> None:
        self._total, self._done = len(chosen), 0
        self._left: queue.SimpleQueue[Cell] = queue.SimpleQueue()
        for cell in chosen:
            self._left.put(cell)
        self._progress = progress
        self._lock = threading.Lock()

    def do_all(self, bench: Bench, start: Start) -> list[Outcome]:
        return [self._done_with(bench.drill(cell, start)) for cell in self._taken()]

    def _taken(self) -> Iterator[Cell]:
        while True:
            try:
                yield self._left.get_nowait()
            except queue.Empty:
                return

    def _done_with(self, outcome: Outcome) -> Outcome:
        with self._lock:
            self._done += 1
            self._progress("drilling", self._done, self._total)
        return outcome
