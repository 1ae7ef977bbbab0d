"""``make bench-quick`` is a part of the tests: small inputs, and wide limits."""

import os
import subprocess
import sys

import pytest

from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "zstd", "openssl")


def test_no_command_exceeds_the_limit_of_a_quick_run(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick"],
        env={**os.environ, "BENCH_CACHE": str(tmp_path_factory.mktemp("b"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rollback, mix / rollback, 10 MB: wall" in done.stdout
