"""``fuel-upgrade registry``: its commands in this process, its service in another."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from click.testing import CliRunner, Result

from fuel_upgrade.cli.main import main
from tests import programs
from tests.programs import TIMEOUT_S, Program

_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Service:
    """A service that answers at ``url``."""

    url: str
    process: Program
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
    argv = ["fuel-upgrade", "--root", str(root), "registry", "serve", "--port", "0", *words]
    environ = {**os.environ, **(environment or {})}
    with log.open("wb") as stream:
        process = programs.start(argv, environment=environ, stderr=stream.fileno())
    try:
        yield Service(_url(process, log), process, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def _url(process: Program, log: Path) -> str:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        actual = re.search(r"event='ready'.* url='([^']+)'", log.read_text())
        if actual:
            return actual.group(1)
        time.sleep(0.05)
    raise AssertionError(f"the registry did not come up: {log.read_text()}")
