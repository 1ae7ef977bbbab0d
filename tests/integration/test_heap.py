"""Threads share a heap: counted by malloc_info(3) of glibc in a process of its own."""

import subprocess
import sys

CHILD = """
import ctypes, sys, threading
from fuel_upgrade.system.heap import use_one_heap

if sys.argv[1] == "one":
    use_one_heap()
libc = ctypes.CDLL(None)
barrier = threading.Barrier(5)

def allocate():
    data = bytes(100_000)
    barrier.wait()
    barrier.wait()

for _ in range(4):
    threading.Thread(target=allocate).start()
barrier.wait()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
barrier.wait()
"""


TRIMMED = """
from fuel_upgrade.system.heap import return_freed_memory, use_one_heap

def own_kib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))

use_one_heap()
blocks = [bytes(100_000) for _ in range(400)]
blocks = blocks[-1:]
before = own_kib()
return_freed_memory()
print(before - own_kib())
"""


def heaps(*argv: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *argv], capture_output=True, text=True, check=True
    )
    return done.stdout.count("<heap nr=")


def test_freed_memory_below_a_used_block_is_returned() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRIMMED], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 20_000


def test_threads_share_one_heap() -> None:
    assert heaps("each") > 1
    assert heaps("one") == 1
