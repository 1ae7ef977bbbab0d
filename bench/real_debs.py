"""Fetches packages of this system's own apt sources, in two versions where they have two."""

import subprocess
from pathlib import Path

from bench.scale import Scale

_LIST = """
import apt_pkg
apt_pkg.init()
for package in sorted(apt_pkg.Cache(None).packages, key=lambda p: p.name):
    served = [v for v in package.version_list if any(f.site for f, _ in v.file_list)]
    if served and package.architecture == served[0].arch:
        print(package.name, served[0].size, *(v.ver_str for v in served))
"""
_CHANGED_BYTES = 1_000_000, 12_000_000
_SAME_BYTES = 100_000, 3_000_000
_TIMEOUT_S = 3600


class UnavailableError(Exception):
    """Apt's sources of this system do not give enough packages."""


def fetch_pairs(base: Path, current: Path, scale: Scale) -> None:
    """Fetch the older version of changed packages to ``base``, the newer to ``current``.

    Packages that do not change are hard links of one file.

    Raises:
        UnavailableError: there is no apt, or too few packages, or no network.
    """
    changed: list[tuple[str, ...]] = []
    same: list[tuple[str, ...]] = []
    for line in _listed():
        name, size, *versions = line.split()
        if len(versions) > 1 and _CHANGED_BYTES[0] < int(size) < _CHANGED_BYTES[1]:
            changed.append((name, *versions[:2]))
        elif len(versions) == 1 and _SAME_BYTES[0] < int(size) < _SAME_BYTES[1]:
            same.append((name, versions[0]))
    pairs = _spread(changed, scale.changed_packages)
    _download(base, [f"{name}={old}" for name, _, old in pairs])
    _download(current, [f"{name}={new}" for name, new, _ in pairs])
    both = base.parent / "same"
    rest = _spread(same, scale.packages - scale.changed_packages)
    _download(both, [f"{name}={version}" for name, version in rest])
    for path in both.iterdir():
        (current / path.name).hardlink_to(path)
        path.rename(base / path.name)
    both.rmdir()


def _listed() -> list[str]:
    try:
        done = subprocess.run(
            ["/usr/bin/python3", "-c", _LIST], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise UnavailableError("python3-apt is missing") from error
    return done.stdout.splitlines()


def _spread(items: list[tuple[str, ...]], count: int) -> list[tuple[str, ...]]:
    """Return ``count`` items at equal distances."""
    if len(items) < count:
        raise UnavailableError(f"apt's sources have {len(items)} such packages, not {count}")
    return [items[number * len(items) // count] for number in range(count)]


def _download(into: Path, names: list[str]) -> None:
    into.mkdir(exist_ok=True)
    argv = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *names]
    try:
        subprocess.run(argv, cwd=into, check=True, timeout=_TIMEOUT_S, stderr=subprocess.PIPE)
    except (OSError, subprocess.SubprocessError) as error:
        raise UnavailableError("apt-get download failed") from error
    for path in into.iterdir():
        path.chmod(0o644)
