"""Settings of every test."""

import gc
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from tests.tools import in_ci

# A shell starts its background jobs with Ctrl-C ignored, and programs inherit that: tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Where uv is not installed otherwise: the one of the locked environment.
os.environ["PATH"] += f"{os.pathsep}{Path(sys.executable).parent}"

# No test fails for the time it took, and CI sees the same cases at every run: new ones are for
# people, who can look at the failures.
settings.register_profile("fuel-upgrade", deadline=None, derandomize=in_ci())
settings.load_profile("fuel-upgrade")

# Half a million objects of libraries and collected tests live until the run ends. Without this, the
# garbage collector walks all of them again and again: a fifth of the CPU time of the unit tests.
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Collect garbage of the tests alone: all that is there before the first one stays."""
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)  # a test leaves little, and the run ends soon
    gc.enable()
