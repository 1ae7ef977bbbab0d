"""Checks of the host itself: its clock, its kernel, its C library."""

import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

from fuel_upgrade.doctor.check import Check, failure, ok, warning
from fuel_upgrade.system.times import say_time

_CLOCK, _KERNEL = "clock", "kernel and libc"
_LEAST_KERNEL = (5, 3)  # pidfd_open, by which hooks are waited for
_LEAST_GLIBC = (2, 28)  # renameat2 and statx
_DAY_S = 86_400


def check_clock(now_s: float, seen_s: float) -> Check:
    """Compare the clock with the latest time that is on record: of this program, or an install."""
    if now_s + _DAY_S < seen_s:
        what = f"it is {say_time(now_s)}, and {say_time(seen_s)} is on record already"
        return warning(_CLOCK, what, "set the clock; TLS and the order of the history need it")
    return ok(_CLOCK, say_time(now_s))


def latest_on_record(paths: tuple[Path, ...]) -> float:
    """Return the latest time at which one of these files changed; 0 if there is none."""
    times = [0.0]
    for path in paths:
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return max(times)


def check_kernel(release: str, glibc: str) -> Iterator[Check]:
    """Compare kernel and C library with the lowest that have the calls which are made."""
    kernel, libc = _numbers(release), _numbers(glibc)
    if kernel and kernel < _LEAST_KERNEL:
        what = f"Linux {release}, expected 5.3 or above: hooks cannot be waited for"
        yield failure(_KERNEL, what, "run a newer kernel, or remove all hooks")
    if libc and libc < _LEAST_GLIBC:
        what = f"{glibc}, expected 2.28 or above: nothing can be switched in one move"
        yield failure(_KERNEL, what, "install the package, which has a C library of its own")
    yield ok(_KERNEL, f"Linux {release}, {glibc}, Python {platform.python_version()}")


def read_kernel() -> tuple[str, str]:
    """Return the release of the kernel, and the C library that this process runs with."""
    try:
        glibc = os.confstr("CS_GNU_LIBC_VERSION") or "an unknown C library"
    except (OSError, ValueError):
        glibc = "a C library that is not glibc"
    return os.uname().release, glibc


def _numbers(text: str) -> tuple[int, int] | None:
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None
