"""Debian systems in containers, under a systemd of their own, to install packages in."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.packaging.cgroups import own_groups
from tests.packaging.roots import debian_root

SUITES = ("bookworm", "trixie")  # Debian 12 and 13
NSPAWN = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--resolv-conf=off")
BOOT_S = 300
STOP_S = 120
#: What a system needs of this machine to reach what it reaches: names, a package index, its CA.
REACH_FILES = ("etc/resolv.conf", "etc/pip.conf")
REACH_VARIABLES = ("PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "http_proxy", "https_proxy")
AUTHORITIES = "etc/ssl/certs/ca-certificates.crt"
#: The system writes its own AUTHORITIES anew when a package brings some.
LENT_AUTHORITIES = "etc/ssl/lent.crt"


@dataclass(frozen=True, slots=True)
class Machine:
    """A system that runs: ``leader`` is its systemd, as a process of this machine."""

    root: Path
    leader: int

    def attempt(
        self, script: str, *, cwd: str = "/root", timeout_s: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell script in it, as root."""
        own = [f"{name}={os.environ[name]}" for name in REACH_VARIABLES if name in os.environ]
        if (self.root / LENT_AUTHORITIES).exists():
            own.append(f"PIP_CERT=/{LENT_AUTHORITIES}")
        environment = [
            "-i",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME=/root",
            "LANG=C.UTF-8",
        ]
        inside = ["nsenter", f"--target={self.leader}", "--all", "/usr/bin/env", *environment]
        return subprocess.run(
            [*inside, *own, "sh", "-euc", f"cd {cwd}\n{script}"],
            capture_output=True, text=True, stdin=subprocess.DEVNULL,
            timeout=timeout_s, check=False,
        )  # fmt: skip

    def run(self, script: str, *, cwd: str = "/root", timeout_s: float = 600) -> str:
        """Run a shell script in it that must succeed; return its output."""
        done = self.attempt(script, cwd=cwd, timeout_s=timeout_s)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def start(self, script: str) -> subprocess.Popen[str]:
        """Start a shell script in it, and do not wait for its end."""
        argv = ["nsenter", f"--target={self.leader}", "--all", "sh", "-euc", f"cd /root\n{script}"]
        return subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip

    def put(self, *files: Path) -> None:
        """Copy files into /root."""
        for file in files:
            shutil.copy(file, self.root / "root" / file.name)


@contextmanager
def booted(base: Path, root: Path, *, network: bool = False) -> Iterator[Machine]:
    """Boot a copy of a system at ``root``, and remove it afterwards."""
    subprocess.run(["cp", "--archive", "--reflink=auto", base, root], check=True)
    # No test is about a power cut while dpkg is at work: it need not wait for the disk.
    (root / "etc/dpkg/dpkg.cfg.d/test").write_text("force-unsafe-io\n")
    try:
        with _running(root, network=network) as machine:
            yield machine
    finally:
        shutil.rmtree(root)


@contextmanager
def _running(root: Path, *, network: bool) -> Iterator[Machine]:
    name = f"fuel-upgrade-{os.getpid()}"
    argv = [*NSPAWN, "--boot", "--console=pipe", "--notify-ready=yes", f"--directory={root}"]
    if not network:
        argv.append("--private-network")
    place = root.with_name(f"{root.name}.notify")
    with (
        own_groups(f"{name}-{root.parent.name}") as inside,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener,
    ):
        listener.bind(str(place))
        listener.settimeout(BOOT_S)
        process = subprocess.Popen(
            [*inside, *argv, f"--machine={name}"], env={**os.environ, "NOTIFY_SOCKET": str(place)},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            leader = _wait_until_ready(listener)
            listener.close()  # whoever notifies a queue that nobody empties waits for ever
            yield Machine(root, leader)
        finally:
            _power_off(process)
            place.unlink()


def _power_off(nspawn: subprocess.Popen[bytes]) -> None:
    nspawn.terminate()  # an orderly shutdown
    try:
        nspawn.wait(STOP_S)
    except subprocess.TimeoutExpired:
        # its child is the first process of the system, which all others end with
        children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children").read_text()
        for child in children.split():
            os.kill(int(child), signal.SIGKILL)
        nspawn.kill()
        nspawn.wait()
        raise


def _wait_until_ready(listener: socket.socket) -> int:
    """Return the process of the system's systemd when its start is over."""
    leader = 0
    while True:
        for line in listener.recv(4096).decode().splitlines():
            name, _, value = line.partition("=")
            if name == "X_NSPAWN_LEADER_PID":
                leader = int(value)
            if (name, value) == ("READY", "1"):
                return leader


def debian(suite: str, packages: Sequence[str] = ()) -> Path:
    """Return a minimal system of a Debian release with these packages, made at the first call.

    Systems are kept in the user's cache.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = cache / "fuel-upgrade/machines" / "+".join([suite, *sorted(packages)])
    if not kept.exists():
        new = kept.with_name(f".{kept.name}.{os.getpid()}")
        debian_root(suite, new)
        if packages:
            _add(packages, new)
        new.rename(kept)
    return kept


def _add(packages: Sequence[str], root: Path) -> None:
    lend_reach(root)
    inside = [*NSPAWN, "--pipe", f"--directory={root}", "/usr/bin/env"]
    install = ["install", "-y", "-qq", "--no-install-recommends", *packages]
    for arguments in (["update", "-qq"], install, ["clean"]):
        argv = [*inside, "DEBIAN_FRONTEND=noninteractive", "apt-get", *arguments]
        subprocess.run(argv, capture_output=True, check=True)


def lend_reach(root: Path) -> None:
    """Give a system the files with which this machine reaches Debian and Python's index."""
    lent = {AUTHORITIES: LENT_AUTHORITIES, **{name: name for name in REACH_FILES}}
    for name, place in lent.items():
        if (source := Path("/", name)).exists():
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).unlink(missing_ok=True)
            shutil.copy(source, root / place)
