"""Measures the duration of an undo and the space of an install: ``python -m bench.undo [ROUNDS]``.

``BENCH_UNDO_MB`` sets the larger size (10240 MiB), ``BENCH_SCRATCH`` the folder to work in.
"""

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.ratio import ratio
from demo.releases import RELEASES, write_inputs
from fuel_upgrade.bundle.pack import build_bundle
from fuel_upgrade.bundle.spec import parse_spec
from fuel_upgrade.bundle.verify import read_head
from fuel_upgrade.system.disk_space import file_system_at
from fuel_upgrade.system.size import say_size
from fuel_upgrade.upgrade.events import Event, Undone
from tests.master import ScratchMaster, scratch_master

MIB = 1 << 20
SMALL_MB = 10
LARGE_MB = 10 * 1024
_PART_MB = 64  # a package's size: repos have many files, not one
_SAMPLE_S = 0.02


def main() -> None:
    """Measure both sizes, or print why that is not possible."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    large_mb = int(os.environ.get("BENCH_UNDO_MB", str(LARGE_MB)))
    with tempfile.TemporaryDirectory(
        prefix="bench-undo-", dir=os.environ.get("BENCH_SCRATCH")
    ) as name:
        folder = Path(name)
        free = file_system_at(folder).free_bytes
        if free < 3 * large_mb * MIB:
            needed = say_size(3 * large_mb * MIB)
            print(f"undo: skipped, {needed} are needed in {folder}, {say_size(free)} are free;")
            print("  set BENCH_UNDO_MB to a smaller size, or BENCH_SCRATCH to another folder")
            return
        _measure(folder, large_mb, n)


def _measure(folder: Path, large_mb: int, n: int) -> None:
    write_inputs(folder / "inputs")
    sizes = {"small": SMALL_MB, "large": large_mb}
    seconds: dict[str, list[float]] = {name: [] for name in sizes}
    peaks: dict[str, list[float]] = {name: [] for name in sizes}
    with ExitStack() as stack:
        masters = {n: stack.enter_context(scratch_master(folder / n)) for n in sizes}
        tarballs = {name: _tarball(folder / "inputs", size) for name, size in sizes.items()}
        for _ in range(n):
            for name, master in masters.items():
                install, peak = _install(master, tarballs[name])
                peaks[name].append(peak)
                seconds[name].append(_undo_seconds(master, install))
    print(f"undo of installs of {SMALL_MB} MiB (small) and of {large_mb} MiB (large):")
    print(" ", ratio(seconds, "large", "small", "below 2"))
    for name, values in peaks.items():
        low, middle, high = min(values), statistics.median(values), max(values)
        spread = f"{low:.3f} - {middle:.3f} - {high:.3f}"
        print(f"  peak of extra disk / unpacked size, {name}: {spread} (limit 1.05)")


def _tarball(inputs: Path, size_mb: int) -> Path:
    """Build the demo's full release with a repo of ``size_mb`` more; zeros, so it stays small."""
    repo = inputs / RELEASES[0].fuel / "ubuntu/pool"
    repo.mkdir(parents=True, exist_ok=True)
    parts = range(0, size_mb, _PART_MB)
    for number in parts:
        with (repo / f"bulk_{number}.bin").open("wb") as file:
            file.truncate(min(_PART_MB, size_mb - number) * MIB)  # a hole takes no space here
    spec = inputs / f"bundle-{RELEASES[0].fuel}.yaml"
    out = inputs / f"{size_mb}.tar.zst"
    build_bundle(parse_spec(spec.read_text(), source=spec), out, progress=lambda *_: None)
    return out


def _install(master: ScratchMaster, tarball: Path) -> tuple[str, float]:
    """Install; return the id, and the peak disk usage divided by the unpacked size."""
    with _sampling(master.root) as peak:
        install = master.install(tarball).id
    return install, peak.bytes / read_head(tarball).unpacked_bytes


def _undo_seconds(master: ScratchMaster, install: str) -> float:
    """Return the time until the master is as before; the space is freed afterwards."""
    ended: list[float] = []

    def watch(event: Event) -> None:
        if isinstance(event, Undone):
            ended.append(time.perf_counter())

    began = time.perf_counter()
    master.engine().rollback(install, watch=watch)
    return ended[0] - began


@dataclass
class _Peak:
    bytes: int = 0
    stop: threading.Event = field(default_factory=threading.Event)


@contextmanager
def _sampling(root: Path) -> Iterator[_Peak]:
    """Sample the growth of the folder until the body ends."""
    peak, before = _Peak(), _occupied(root)

    def sample() -> None:
        while not peak.stop.wait(_SAMPLE_S):
            peak.bytes = max(peak.bytes, _occupied(root) - before)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield peak
    finally:
        peak.stop.set()
        thread.join()
        peak.bytes = max(peak.bytes, _occupied(root) - before)


def _occupied(root: Path) -> int:
    """Return the bytes of all blocks below; a file that moves meanwhile counts once."""
    blocks: dict[int, int] = {}
    for folder, _, names in os.walk(root):
        for path in (folder, *(os.path.join(folder, name) for name in names)):  # noqa: PTH118
            with suppress(FileNotFoundError):
                info = os.lstat(path)
                blocks[info.st_ino] = info.st_blocks
    return 512 * sum(blocks.values())


if __name__ == "__main__":
    main()
