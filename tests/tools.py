"""Tools that tests need: where one is missing, tests skip on a laptop and fail in CI."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from ctypes.util import find_library
from pathlib import Path

import pytest

from fuel_upgrade.repo.apt.library_reader import APT_PKG, reader_name


def needs(*programs: str) -> pytest.MarkDecorator:
    """Mark a test, class or module as one that runs these programs.

    Without them the test is skipped with the reason; where ``CI`` is set it fails instead. For
    that the mark's condition is a text that pytest evaluates at each test: raising there fails
    that test alone, while failing here would stop the whole collection.
    """
    return needs_here(*(program for program in programs if shutil.which(program) is None))


def needs_here(*missing: str) -> pytest.MarkDecorator:
    """Mark a test that cannot run without the missing inputs, if any, as :func:`needs`."""
    return _unless(f"needs {', '.join(missing)}, which this machine lacks" if missing else "")


def needs_root() -> pytest.MarkDecorator:
    """Mark a test as one that changes roots and owners; without the right to, as :func:`needs`."""
    return _unless("" if os.geteuid() == 0 else "needs to run as root")


def needs_disks() -> pytest.MarkDecorator:
    """Mark tests that mount file systems on loop devices, and have FUSE files behind those.

    Features of a kernel cannot be installed: without its devices tests are skipped in CI
    too. A missing program or library fails there, as :func:`needs` says.
    """
    if os.geteuid() == 0 and (devices := ", ".join(_lacking_devices())):
        hint = "a container has them only if it is privileged"
        return pytest.mark.skip(reason=f"needs {devices}, which this machine lacks ({hint})")
    lacking = ", ".join(_lacking_for_disks())
    return _unless(f"needs {lacking}, which this machine lacks" if lacking else "")


def _lacking_devices() -> Iterator[str]:
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        yield "/dev/fuse"
    if shutil.which("losetup"):
        free = subprocess.run(["losetup", "--find"], capture_output=True, text=True, check=False)
        if free.returncode or not Path(free.stdout.strip()).is_block_device():
            yield "loop devices"


def _lacking_for_disks() -> Iterator[str]:
    if os.geteuid() != 0:
        yield "root"
        return  # it could not even ask for the rest
    if find_library("fuse3") is None:
        yield "libfuse 3"
    if shutil.which("unshare"):
        apart = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork")
        mount = ("--mount-proc", "mount", "-t", "tmpfs", "tmpfs", "/mnt")
        if subprocess.run([*apart, *mount], capture_output=True, check=False).returncode:
            yield "the right to mount"


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


def needs_apt_pkg() -> pytest.MarkDecorator:
    """Mark a test that needs apt's own parser in the Python of the system, as :func:`needs`."""
    return needs_here(*(() if reader_name() == APT_PKG else ("python3-apt",)))
