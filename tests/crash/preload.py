"""Starts fuel-upgraded in forks of a process that has loaded its code: a start without imports.

Each line of standard input is the arguments and environment of one daemon, as JSON; the answer
is its process id. ``service.main`` runs in a process of its own, as from the program.
"""

import ctypes
import json
import os
import signal
import sys

from fuel_upgrade.daemon import service

# Modules that a daemon loads when they are first needed.
from fuel_upgrade.repo.fullview import (
    squash,  # noqa: F401
    view,  # noqa: F401
)
from fuel_upgrade.repo.yum import repo as yum_repo  # noqa: F401

_PR_SET_PDEATHSIG = 1  # prctl(2)


def _serve() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a child: init's way
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(order["argv"], order["environment"])
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


def _become(argv: list[str], environment: dict[str, str]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # no daemon outlives the test
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.environ.update(environment)
    sys.argv = argv
    try:
        service.main()
    finally:
        os._exit(0)


if __name__ == "__main__":
    _serve()
