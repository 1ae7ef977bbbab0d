"""A master of its own below a scratch root: the real daemon, asked by the real command."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fuel_upgrade.system.tree import digest
from tests.master import write_fuel_version

BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Host:
    """A scratch root with a configuration, and both programs."""

    root: Path

    def argv(self, *argv: str | Path) -> list[str | Path]:
        return [BIN / "fuel-upgrade", "--root", self.root, *argv]

    def command(self, *argv: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*argv),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )

    def json(self, *argv: str | Path) -> Any:
        """Return what a command prints; of one that prints events, the result."""
        done = self.command(*argv, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        try:
            found = json.loads(done.stdout)
        except ValueError:
            found = json.loads(done.stdout.splitlines()[-1])
        is_event = isinstance(found, dict) and found.get("event") == "result"
        return found["result"] if is_event else found

    @contextmanager
    def daemon(self, *, fail_points: str = "") -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            [BIN / "fuel-upgraded", "--root", self.root],
            env={**os.environ, "FUEL_UPGRADE_FAIL_POINTS": fail_points},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self.wait_until_it_answers()
            yield process
        finally:
            process.kill()
            process.wait()

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 30
        while self.command("status").returncode:
            assert time.monotonic() < deadline, "the daemon did not come up"
            time.sleep(0.1)

    def tree(self) -> str:
        own = [self.root / "var/lib/fuel_upgrade", self.root / "var/log", self.root / "run"]
        return digest(self.root, without=own)

    def log(self) -> str:
        return (self.root / "var/log/fuel_upgrade.log").read_text()


def make_host(root: Path) -> Host:
    """Make a master of Fuel 5.0, whose daemon runs the embedded registry at a free port."""
    write_fuel_version(root, "5.0")
    (root / "etc/fuel-upgrade").mkdir()
    made = Host(root)
    _write(made, {"master_ip": "127.0.0.1", "registry": {"port": 0}})
    return made


def configure(host: Host, **nailgun: object) -> None:
    """Have its daemon use a Nailgun, with these settings."""
    _write(host, {"master_ip": "10.20.0.2", "nailgun": nailgun})


def _write(host: Host, settings: dict[str, object]) -> None:
    (host.root / "etc/fuel-upgrade/config.yaml").write_text(yaml.safe_dump(settings))
