"""A master below a scratch root, with the real daemon and the real command."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from demo.sweeper import await_sweeper
from fuel_upgrade.config import Config
from fuel_upgrade.system.tree_digest import digest
from tests import programs
from tests.master import write_fuel_version
from tests.programs import Done, Program
from tests.readiness import Readiness, readiness

BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Host:
    """A scratch root with a configuration, and both programs."""

    root: Path

    def argv(self, *argv: str | Path) -> list[str | Path]:
        return [BIN / "fuel-upgrade", "--root", self.root, *argv]

    def command(self, *argv: str | Path) -> Done:
        return programs.run(["fuel-upgrade", "--root", self.root, *argv])

    def json(self, *argv: str | Path) -> Any:
        """Return the output of a command; if it prints events, the result."""
        done = self.command(*argv, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        try:
            actual = json.loads(done.stdout)
        except ValueError:
            actual = json.loads(done.stdout.splitlines()[-1])
        is_event = isinstance(actual, dict) and actual.get("event") == "result"
        return actual["result"] if is_event else actual

    @contextmanager
    def daemon(
        self, *, fail_points: str = "", notified: Readiness | None = None
    ) -> Iterator[Program]:
        """Run the daemon; ``notified`` receives its messages to systemd."""
        with readiness() if notified is None else nullcontext(notified) as ready:
            process = programs.start(
                ["fuel-upgraded", "--root", self.root],
                environment={**ready.environment(), "FUEL_UPGRADE_FAIL_POINTS": fail_points},
            )
            try:
                ready.wait(process)
                yield process
            finally:
                process.kill()
                process.wait()

    def tree(self) -> str:
        """Return the digest of all that an undo restores, once discarded trees are deleted."""
        await_sweeper(Config().under(self.root))
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
