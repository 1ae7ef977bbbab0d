"""``fuel-upgrade registry``: its commands here, its service in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from click.testing import CliRunner, Result

from fuel_upgrade.cli.main import main

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 60
_NUMBERS = count(1)
_ARGV = (sys.executable, "-c", "from fuel_upgrade.cli.main import main; main()")


@dataclass(frozen=True, slots=True)
class Service:
    """A service that answers at ``url``."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


def registry(root: Path, *words: str, stdin: str = "", check: bool = True) -> Result:
    """Run a command of ``fuel-upgrade registry`` on the master below ``root``, in this process."""
    done = CliRunner().invoke(main, ["--root", str(root), "registry", *words], input=stdin)
    assert done.exit_code == 0 or not check, done.output
    return done


@contextmanager
def serving(
    root: Path, *words: str, environment: dict[str, str] | None = None
) -> Iterator[Service]:
    """Give ``registry serve`` with these options, on a free port; end it by SIGTERM."""
    log = root / f"registry-{next(_NUMBERS)}.log"
    argv = [*_ARGV, "--root", str(root), "registry", "serve", "--port", "0", *words]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            argv, stderr=stream, cwd=ROOT, env={**os.environ, **(environment or {})}
        )
    try:
        yield Service(_url(process, log), process, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"event='ready'.* url='([^']+)'", log.read_text())
        if found:
            return found.group(1)
        time.sleep(0.05)
    raise AssertionError(f"the registry did not come up: {log.read_text()}")
