"""Installs and rollbacks leave nothing in the daemon's memory: counted as objects, not as pages."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from functools import reduce
from pathlib import Path

from tests.host import Host
from tests.readiness import readiness
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
WARM, N = 6, 6
COUNTS = 16
# asyncio removes the cancelled timers of ended requests when they are many, or their time has come.
TIMERS = ("<class 'asyncio.events.TimerHandle'>", "<class '_contextvars.Context'>")
#: The daemon, which writes the number of its objects by type to the file named first, on a signal.
CHILD = """
import collections, gc, json, os, signal, sys
from fuel_upgrade.daemon.service import main

path = sys.argv.pop(1)

def report(*_):
    gc.collect()
    types = collections.Counter(str(type(value)) for value in gc.get_objects())
    with open(path + ".new", "w") as file:
        json.dump(types, file)
    os.rename(path + ".new", path)

signal.signal(signal.SIGUSR1, report)
main()
"""


def counted(process: "subprocess.Popen[bytes]", report: Path) -> Counter[str]:
    """Return the least number of objects by type in some counts, while connections end."""
    counts = (count(process, report) for _ in range(COUNTS))
    return reduce(lambda one, other: one & other, counts)


def count(process: "subprocess.Popen[bytes]", report: Path) -> Counter[str]:
    report.unlink(missing_ok=True)
    os.kill(process.pid, signal.SIGUSR1)
    while not report.exists():
        assert process.poll() is None
        time.sleep(0.01)
    return Counter(json.loads(report.read_text()))


def test_installs_and_rollbacks_leave_no_objects(
    host: Host, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    report = tmp_path / "report"
    argv: list[str | Path] = [sys.executable, "-c", CHILD, report, "--root", host.root]

    def cycles(count: int) -> Counter[str]:
        for _ in range(count):
            install = host.json("install", tarballs["5.1"])
            host.json("rollback", install["id"])
        return counted(process, report)

    with (
        readiness() as ready,
        subprocess.Popen(argv, stderr=subprocess.DEVNULL, env=ready.environment()) as process,
    ):
        try:
            ready.wait(process)
            # the last jobs are kept, and caches fill
            first, second, third = cycles(WARM), cycles(N), cycles(N)
        finally:
            process.kill()
    # A connection that is open by chance, or a cache, adds to one of them only.
    leaked = (second - first) & (third - second)
    for name in TIMERS:
        del leaked[name]
    each_time = {name: number for name, number in leaked.items() if number >= N}
    assert not each_time
