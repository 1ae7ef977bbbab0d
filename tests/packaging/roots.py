"""Root file systems of other hosts: whole Debian releases, which boot a real systemd.

A release is debootstrapped once into a cache; each test gets a copy. None has a network, and none
has Python.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tools import needs, needs_root

NEXT_DEBIAN = "trixie"
DEBIAN = "bookworm"
_INCLUDED = "systemd,systemd-sysv,dbus"
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "TERM": "dumb",
    "LANG": "C.UTF-8",
}
_BOOT_S = 120.0
_COMMAND_S = 300.0
_NSPAWN = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network")


def needs_roots() -> list[pytest.MarkDecorator]:
    """Mark tests that make and boot roots; assign it to ``pytestmark``."""
    return [needs("debootstrap", "systemd-nspawn", "nsenter", "unshare", "ip"), needs_root()]


def debian_root(suite: str, target: Path) -> Path:
    """Make ``target`` a minimal root of a Debian release, to do anything to; return it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source = _cached(suite)
    subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True)
    return target


def _cached(suite: str) -> Path:
    """Return the root of a release that is only copied; FUEL_UPGRADE_ROOTS may have one ready."""
    ready = Path(os.environ.get("FUEL_UPGRADE_ROOTS") or "/nonexistent", suite)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = cache / "fuel-upgrade/roots" / suite
    if ready.is_dir() or root.is_dir():
        return ready if ready.is_dir() else root
    made = root.with_name(f".{suite}.{os.getpid()}")
    shutil.rmtree(made, ignore_errors=True)
    made.parent.mkdir(parents=True, exist_ok=True)
    argv = ["debootstrap", "--variant=minbase", f"--include={_INCLUDED}", suite, str(made)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    if not root.exists():  # another worker may have been first
        made.rename(root)
    return root


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
    links = ["chroot", str(target), "/usr/bin/busybox", "--install", "-s", "/usr/bin"]
    subprocess.run(links, check=True)
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
    _run(["rpmbuild", "-bb", *options, str(spec)], check=True, env=None)
    repo = work / "build/RPMS/x86_64"
    _run(["createrepo_c", "--quiet", str(repo)], check=True, env=None)
    dnf = ["dnf", "--assumeyes", "--nogpgcheck", f"--installroot={target}", "--releasever=1"]
    dnf += ["--setopt=reposdir=/nonexistent", f"--repofrompath=base,{repo}", "--forcearch=x86_64"]
    _run([*dnf, "install", "basesystem"], check=True, env=None)
    assert (target / "usr/bin/busybox").exists()
    return target


_ENTER = """
root=$1; shift
ip link set lo up && mount -t proc proc "$root/proc" && mount -t tmpfs tmpfs "$root/run" &&
    mount --rbind /dev "$root/dev" && exec chroot "$root" "$@"
"""


def run_in(
    root: Path, *argv: str, check: bool = True, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program in a root that is not booted, without a network; what it leaves is killed."""
    apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
    return _run([*apart, "sh", "-c", _ENTER, "sh", str(root), *argv], check=check, env=env)


@dataclass(frozen=True, slots=True)
class Machine:
    """A booted root; ``leader`` is its first process, as this host numbers it."""

    root: Path
    leader: int

    def run(
        self, *argv: str, check: bool = True, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in the machine; where ``check``, it must end with 0."""
        return _run(self.argv(*argv), check=check, env=env)

    def argv(self, *argv: str) -> list[str]:
        """Return the command line that runs a program in the machine."""
        return ["nsenter", "--all", "--wdns=/", f"--target={self.leader}", "--", *argv]


@contextmanager
def boot(root: Path, *options: str) -> Iterator[Machine]:
    """Boot a root's systemd, without a network, until the block ends."""
    console = root.with_name(f"{root.name}.console")
    with console.open("wb") as output:
        nspawn = subprocess.Popen(
            [*_NSPAWN, *options, "--boot", f"--directory={root}"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _booted(root, nspawn, console)
    finally:
        _power_off(nspawn)


def _booted(root: Path, nspawn: subprocess.Popen[bytes], console: Path) -> Machine:
    deadline = time.monotonic() + _BOOT_S
    while time.monotonic() < deadline and nspawn.poll() is None:
        leader = _leader(nspawn.pid)
        if leader:
            machine = Machine(root, leader)
            state = machine.run("systemctl", "is-system-running", "--wait", check=False).stdout
            if state.strip() in {"running", "degraded"}:
                return machine
        time.sleep(0.05)  # nothing tells the host of a container without a bus
    raise AssertionError(f"{root} did not boot: {console.read_text(errors='replace')[-2000:]}")


def _leader(pid: int) -> int | None:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in map(int, children):
        if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
            return child
    return None


def _power_off(nspawn: subprocess.Popen[bytes]) -> None:
    nspawn.terminate()  # powers the machine off
    try:
        nspawn.wait(timeout=60)
    except subprocess.TimeoutExpired:
        nspawn.kill()
        nspawn.wait()


def _run(
    argv: list[str], *, check: bool, env: Mapping[str, str] | None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        argv,
        env={**_ENVIRONMENT, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_COMMAND_S,
        check=False,
    )
    assert done.returncode == 0 or not check, f"{argv}\n{done.stdout}{done.stderr}"
    return done
