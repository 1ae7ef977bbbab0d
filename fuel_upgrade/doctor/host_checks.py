"""Checks of the clock, the kernel and the C library of the host."""

import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

from fuel_upgrade.doctor.check import Check, failure, ok, warning
from fuel_upgrade.system.times import say_time

_CLOCK, _KERNEL = "clock", "kernel and libc"
_MIN_KERNEL = (5, 3)  # pidfd_open, to wait for hooks
_MIN_GLIBC = (2, 28)  # renameat2 and statx
_DAY_S = 86_400


def check_clock(now_s: float, seen_s: float) -> Check:
    """Compare the clock with the latest recorded time: of this program or of an install."""
    if now_s + _DAY_S < seen_s:
        what = f"it is {say_time(now_s)}, but {say_time(seen_s)} is already on record"
        return warning(_CLOCK, what, "set the clock; TLS and the order of the history need it")
    return ok(_CLOCK, say_time(now_s))


def latest_on_record(paths: tuple[Path, ...]) -> float:
    """Return the latest change time of these files; 0 if none exists."""
    times = [0.0]
    for path in paths:
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return max(times)


def check_kernel(release: str, glibc: str) -> Iterator[Check]:
    """Check that kernel and C library have the system calls that this program uses."""
    kernel, libc = _numbers(release), _numbers(glibc)
    if kernel and kernel < _MIN_KERNEL:
        what = f"Linux {release}, expected 5.3 or above: hooks cannot run"
        yield failure(_KERNEL, what, "run a newer kernel, or remove all hooks")
    if libc and libc < _MIN_GLIBC:
        what = f"{glibc}, expected 2.28 or above: no tree can be switched atomically"
        yield failure(_KERNEL, what, "install the package, which contains its own C library")
    yield ok(_KERNEL, f"Linux {release}, {glibc}, Python {platform.python_version()}")


def read_kernel() -> tuple[str, str]:
    """Return the kernel release and the C library of this process."""
    try:
        glibc = os.confstr("CS_GNU_LIBC_VERSION") or "an unknown C library"
    except (OSError, ValueError):
        glibc = "a C library that is not glibc"
    return os.uname().release, glibc


def _numbers(text: str) -> tuple[int, int] | None:
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None
