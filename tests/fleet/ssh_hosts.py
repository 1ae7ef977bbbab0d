"""Hosts with an sshd each, in network namespaces: this system or another one."""

import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.web_server import running

REPO_ADDRESS = "198.18.0.1"  # RFC 2544: for tests of networks
_CONFIG = """
ListenAddress {address}
HostKey {keys}/host
AuthorizedKeysFile {keys}/user.pub
PidFile none
StrictModes no
PermitRootLogin yes
UsePAM no
Subsystem sftp internal-sftp
"""


@contextmanager
def running_hosts(
    folder: Path, directory: Path, roots: Mapping[str, Path]
) -> Iterator[dict[str, dict[str, Any]]]:
    """Run hosts by name, each with a root file system and an empty folder at ``directory``.

    Yields their inventory. Roots other than / are written to.
    """
    keys = folder / "keys"
    keys.mkdir(parents=True)
    for name in ("host", "user"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{keys}/{name}")
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(_host(folder / name, directory, number, root))
            for number, (name, root) in enumerate(roots.items(), 2)
        }


@contextmanager
def _host(own: Path, directory: Path, number: int, root: Path) -> Iterator[dict[str, Any]]:
    address = f"198.18.0.{number}"
    keys = own.parent / "keys"
    (own / "venvs").mkdir(parents=True)
    (own / "sshd_config").write_text(_CONFIG.format(address=address, keys=keys))
    with _network(f"fleet{number}", address):
        inside = _script(own, directory, root)
        argv = ["ip", "netns", "exec", f"fleet{number}", "sh", "-ec", inside]
        with running(argv, 22, own / "sshd.log", address=address):
            options = f"-i {keys}/user -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no"
            yield {
                "ansible_host": address,
                "ansible_user": "root",
                "ansible_ssh_common_args": options,
                "ansible_python_interpreter": "/usr/bin/python3"
                if root != Path("/")
                else sys.executable,
            }


def _script(own: Path, directory: Path, root: Path) -> str:
    """Return the commands of a host in its namespaces: `ip netns` makes mounts private."""
    mounts = [("--bind", own / "venvs", root / directory.relative_to("/"))]
    sshd = ["/usr/sbin/sshd", "-D", "-e", "-f", str(own / "sshd_config")]
    if root != Path("/"):
        for name in ("dev", "proc"):
            mounts.append(("--bind", Path("/", name), root / name))
        for path in (own, own.parent / "keys"):
            mounts.append(("--bind", path, root / path.relative_to("/")))
        sshd = ["chroot", str(root), *sshd]
    mounts.sort(key=lambda mount: len(mount[2].parts))  # a folder before those in it
    run = root / "run/sshd"
    lines = [["mkdir", "-p", *(str(target) for *_, target in mounts), str(run)]]
    lines += [["mount", *map(str, mount)] for mount in mounts]
    return "\n".join([*map(shlex.join, lines), f"exec {shlex.join(sshd)}"])


@contextmanager
def _network(space: str, address: str) -> Iterator[None]:
    """Make a network namespace with this address, linked to the repo server's address."""
    _run("ip", "netns", "add", space)
    try:
        peer = ["peer", "name", "eth0", "netns", space]
        _run("ip", "link", "add", space, "type", "veth", *peer)
        _run("ip", "address", "add", REPO_ADDRESS, "peer", address, "dev", space)
        _run("ip", "link", "set", space, "up")
        inside = ["ip", "-n", space]
        _run(*inside, "address", "add", address, "peer", REPO_ADDRESS, "dev", "eth0")
        for link in ("lo", "eth0"):
            _run(*inside, "link", "set", link, "up")
        yield
    finally:
        _run("ip", "netns", "del", space)


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True)
