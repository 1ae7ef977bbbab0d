"""The systems whose package managers the exactness tests run: this host, and debootstrapped roots.

EXACT_SUITES names Debian releases; each is made once by ``tests.packaging.machines`` and copied.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from fuel_upgrade.system import process
from fuel_upgrade.system.files import remove_tree
from tests.packaging.machines import debian, needs_machines

HOST = "host"
_PACKAGES = ("dnf",)
_ENTER = """
root=$1; shared=$2; shift 2
mount --rbind /dev "$root/dev" && mount --rbind /proc "$root/proc" &&
    mount --rbind "$shared" "$root$shared" && exec chroot "$root" "$@"
"""


@dataclass(frozen=True, slots=True)
class Generation:
    """A system, and the folder ``shared`` that its programs see at the path that it has here."""

    name: str
    shared: Path
    root: Path | None = None

    def argv(self, *words: str) -> list[str]:
        """Return the command line that runs a program of the system."""
        if self.root is None:
            return list(words)
        enter = ("unshare", "--mount", "sh", "-c", _ENTER, "sh", str(self.root), str(self.shared))
        return [*enter, *words]

    def run(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> str:
        """Run a program of the system and return its output."""
        return process.run(self.argv(*argv), timeout_s=120, env=env)


def generations() -> list[object]:
    """Return the names of systems to test: the host, unless EXACT_SUITES names others."""
    return [
        pytest.param(name, marks=[] if name == HOST else needs_machines())
        for name in os.environ.get("EXACT_SUITES", HOST).split()
    ]


def opened(name: str, folder: Path) -> Iterator[Generation]:
    """Yield a system; ``folder`` is new, for the copy of the root and the shared files."""
    shared = folder / "shared"
    shared.mkdir()
    if name == HOST:
        yield Generation(name, shared)
        return
    root = folder / "root"
    subprocess.run(["cp", "--archive", "--reflink=auto", debian(name, _PACKAGES), root], check=True)
    (root / str(shared).lstrip("/")).mkdir(parents=True, exist_ok=True)
    yield Generation(name, shared, root)
    remove_tree(root)
