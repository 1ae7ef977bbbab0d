"""A command on a terminal, and the final content of the terminal."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

_ROWS = 24
_TIMEOUT_S = 120
_CTRL_C = b"\x03"
_OPEN = (
    'exec "$@" <"$0" >"$0" 2>&1'  # the first process of a session to open a terminal controls it
)


class OnTerminal:
    """A command that runs on a pseudo-terminal; the bytes that it printed so far are ``raw``."""

    def __init__(self, argv: Sequence[str | Path], *, columns: int, env: Mapping[str, str]) -> None:
        self.columns = columns
        self.raw = b""
        self._seen = 0
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", _OPEN, os.ttyname(slave), *argv],
            env={**_plain_environment(), **env},
            start_new_session=True,
        )
        self._slave = slave

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        for descriptor in (self._slave, self._master):
            os.close(descriptor)

    def read_until(self, text: str) -> None:
        """Read until the command has printed ``text`` after the previous match."""
        expected, deadline = text.encode(), time.monotonic() + _TIMEOUT_S
        while (at := self.raw.find(expected, self._seen)) < 0:
            is_over = self.process.poll() is not None or time.monotonic() > deadline
            self._read()
            assert not is_over or expected in self.raw, f"it never printed {text!r}: {self.raw!r}"
        self._seen = at + len(expected)

    def press_ctrl_c(self) -> None:
        """Press it on the terminal, which prints ^C too."""
        os.write(self._master, _CTRL_C)

    def end(self) -> int:
        """Read to the end; return the exit code."""
        while self.process.poll() is None:
            self._read()
        while select.select([self._master], [], [], 0)[0]:
            self._read()
        return self.process.returncode

    def rows(self) -> list[str]:
        """Return the final content of the terminal: scrollback and screen."""
        screen = pyte.HistoryScreen(self.columns, _ROWS, history=100_000, ratio=0.5)
        pyte.ByteStream(screen).feed(self.raw)
        above = ["".join(line[x].data for x in range(self.columns)) for line in screen.history.top]
        return [row.rstrip() for row in (*above, *screen.display)]

    def count(self, line: str) -> int:
        """Return how often a line is there whole: alone in its rows, broken at the last column."""
        pieces = [line[x : x + self.columns].rstrip() for x in range(0, len(line), self.columns)]
        rows = self.rows()
        actual = (rows[x : x + len(pieces)] == pieces for x in range(len(rows)))
        return sum(actual)

    def _read(self) -> None:
        """Read the output of at most a second."""
        if select.select([self._master], [], [], 1)[0]:
            self.raw += os.read(self._master, 65536)


def _plain_environment() -> dict[str, str]:
    """Return the environment of this process without settings of terminals."""
    changes = {"NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "LINES", "COLORTERM", "CLICOLOR_FORCE"}
    return {name: value for name, value in os.environ.items() if name not in changes}
