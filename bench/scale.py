"""The sizes of all data sets: the real shapes, and small ones for a quick check."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Scale:
    """The number of items in each data set."""

    name: str
    packages: int
    changed_packages: int
    real_packages: bool
    files: int
    many_files: int
    big_bytes: int
    index_packages: int
    rpms: int
    listed_rpms: int
    releases: int
    registered: int
    installs: int


FULL = Scale(
    "full",
    packages=460,
    changed_packages=160,
    real_packages=True,
    files=20_000,
    many_files=100_000,
    big_bytes=2 << 30,
    index_packages=63_440,
    rpms=200,
    listed_rpms=50_000,
    releases=20,
    registered=500,
    installs=2_000,
)
QUICK = Scale(
    "quick",
    packages=60,
    changed_packages=20,
    real_packages=False,
    files=6_000,
    many_files=0,
    big_bytes=0,
    index_packages=8_000,
    rpms=0,
    listed_rpms=4_000,
    releases=4,
    registered=100,
    installs=0,
)


def cache_folder() -> Path:
    """Return the folder of all data sets: ``BENCH_CACHE``, or one below the user's cache folder."""
    named = os.environ.get("BENCH_CACHE")
    if named:
        return Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "fuel-upgrade-bench").absolute()


def data_set(scale: Scale, name: str) -> Path:
    """Return the folder of one data set, which ``python -m bench.data_sets`` makes."""
    return cache_folder() / scale.name / name
