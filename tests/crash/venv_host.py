"""A host with deployed venvs, whose deployer is killed or runs out of space."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.venv.deployer_file import write_deployer
from fuel_upgrade.venv.host.deploy_error import DeployError
from fuel_upgrade.venv.host.request import DeployRequest
from fuel_upgrade.venv.host.venv_damage import find_damage
from tests.integration.test_venv_build import Builder
from tests.venv_wheels import make_wheel, serving_repo

_SPEC = """
tag: "1"
directory: {{directory}}
services:
  api:
    requirements: [alpha=={version}, bulk]
    units: [api.service]
    check: [bin/python, -c, "{check}"]
"""
_KEPT = {".api-1.json", ".api-1.lock", ".api-1.previous"}
_SLOW_RATE = "2000000"  # half a second for a download
_MOST_TREES = 4  # active, previous, two others
# Records the venv that is active when the unit is restarted.
_SYSTEMCTL = "#!/bin/sh\nbasename $(readlink {link}) >> {restarts}\n"


@dataclass(frozen=True, slots=True)
class Version:
    """A published venv of the service; ``fails`` if its check does."""

    url: str
    number: str
    tree: str
    fails: bool


class VenvHost:
    """Publishes versions 1.0, 2.0, and 3.0, whose check fails, in repos of their own."""

    def __init__(self, folder: Path, directory: Path, url: str) -> None:
        self.folder = folder
        self.directory = directory
        self.store = directory / ".store"
        self.link = directory / "api-1"
        self.file = folder / "deploy-venv.pyz"
        self._restarts = folder / "restarts"
        self._tools = folder / "tools"
        write_deployer(self.file)
        _write_program(self._tools / "systemctl", _SYSTEMCTL, self.link, self._restarts)
        self.versions = {
            number: self._publish(folder, url, number) for number in ("1.0", "2.0", "3.0")
        }

    def _publish(self, folder: Path, url: str, number: str) -> Version:
        fails = number == "3.0"
        builder = Builder(folder, name=f"repo-{number}", directory=self.directory)
        make_wheel(builder.wheels, "beta", number)
        requires = (f"beta=={number}",)
        make_wheel(builder.wheels, "alpha", number, requires=requires, command="alpha")
        choice = random.Random(number)
        files = {f"data/{n}.txt": choice.randbytes(3000).hex() for n in range(300)}
        make_wheel(builder.wheels, "bulk", files=files)
        text = _SPEC.format(version=number, check="raise SystemExit(3)" if fails else "pass")
        (venv,) = builder.build(text)
        tree = Path(venv.entry.store_path).name
        return Version(f"{url}/repo-{number}", number, tree, fails)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": f"{self._tools}:{os.environ['PATH']}"}

    def start(self, version: Version, *options: str) -> subprocess.Popen[bytes]:
        """Start the real deployer."""
        where = ["--tag", "1", "--directory", str(self.directory), "--url", version.url]
        argv = [sys.executable, "-I", str(self.file), "deploy", "api", *where, *options]
        return subprocess.Popen(
            argv, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def deploy(self, version: Version) -> int:
        """Deploy without an interruption; return the exit code."""
        process = self.start(version, "--content")
        output, _ = process.communicate()
        assert json.loads(output), version
        return process.returncode

    def active(self) -> str:
        """Return the output of the service's command by the name that units use."""
        done = subprocess.run([self.link / "bin/alpha"], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def remove_tree(self, number: str) -> None:
        """Remove the tree of a version, so that it is downloaded the next time."""
        shutil.rmtree(self.store / self.versions[number].tree, ignore_errors=True)

    def damage(self) -> list[str]:
        return find_damage(self.link, content=True)

    def faults(self) -> Iterator[str]:
        """Return the differences from a host on which no deployment was interrupted."""
        try:
            DeployRequest("verify", "api", "1", directory=self.directory).carry_out()
        except DeployError as error:
            yield str(error)
        names = {path.name for path in self.store.iterdir()}
        trees = {name for name in names if name.startswith("api-1-")}
        if left := names - trees - _KEPT:
            yield f"left over: {sorted(left)}"
        if len(trees) > _MOST_TREES:
            yield f"{len(trees)} venvs"
        restarted = self._restarts.read_text().split()[-1]
        if restarted != self.link.readlink().name:
            yield f"the unit runs {restarted}"

    def phase(self, version: Version) -> str:
        """Return how far an interrupted deployment of ``version`` came."""
        names = {path.name for path in self.store.iterdir()}
        if ".api-1.pending" in names:
            former = (self.store / ".api-1.pending").read_text().strip()
            is_old = self.link.readlink().name == former
            return "before the switch" if is_old else "before the check ended"
        for suffix, phase in (
            (".trash", "old venvs removed"),
            (".new", "unpacked and proved"),
            (".part", "downloaded"),
        ):
            if any(name.endswith(suffix) for name in names):
                return phase
        return "done" if self.link.readlink().name == version.tree else "compared"


def _write_program(path: Path, text: str, link: Path, restarts: Path) -> None:
    path.parent.mkdir()
    path.write_text(text.format(link=link, restarts=restarts))
    path.chmod(0o755)


@contextmanager
def venv_host(folder: Path, directory: Path | None = None) -> Iterator[VenvHost]:
    """Serve the repos of a host, whose venvs are below ``directory``; deploy version 1.0."""
    folder.mkdir(exist_ok=True)
    with serving_repo(folder / "nginx", folder) as server:
        host = VenvHost(folder, directory or folder / "venvs", server.url)
        assert host.deploy(host.versions["1.0"]) == 0
        yield host


class Kills:
    """Rounds in which the deployer is killed at a random time."""

    def __init__(self, host: VenvHost, choice: random.Random) -> None:
        self._host = host
        self._choice = choice
        self._seconds = self._measured()

    def _measured(self) -> float:
        began = time.monotonic()
        assert self._host.deploy(self._host.versions["2.0"]) == 0
        return time.monotonic() - began

    def round(self) -> list[str]:
        """Kill a deployment, and perhaps the next; then one more must heal. Return the phases."""
        host, choice = self._host, self._choice
        before = host.versions[host.active()]
        version = choice.choice([v for v in host.versions.values() if v != before])
        is_damaged = choice.random() < 0.2
        if is_damaged:
            version = before
            (host.link / "bin/alpha").chmod(0o700)
        self._arrange(version, before)
        phases = [self._killed(version, before, is_damaged=is_damaged)]
        if choice.random() < 0.2:
            phases.append(self._killed(version, before, is_damaged=is_damaged))
        if version.fails and choice.random() < 0.5:
            version = before  # published again
        began = time.monotonic()
        code = host.deploy(version)
        self._seconds += (time.monotonic() - began - self._seconds) / 8  # as busy as it is now
        faults = list(host.faults())
        assert not faults, (version, phases, faults)
        assert code == (5 if version.fails else 0), (version, phases)
        assert host.active() == (before if version.fails else version).number, phases
        return phases

    def _arrange(self, version: Version, before: Version) -> None:
        """Remove the tree of ``version`` mostly, so that it is downloaded; add old trees."""
        if version != before and self._choice.random() < 0.8:
            self._host.remove_tree(version.number)
        for _ in range(3):
            old = self._host.store / f"api-1-{self._choice.randbytes(8).hex()}"
            (old / "lib").mkdir(parents=True)
            for number in range(30):
                (old / f"lib/{number}").touch()
            os.utime(old, (0, 0))

    def _await_change(self, process: subprocess.Popen[bytes]) -> float:
        """Wait for the first change of a deployment; return the time that the rest takes."""
        began, before = time.monotonic(), self._names()
        while process.poll() is None and self._names() == before:
            time.sleep(0.001)
        return max(0.1, self._seconds - (time.monotonic() - began))

    def _names(self) -> set[str]:
        return {path.name for path in self._host.store.iterdir()}

    def _killed(self, version: Version, before: Version, *, is_damaged: bool) -> str:
        """Kill a deployment; the venv that is active then runs, and is whole."""
        slowly = ("--rate", _SLOW_RATE) if self._choice.random() < 0.25 else ()
        process = self._host.start(version, "--content", *slowly)
        seconds = self._seconds
        if self._choice.random() < 0.8:  # most of the time passes before the first change
            seconds = self._await_change(process)
        time.sleep(self._choice.uniform(0, seconds))
        process.send_signal(self._choice.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)))
        process.communicate()
        phase = self._host.phase(version)
        assert self._host.active() in {before.number, version.number}, phase
        assert self._host.damage() in ([], ["bin/alpha: changed"][: int(is_damaged)]), phase
        return phase
