"""Systems to install packages in: root file systems, entered as they are or booted.

A Debian release is debootstrapped once into the user's cache; a test boots a copy of it under a
systemd of its own. The other roots have neither systemd nor a libc.
"""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.packaging.cgroups import own_groups
from tests.tools import needs, needs_root

SUITES = ("bookworm", "trixie")  # Debian 12 and 13
_INCLUDED = "systemd,systemd-sysv,dbus"
_NSPAWN = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--resolv-conf=off")
_BOOT_S = 300
_STOP_S = 120
_COMMAND_S = 600
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "TERM": "dumb",
    "LANG": "C.UTF-8",
}
#: How this host reaches Debian and Python's index: the files and variables that a system needs.
_REACH_FILES = ("etc/resolv.conf", "etc/pip.conf")
_REACH_VARIABLES = ("PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "http_proxy", "https_proxy")
_AUTHORITIES = "etc/ssl/certs/ca-certificates.crt"
#: The system writes its own _AUTHORITIES anew when a package brings some.
_LENT_AUTHORITIES = "etc/ssl/lent.crt"


def needs_machines() -> list[pytest.MarkDecorator]:
    """Mark tests that make and boot systems; assign it to ``pytestmark``."""
    return [needs("debootstrap", "systemd-nspawn", "nsenter", "unshare", "ip"), needs_root()]


def debian(suite: str, packages: Sequence[str] = ()) -> Path:
    """Return the root of a Debian release with these packages, made at the first call.

    It is kept and only ever copied. FUEL_UPGRADE_ROOTS may name a folder of debootstrapped roots.
    """
    ready = Path(os.environ.get("FUEL_UPGRADE_ROOTS") or "/nonexistent", suite)
    if not packages and ready.is_dir():
        return ready
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = cache / "fuel-upgrade/machines" / "+".join([suite, *sorted(packages)])
    if not kept.exists():
        new = kept.with_name(f".{kept.name}.{os.getpid()}")
        new.parent.mkdir(parents=True, exist_ok=True)
        if packages:
            _copy(debian(suite), new)
            _add(packages, new)
        else:
            _run("debootstrap", "--variant=minbase", f"--include={_INCLUDED}", suite, str(new))
        new.rename(kept)
    return kept


def _copy(root: Path, target: Path) -> None:
    _run("cp", "--archive", "--reflink=auto", str(root), str(target))


def _add(packages: Sequence[str], root: Path) -> None:
    lend_reach(root)
    inside = [*_NSPAWN, "--pipe", f"--directory={root}", "/usr/bin/env"]
    install = ["install", "-y", "-qq", "--no-install-recommends", *packages]
    for arguments in (["update", "-qq"], install, ["clean"]):
        _run(*inside, "DEBIAN_FRONTEND=noninteractive", "apt-get", *arguments)


def lend_reach(root: Path) -> None:
    """Give a system the files with which this host reaches Debian and Python's index."""
    lent = {_AUTHORITIES: _LENT_AUTHORITIES, **{name: name for name in _REACH_FILES}}
    for name, place in lent.items():
        if (source := Path("/", name)).exists():
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).unlink(missing_ok=True)
            shutil.copy(source, root / place)


