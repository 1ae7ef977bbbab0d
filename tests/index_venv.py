"""Programs from the package index that are no part of the environment of the tests."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import in_ci

_INSTALL_TIMEOUT_S = 300


def venv_with(requirements: Path, folder: Path) -> Path:
    """Install a file of requirements in a venv below ``folder``, once; return its programs.

    Skip (in CI fail) where the package index cannot be reached.
    """
    venv = folder / requirements.stem
    with (folder / f"{requirements.stem}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (venv / "installed").exists():
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
            _install(venv, requirements)
            (venv / "installed").touch()
    return venv / "bin"


def _install(venv: Path, requirements: Path) -> None:
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--retries", "1"]
    done = subprocess.run(
        [*pip, "--requirement", str(requirements)],
        capture_output=True,
        text=True,
        timeout=_INSTALL_TIMEOUT_S,
        check=False,
    )
    if done.returncode == 0:
        return
    reason = f"needs {requirements.name} from the package index: {done.stderr[-400:]}"
    if in_ci():
        pytest.fail(reason)
    pytest.skip(reason)
