"""Runs our programs in forks of a process that has loaded their code: no start pays for imports.

An order comes over the socket that is the first argument: the program with its arguments and
environment as JSON, and three descriptors to be its streams, and a socket for its process id and
its exit code with its peak memory. The program's own ``main`` runs, as the last thing of a process
of its own.
"""

import ctypes
import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Callable

from fuel_upgrade.cli import main as command
from fuel_upgrade.daemon import service

# Modules that a daemon loads when they are first needed.
from fuel_upgrade.repo.fullview import (
    squash,  # noqa: F401
    view,  # noqa: F401
)
from fuel_upgrade.repo.yum import repo as yum_repo  # noqa: F401

_PR_SET_PDEATHSIG = 1  # prctl(2)
_ORDER_BYTES = 1 << 20
_MAIN: dict[str, Callable[[], None]] = {
    "fuel-upgrade": command.main,
    "fuel-upgraded": service.main,
}


def _serve(orders: socket.socket) -> Callable[[], None]:
    """Fork for each order; return only in a fork, with its program."""
    gc.freeze()  # a collection in a fork would copy every page
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        text, descriptors, _, _ = socket.recv_fds(orders, _ORDER_BYTES, 4)
        if not text:
            sys.exit()
        if os.fork() == 0:
            orders.close()
            return _become(json.loads(text), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _become(order: dict[str, object], descriptors: list[int]) -> Callable[[], None]:
    """Fork once more, and report the end of that process; return in it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, ending = descriptors
    _end_with_parent()
    child = os.fork()
    if child:
        os.write(ending, str(child).encode())
        _, status, used = os.wait4(child, 0)
        os.write(ending, b"%d %d" % (os.waitstatus_to_exitcode(status), used.ru_maxrss))
        os._exit(0)
    _end_with_parent()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    for descriptor in descriptors:
        os.close(descriptor)
    argv, environment = order["argv"], order["environment"]
    assert isinstance(argv, list)
    assert isinstance(environment, dict)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = argv
    return _MAIN[argv[0]]


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # nothing outlives the tests


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))()
