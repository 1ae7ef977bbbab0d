"""Writes masters of Fuel 5.0 below a root, and runs the real daemon and command on them."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Usage, run
from tests.readiness import readiness

_BIN = Path(sys.executable).parent
_JOURNAL = "var/lib/fuel_upgrade/journal.sqlite"
_ROOT = "ROOT/"
_SERIES = """WITH RECURSIVE series(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM series WHERE k < ?),
 copy(id, k) AS (SELECT printf('%08x', k), k FROM series)"""
_COPY_STEPS = f"""INSERT INTO step (install, number, kind, title, params, facts, state) {_SERIES}
 SELECT copy.id, number, kind, title, replace(params, install, copy.id),
 replace(facts, install, copy.id), state FROM copy, step"""
_COPY_INSTALL = f"""INSERT INTO install (id, tarball, seal, fuel_from, fuel_to, state, started_s,
 ended_s, kind, released) {_SERIES} SELECT copy.id, tarball, seal, fuel_from, fuel_to,
 CASE k % 2 WHEN 1 THEN 'undone' ELSE state END, started_s, ended_s, kind, 1 FROM copy, install"""
_TICKS = os.sysconf("SC_CLK_TCK")


def write_root(root: Path) -> None:
    """Write a master whose daemon runs the embedded registry at a free port."""
    file = root / "etc/fuel/5.0/version.yaml"
    file.parent.mkdir(parents=True)
    file.write_text('VERSION: {release: "5.0"}\n')
    (root / "etc/fuel/version.yaml").symlink_to("5.0/version.yaml")
    (root / "etc/fuel-upgrade").mkdir()
    settings = {"master_ip": "127.0.0.1", "registry": {"port": 0}}
    (root / "etc/fuel-upgrade/config.yaml").write_text(json.dumps(settings))


def write_master(folder: Path, releases: int) -> None:
    """Write a master with many registered releases, each of which has the last one as its base."""
    from fuel_upgrade.registry.release_store import Store  # noqa: PLC0415 - large, and not measured
    from fuel_upgrade.registry.resources import ReleaseFields  # noqa: PLC0415

    write_root(folder)
    state = folder / "var/lib/fuel_upgrade"
    state.mkdir(parents=True)
    store = Store.open(f"sqlite:///{state}/registry.sqlite")
    for number in range(releases):
        version = f"2014.2-6.0.{number}"
        url = f"http://127.0.0.1:8080/{version}/ubuntu/x86_64"
        store.add_release(
            ReleaseFields(
                name=f"Juno {version}",
                version=version,
                operating_system="Ubuntu",
                state="available",
                orchestrator_data={
                    "repo_metadata": {version: f"{url} stable main"},
                    "puppet_modules_source": f"rsync://127.0.0.1:/puppet/{version}/modules/",
                    "puppet_manifests_source": f"rsync://127.0.0.1:/puppet/{version}/manifests/",
                },
            )
        )
    store.close()


def write_history(folder: Path, tarball: Path, installs: int) -> None:
    """Write a master with one install, and many copies of its records."""
    write_root(folder)
    with running(folder) as master:
        master.command("install", tarball)
    with closing(sqlite3.connect(folder / _JOURNAL)) as db, db:
        db.execute(_COPY_STEPS, (installs,))
        db.execute(_COPY_INSTALL, (installs,))
    shutil.rmtree(folder / "run")  # sockets
    _move_paths(folder, f"{folder}/", _ROOT)  # the data set is renamed when it is complete


def copy_history(folder: Path, root: Path) -> None:
    """Copy a master of :func:`write_history`; the copy's records name its own paths."""
    shutil.copytree(folder, root, symlinks=True)
    _move_paths(root, _ROOT, f"{root}/")


def _move_paths(root: Path, old: str, new: str) -> None:
    change = "UPDATE step SET params = replace(params, ?, ?), facts = replace(facts, ?, ?)"
    with closing(sqlite3.connect(root / _JOURNAL)) as db, db:
        db.execute(change, (old, new, old, new))


@dataclass(frozen=True, slots=True)
class RunningMaster:
    """A master below ``root``, and the process of its daemon."""

    root: Path
    pid: int

    def command(self, *words: str | Path) -> Usage:
        """Run a command; its cost has the daemon's share in it."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # resets the peak of its memory
        before_s = self._cpu_s()
        argv = [_BIN / "fuel-upgrade", "--root", self.root, *words]
        own = run(argv, cwd=self.root, log=self.root / "output")
        return Usage(
            own.wall_s,
            own.cpu_s + self._cpu_s() - before_s,
            max(own.peak_bytes, self._peak_bytes()),
        )

    def _cpu_s(self) -> float:
        """Return the CPU time of the daemon and of the children that it has waited for."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS

    def _peak_bytes(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024


@contextmanager
def running(root: Path) -> Iterator[RunningMaster]:
    """Run the daemon of the master below ``root``."""
    with readiness() as ready:
        log = (root / "daemon-output").open("wb")
        with (
            log,
            subprocess.Popen(
                [_BIN / "fuel-upgraded", "--root", root],
                env=ready.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            ) as process,
        ):
            try:
                try:
                    ready.wait(process)
                except AssertionError as error:
                    error.add_note(Path(log.name).read_text())
                    raise
                yield RunningMaster(root, process.pid)
            finally:
                process.kill()
