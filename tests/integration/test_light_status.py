"""The status is asked for often: the command loads no library but click for it."""

import subprocess
import sys
from pathlib import Path

from tests.scripted_daemon import scripted_daemon

STATUS: dict[str, object] = {
    "version": "1", "fuel_version": "6.0", "control_plane": "here", "running": None, "job": None,
    "locked_by": None, "last_install": None, "undoable": None, "backups_bytes": 0, "unsettled": [],
    "discarding": [],
}  # fmt: skip
HEAVY = {"rich", "structlog", "yaml", "psutil", "httpx", "pydantic", "logging", "sqlalchemy"}


def test_status_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules))\n"
        "from fuel_upgrade.cli.entry import main; main()"
    )
    with scripted_daemon(tmp_path / "s", answers={"/v1/status": STATUS}):
        done = subprocess.run(
            [sys.executable, "-c", code, "--socket", tmp_path / "s", "status"],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
    *shown, modules = done.stdout.splitlines()
    assert shown[0].split() == ["Fuel", "version:", "6.0"]
    assert HEAVY & set(modules.split()) == set()
    assert {"fuel_upgrade.cli.client.follow_job", "fuel_upgrade.config"} & set(
        modules.split()
    ) == set()
