"""What tests need from outside: absent on a laptop they are skipped, absent in CI they fail."""

import os
import shutil
import subprocess
from ctypes.util import find_library
from pathlib import Path

import pytest


def needs(*programs: str) -> pytest.MarkDecorator:
    """Mark a test, class or module as one that runs these programs.

    Without them the test is skipped with the reason; where ``CI`` is set it fails instead. For
    that the mark's condition is a text that pytest evaluates at each test: raising there fails
    that test alone, while failing here would stop the whole collection.
    """
    missing = [program for program in programs if shutil.which(program) is None]
    return _unless(f"needs {', '.join(missing)}, which this machine lacks" if missing else "")


def needs_disks() -> pytest.MarkDecorator:
    """Mark tests that mount file systems on loop devices, and have FUSE files behind those."""
    devices = ("/dev/fuse", "/dev/loop-control")
    lacking = [device for device in devices if not os.access(device, os.R_OK | os.W_OK)]
    if os.geteuid() != 0:
        lacking.insert(0, "root")
    if find_library("fuse3") is None:
        lacking.append("libfuse 3")
    apart = ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "t", "/mnt"]
    if not lacking and subprocess.run(apart, capture_output=True, check=False).returncode:
        lacking.append("the right to mount")
    return _unless(
        f"needs {', '.join(lacking)} (a container has neither loop devices nor mounts unless it"
        " is privileged)"
        if lacking
        else ""
    )


def _unless(reason: str) -> pytest.MarkDecorator:
    if not reason:
        return pytest.mark.skipif(False, reason="nothing is missing")  # noqa: FBT003 - its form
    if in_ci():
        return pytest.mark.skipif(f"__import__('pytest').fail({reason!r})", reason=reason)
    return pytest.mark.skip(reason=reason)


def shared_dir() -> Path:
    """Return the folder ``shared`` beside the repo; skip (in CI fail) where there is none."""
    path = Path(__file__).parents[2] / "shared"
    if not path.is_dir():
        reason = f"needs {path}, the project's data and contracts"
        if in_ci():
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def in_ci() -> bool:
    """Say whether this is a run that must not skip anything."""
    return bool(os.environ.get("CI"))
