"""Our programs as processes of their own, started by ``tests.preloaded`` in some milliseconds."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

TIMEOUT_S = 300  # no test is about it
_LOCK = threading.Lock()
_NUMBER_BYTES = 32


class Program:
    """A process with the part of ``subprocess.Popen`` that tests use.

    ``peak_mib`` is its VmHWM, known after its end.
    """

    def __init__(self, argv: Sequence[str], ending: socket.socket) -> None:
        self.args = argv
        self._ending = ending
        self.pid = int(ending.recv(_NUMBER_BYTES))
        self.returncode: int | None = None
        self.peak_mib = 0

    def poll(self) -> int | None:
        return self._read(0)

    def wait(self, timeout: float | None = TIMEOUT_S) -> int:
        code = self._read(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _read(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._ending.settimeout(timeout)
            try:
                code, peak_kib = self._ending.recv(_NUMBER_BYTES).split()
            except (BlockingIOError, TimeoutError):
                return None
            self.returncode, self.peak_mib = int(code), int(peak_kib) >> 10
            self._ending.close()
        return self.returncode


class Done(subprocess.CompletedProcess[str]):
    """A program that has ended, with its VmHWM."""

    peak_mib = 0


def start(
    argv: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
) -> Program:
    """Start ``fuel-upgrade`` or ``fuel-upgraded``; standard input is empty.

    ``environment`` is the whole environment, by default that of the tests.
    """
    words = [str(word) for word in argv]
    order = {"argv": words, "environment": dict(os.environ if environment is None else environment)}
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    nothing = os.open(os.devnull, os.O_RDWR)
    streams = [nothing if fd == subprocess.DEVNULL else fd for fd in (stdout, stderr)]
    try:
        with theirs, _LOCK:
            socket.send_fds(
                _orders(_mounts()),
                [json.dumps(order).encode()],
                [nothing, *streams, theirs.fileno()],
            )
    finally:
        os.close(nothing)
    return Program(words, ours)


def run(argv: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> Done:
    """Run a program to its end and return its output."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        program = start(argv, environment=environment, stdout=out.fileno(), stderr=err.fileno())
        try:
            code = program.wait()
        finally:
            program.kill()
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    done = Done(list(argv), code, *texts)
    done.peak_mib = program.peak_mib
    return done


def _mounts() -> str:
    """Return the mount namespace of this process; a test may enter another one."""
    return str(Path("/proc/self/ns/mnt").readlink())


@cache
def _orders(_mounts: str) -> socket.socket:
    """Start the forking process, once a test process and mount namespace; it ends with this one."""
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [sys.executable, "-m", "tests.preloaded", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            cwd=Path(__file__).parents[1],
        )
    atexit.register(ours.close)
    return ours
