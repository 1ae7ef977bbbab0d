"""Reads tarballs in a process of its own, as an install does, and measures it."""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.bundle.unpack_tarball import below, unpack
from fuel_upgrade.bundle.verify import read_head
from fuel_upgrade.errors import UpgradeError

_HANGS_S = 120
_CANCELLED_S = 0.2  # after its header was read


@dataclass(frozen=True)
class Outcome:
    """The name of the error or an empty text, its message, and the growth of the process."""

    error: str
    what: str
    grown_mib: int


class CancelledError(Exception):
    """The work was cancelled."""


def faults_apart(find_faults: Callable[[], list[str]]) -> list[str]:
    """Return the faults that a fork of this process finds."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w") as answer:
            json.dump(find_faults(), answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    return list(json.loads(text)) if text else [f"ended with {os.waitstatus_to_exitcode(status)}"]


def read_measured(tarball: Path, into: Path) -> Outcome:
    """Unpack a tarball, and cancel that soon; a hang ends this process."""
    signal.alarm(_HANGS_S)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is that of now, proc(5)
    before = kib(os.getpid(), "VmHWM")
    error, what = "", ""
    try:
        _unpack(tarball, into)
    except UpgradeError as refusal:
        error, what = type(refusal).__name__, refusal.what
    except BaseException as broken:  # noqa: BLE001 - a traceback is an outcome
        error, what = type(broken).__name__, repr(broken)
    return Outcome(error, what, (kib(os.getpid(), "VmHWM") - before) >> 10)


def _unpack(tarball: Path, into: Path) -> None:
    head = read_head(tarball)
    end_s = time.monotonic() + _CANCELLED_S

    def progress(_work: str, done: int, total: int) -> None:
        if done < total and time.monotonic() > end_s:
            raise CancelledError

    unpack(head, below(into), progress=progress)


def kib(pid: int, name: str) -> int:
    """Return a size of a process in KiB from its status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
