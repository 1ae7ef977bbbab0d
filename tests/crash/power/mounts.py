"""Mounts that nobody else sees and that cannot outlive their process."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

_MIB = 1 << 20
_SIZES = {"ext4": 96 * _MIB, "xfs": 320 * _MIB}  # XFS takes no less than 300 MiB
_MKFS = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_journal_init=1", "-J", "size=8"),
    "xfs": ("mkfs.xfs", "-q", "-f", "-K"),
}
_START_S = 20.0


def run_apart(function: str, timeout_s: float, **arguments: object) -> Any:
    """Call ``module:function`` in a process with mounts and process ids of its own.

    Whatever becomes of it, its mounts go with it, and so do its loop devices, which ``mount``
    attached so that they detach themselves. Arguments and result are JSON values.
    """
    done = subprocess.run(
        [
            *("unshare", "--mount", "--propagation", "private", "--pid", "--fork"),
            *("--kill-child", "--mount-proc"),
            *(sys.executable, "-m", "tests.crash.power.mounts", function, json.dumps(arguments)),
        ],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def make_filesystem(kind: str, image: Path) -> None:
    """Make an image with an empty file system; zeros in it take no space."""
    image.touch()
    os.truncate(image, _SIZES[kind])
    run(*_MKFS[kind], str(image))
    run("fallocate", "--dig-holes", str(image))


@contextmanager
def mounted(kind: str, image: Path, folder: Path) -> Iterator[None]:
    """Mount an image, or a recorded disk; the kernel replays the file system's journal."""
    run("mount", "-t", kind, "-o", "loop,noatime", str(image), str(folder))
    yield
    run("umount", str(folder))  # after an error the mount goes with its name space


@contextmanager
def in_memory(folder: Path) -> Iterator[None]:
    """Put a file system in memory there, so that images cost no disk and no waiting."""
    run("mount", "-t", "tmpfs", "tmpfs", str(folder))
    yield
    run("umount", str(folder))


@contextmanager
def recording(images: Sequence[Path], folder: Path, log: Path) -> Iterator[tuple[Path, ...]]:
    """Serve the images as recorded disks; give their paths."""
    folder.mkdir()
    disks = tuple(folder / image.name for image in images)
    argv = [sys.executable, "-m", "tests.crash.power.device", *map(str, (folder, log, *images))]
    server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + _START_S
    while not all(disk.exists() for disk in disks):
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the recorded disks did not come up")
        time.sleep(0.02)
    yield disks
    run("umount", str(folder))
    if server.wait(_START_S):
        raise RuntimeError("the recorded disks failed")


def copy_image(source: Path, target: Path) -> None:
    """Copy an image with its holes."""
    run("cp", "--sparse=auto", str(source), str(target))


def run(*argv: str) -> None:
    """Run a program; its output is the error's message if it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{shutil.which(argv[0]) or argv[0]} {argv[1:]}: {done.stderr}")


def _main(function: str, arguments: str) -> None:
    module, _, name = function.partition(":")
    result = getattr(import_module(module), name)(**json.loads(arguments))
    sys.stdout.write("\n" + json.dumps(result) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