def busybox_root(target: Path) -> Path:
    """Make ``target`` a root of one static program and its links: no libc, no init, no Python."""
    busybox = shutil.which("busybox")
    assert busybox is not None
    for folder in ("usr/bin", "usr/lib", "etc", "dev", "proc", "run", "root", "tmp", "var/lib"):
        (target / folder).mkdir(parents=True)
    (target / "bin").symlink_to("usr/bin")
    (target / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (target / "etc/group").write_text("root:x:0:\n")
    shutil.copy(busybox, target / "usr/bin/busybox")
    _run("chroot", str(target), "/usr/bin/busybox", "--install", "-s", "/usr/bin")
    return target


_SPEC = """
Name: basesystem
Version: 1
Release: 1
Summary: A shell and its tools
License: none
AutoReqProv: no
%description
A shell and its tools.
%install
cp -a {files}/. %{{buildroot}}/
%files
/*
"""


def rpm_root(target: Path) -> Path:
    """Make ``target`` a root that dnf installed from an RPM: with a database of rpm, and no libc.

    No RPM distribution is in reach; its packages would be bash, coreutils and tar in this place.
    """
    work = target.with_name(f"{target.name}.rpms")
    files = busybox_root(work / "files")
    spec = work / "basesystem.spec"
    spec.write_text(_SPEC.format(files=files))
    top = f"_topdir {work}/build"
    options = ["--define", top, "--define", "__os_install_post %{nil}", "--target", "x86_64"]
    _run("rpmbuild", "-bb", *options, str(spec))
    repo = work / "build/RPMS/x86_64"
    _run("createrepo_c", "--quiet", str(repo))
    dnf = ["dnf", "--assumeyes", "--nogpgcheck", f"--installroot={target}", "--releasever=1"]
    dnf += ["--setopt=reposdir=/nonexistent", f"--repofrompath=base,{repo}", "--forcearch=x86_64"]
    _run(*dnf, "install", "basesystem")
    assert (target / "usr/bin/busybox").exists()
    return target


_ENTER = """
root=$1; shift
ip link set lo up && mount -t proc proc "$root/proc" && mount -t tmpfs tmpfs "$root/run" &&
    mount --rbind /dev "$root/dev" && exec chroot "$root" "$@"
"""


def run_in(root: Path, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program in a root that is not booted, without network; kill remaining processes."""
    apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
    words = [*apart, "sh", "-c", _ENTER, "sh", str(root), *argv]
    return _run(*words, check=check, env=_ENVIRONMENT)


def _run(
    *argv: str, check: bool = True, env: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    done = subprocess.run(
        argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=timeout_s, check=False,
    )  # fmt: skip
    assert done.returncode == 0 or not check, f"{argv}\n{done.stdout}{done.stderr}"
    return done


@dataclass(frozen=True, slots=True)
class Machine:
    """A booted system; ``leader`` is its first process, as this host numbers it."""

    root: Path
    leader: int

    def attempt(
        self, script: str, *, cwd: str = "/root", timeout_s: float = _COMMAND_S
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell script in it, as root."""
        return _run(*self._argv(f"cd {cwd}\n{script}"), check=False, timeout_s=timeout_s)

    def run(self, script: str, *, cwd: str = "/root", timeout_s: float = _COMMAND_S) -> str:
        """Run a shell script in it that must succeed; return its output and its errors."""
        done = self.attempt(script, cwd=cwd, timeout_s=timeout_s)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def start(self, script: str) -> subprocess.Popen[str]:
        """Start a shell script in it, and do not wait for its end."""
        return subprocess.Popen(
            self._argv(f"cd /root\n{script}"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def put(self, *files: Path) -> None:
        """Copy files into /root."""
        for file in files:
            shutil.copy(file, self.root / "root" / file.name)

    def _argv(self, script: str) -> list[str]:
        environment = dict(_ENVIRONMENT)
        environment |= {name: os.environ[name] for name in _REACH_VARIABLES if name in os.environ}
        if (self.root / _LENT_AUTHORITIES).exists():
            environment["PIP_CERT"] = f"/{_LENT_AUTHORITIES}"
        variables = [f"{name}={value}" for name, value in environment.items()]
        inside = ["nsenter", f"--target={self.leader}", "--all", "/usr/bin/env", "-i", *variables]
        return [*inside, "sh", "-euc", script]


@contextmanager
def booted(base: Path, root: Path, *, network: bool = False) -> Iterator[Machine]:
    """Boot a copy of a system at ``root``, and remove it afterwards."""
    _copy(base, root)
    # No test is about a power cut while dpkg is at work: it need not wait for the disk.
    (root / "etc/dpkg/dpkg.cfg.d/test").write_text("force-unsafe-io\n")
    # The system's own timers write files: at midnight Debian backs up the package database.
    (root / "etc/systemd/system/timers.target").symlink_to("/dev/null")
    try:
        with _running(root, network=network) as machine:
            yield machine
    finally:
        shutil.rmtree(root)


@contextmanager
def _running(root: Path, *, network: bool) -> Iterator[Machine]:
    name = f"fuel-upgrade-{os.getpid()}"
    argv = [*_NSPAWN, "--boot", "--console=pipe", "--notify-ready=yes", f"--directory={root}"]
    if not network:
        argv.append("--private-network")
    place = root.with_name(f"{root.name}.notify")
    with (
        own_groups(f"{name}-{root.parent.name}") as inside,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener,
        root.with_name(f"{root.name}.console").open("wb") as console,
    ):
        listener.bind(str(place))
        listener.settimeout(_BOOT_S)
        process = subprocess.Popen(
            [*inside, *argv, f"--machine={name}"], env={**os.environ, "NOTIFY_SOCKET": str(place)},
            stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            leader = _wait_until_ready(listener)
            listener.close()  # whoever notifies a queue that nobody empties waits for ever
            yield Machine(root, leader)
        finally:
            _power_off(process)
            place.unlink()


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


def _power_off(nspawn: subprocess.Popen[bytes]) -> None:
    nspawn.terminate()  # an orderly shutdown
    try:
        nspawn.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        # its child is the first process of the system, which all others end with
        children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children").read_text()
        for child in children.split():
            os.kill(int(child), signal.SIGKILL)
        nspawn.kill()
        nspawn.wait()
        raise
