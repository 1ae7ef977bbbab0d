"""The output of the demo: headings, real commands with their output, and tables."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

_BIN = Path(sys.executable).parent


class Story:
    """Prints the demo and runs its commands; ``root`` is the scratch master."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
        self._folder = folder
        self._env = {**os.environ, "FUEL_UPGRADE_ROOT": str(root), "COLUMNS": "110"}
        self._started_s = time.monotonic()
        self._chapter = 0

    def chapter(self, title: str, text: str) -> None:
        """Begin a chapter."""
        self._chapter += 1
        seconds = time.monotonic() - self._started_s
        self._console.print(
            f"\n[bold]{self._chapter}. {title}[/bold]  [dim]({seconds:.0f} s)[/dim]"
        )
        self._console.print(f"[dim]{text}[/dim]\n")

    def say(self, text: str) -> None:
        """Print a line."""
        self._console.print(text)

    def run(self, *argv: str, expect: int = 0) -> str:
        """Run ``fuel-upgrade`` with these arguments, print both, and return the output.

        Raises:
            SystemExit: it did not end with the exit code ``expect``.
        """
        self._console.print(f"[bold green]$ fuel-upgrade {' '.join(argv)}[/bold green]")
        done = subprocess.run(
            [_BIN / "fuel-upgrade", *argv],
            cwd=self._folder,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        for line in done.stdout.rstrip().splitlines():
            self._console.print(f"  {line.rstrip()}", markup=False, soft_wrap=True)
        if done.returncode != expect:
            self.fail(f"it ended with {done.returncode}, expected {expect}")
        return done.stdout

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table."""
        table = Table(*columns, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*row)
        self._console.print(table)

    def fail(self, why: str) -> None:
        """End the demo because a result is not as expected."""
        self._console.print(f"[bold red]the demo failed: {why}[/bold red]")
        sys.exit(1)

    def start_daemon(self, root: Path, log: Path) -> subprocess.Popen[bytes]:
        """Start ``fuel-upgraded`` for the scratch master and wait until it answers."""
        self._console.print(f"[bold green]$ fuel-upgraded --root {root} &[/bold green]")
        with log.open("wb") as output:
            daemon = subprocess.Popen(
                [_BIN / "fuel-upgraded", "--root", str(root)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        socket = root / "run/fuel-upgrade/api.sock"
        for _ in range(300):
            if socket.exists() or daemon.poll() is not None:
                break
            time.sleep(0.1)
        if daemon.poll() is not None:
            self.fail(f"fuel-upgraded did not start: {log.read_text()}")
        return daemon
