"""The demo of the README runs to its end."""

import subprocess
import sys
from pathlib import Path

from tests.tools import needs

ROOT = Path(__file__).parents[2]


@needs("apt-get", "dnf", "dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
def test_the_demo_ends_without_a_failure() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "That was the whole road." in done.stdout
