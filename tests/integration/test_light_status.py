"""A command loads only the libraries that it needs: each start would pay for the others."""

import subprocess
import sys
from pathlib import Path

from tests.builders import Fake, apt_repo
from tests.scripted_daemon import JOB, scripted_daemon

STATUS: dict[str, object] = {
    "version": "1", "fuel_version": "6.0", "control_plane": "here", "running": None, "job": None,
    "locked_by": None, "last_install": None, "undoable": None, "backups_bytes": 0, "unsettled": [],
    "discarding": [],
}  # fmt: skip
HEAVY = {"rich", "structlog", "yaml", "psutil", "httpx", "pydantic", "logging"}
SERVERS = {"fastapi", "starlette", "uvicorn", "sqlalchemy", "createrepo_c", "zstandard", "tuf"}


CODE = """
import atexit, sys
atexit.register(lambda: print(*sys.modules))
from fuel_upgrade.cli.entry import main; main()
"""


def output_and_modules(*words: str | Path) -> tuple[list[str], set[str]]:
    """Run a command; return the lines of its output, and the modules that it loaded."""
    argv = [sys.executable, "-c", CODE, *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True)
    *shown, modules = done.stdout.splitlines()
    return shown, set(modules.split())


def test_status_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    with scripted_daemon(tmp_path / "s", answers={"/v1/status": STATUS}):
        shown, modules = output_and_modules("--socket", tmp_path / "s", "status")
    assert shown[0].split() == ["Fuel", "version:", "6.0"]
    assert (HEAVY | SERVERS) & modules == set()
    assert {"fuel_upgrade.cli.client.follow_job", "fuel_upgrade.config"} & modules == set()


def test_install_loads_no_library_of_the_daemon_and_of_the_build_side(tmp_path: Path) -> None:
    record = {"id": JOB, "kind": "install", "tarball": "t", "fuel_from": "5.1", "fuel_to": "6.0",
              "state": "installed", "changed": True}  # fmt: skip
    script = [
        {"event": "step", "number": 1, "of": 1, "title": "unpack", "percent": 5.0},
        {"event": "result", "changed": True, "result": record},
    ]
    with scripted_daemon(tmp_path / "s", lambda: script):
        shown, modules = output_and_modules("--socket", tmp_path / "s", "install", "/t.tar.zst")
    assert f"installed: Fuel 5.1 -> 6.0, id {JOB}" in shown
    assert SERVERS & modules == set()


def test_reporting_on_a_tarball_needs_no_library_of_the_build_side() -> None:
    code = "import sys, fuel_upgrade.cli.bundle.bundle_commands; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "createrepo_c" not in done.stdout.split()


def test_a_diff_of_apt_repos_loads_no_reader_of_yum_and_no_settings(tmp_path: Path) -> None:
    base = apt_repo(tmp_path / "base", [Fake("a")])
    current = apt_repo(tmp_path / "current", [Fake("a"), Fake("b")])
    _, modules = output_and_modules("repo", "diff", base, current, "-o", tmp_path / "diff")
    assert "fuel_upgrade.repo.apt.repo" in modules
    assert {"psutil", "createrepo_c", "pydantic", "structlog"} & modules == set()
    assert {"fuel_upgrade.config", "fuel_upgrade.repo.yum.repo"} & modules == set()
