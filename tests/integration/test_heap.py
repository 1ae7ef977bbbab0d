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


def heaps(*argv: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *argv], capture_output=True, text=True, check=True
    )
    return done.stdout.count("<heap nr=")


def test_threads_share_one_heap() -> None:
    assert heaps("each") > 1
    assert heaps("one") == 1
