"""Hooks under the real daemon: shown by the command, cut off by a crash or a stop."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import programs
from tests.host import Host
from tests.master import write_fuel_version
from tests.programs import Program
from tests.readiness import readiness
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
BIN = Path(sys.executable).parent
EXAMPLE = Path(__file__).parents[2] / "etc/fuel-upgrade/hooks.d/before-check/50-maintenance"
TIMEOUT_S = 300


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A scratch root; its tree must be as before when an install is put back."""
    install = tmp_path / "root"
    write_fuel_version(install, "5.0")
    config = install / "etc/fuel-upgrade/config.yaml"
    config.parent.mkdir()
    config.write_text("master_ip: 127.0.0.1\nregistry: {port: 0}\n")
    return install


def write_hook(root: Path, name: str, script: str) -> None:
    path = root / "etc/fuel-upgrade/hooks.d" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in (path.parent, path.parent.parent):
        folder.chmod(0o755)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def ask(root: Path, *argv: str | Path) -> subprocess.CompletedProcess[str]:
    return programs.run(["fuel-upgrade", "--root", root, *argv])


def shown(root: Path) -> tuple[Any, str]:
    """Return the last install as ``show`` has it, as JSON and as text."""
    install = json.loads(ask(root, "history", "--json").stdout)["installs"][-1]["id"]
    return json.loads(ask(root, "show", install, "--json").stdout), ask(
        root, "show", install
    ).stdout


def tree(root: Path) -> str:
    return Host(root).tree()


@contextmanager
def daemon(root: Path) -> Iterator[Program]:
    with readiness() as ready:
        process = programs.start(["fuel-upgraded", "--root", root], environment=ready.environment())
        try:
            ready.wait(process)
            yield process
        finally:
            process.kill()
            process.wait()


def test_runs_are_shown_logged_and_followed(root: Path, tarballs: dict[str, Path]) -> None:
    write_hook(root, "after-stage/10-say", "echo from the hook; echo its last words")
    write_hook(root, "after-install/10-fail", "exit 9")
    with daemon(root):
        done = ask(root, "install", tarballs["5.1"])
        assert done.returncode == 0
        assert "[2/13] run hook after-stage/10-say" in done.stderr
        assert "after-stage/10-say: from the hook" in done.stderr
        assert "hook after-install/10-fail ended with 9" in done.stderr
        install, text = shown(root)
    say, fail = install["hooks"]
    assert (say["exit_code"], say["output"]) == (0, "from the hook\nits last words\n")
    assert (fail["point"], fail["name"], fail["exit_code"]) == ("after-install", "10-fail", 9)
    lines = [line for line in text.splitlines() if "after-stage/10-say" in line]
    assert lines[-1].endswith("its last words")
    assert "line='from the hook'" in (root / "var/log/fuel_upgrade.log").read_text()


def test_a_daemon_killed_amid_a_hook_runs_its_twin_at_the_next_start(
    root: Path, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    write_hook(root, "before-register/10-crash", f"kill -9 $(cat {tmp_path}/daemon)")
    write_hook(root, "before-register/10-crash.undo", f"touch {tmp_path}/undone")
    with daemon(root) as process:
        (tmp_path / "daemon").write_text(str(process.pid))
        before = tree(root)
        assert ask(root, "install", tarballs["5.1"]).returncode == 7
        assert process.wait(TIMEOUT_S) == -signal.SIGKILL
    with daemon(root):
        assert tree(root) == before
        assert (tmp_path / "undone").exists()
        install, text = shown(root)
        assert install["state"] == "rolled back"
        crashed, twin = install["hooks"]
        assert (crashed["exit_code"], crashed["ended_s"]) == (None, None)
        assert (twin["name"], twin["exit_code"]) == ("10-crash.undo", 0)
        assert "did not end" in text


def test_a_stop_ends_a_hook_and_puts_the_install_back(
    root: Path, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    script = f"kill -TERM $(cat {tmp_path}/daemon); exec sleep 250"
    write_hook(root, "after-stage/10-long", script)
    write_hook(root, "after-stage/10-long.undo", f"touch {tmp_path}/undone")
    with daemon(root) as process:
        (tmp_path / "daemon").write_text(str(process.pid))
        before = tree(root)
        done = ask(root, "install", tarballs["5.1"])
        assert "is stopping" in done.stderr
        assert process.wait(TIMEOUT_S) == 0
    with daemon(root):  # deletes the discarded trees that the stop left
        assert tree(root) == before
    assert (tmp_path / "undone").exists()


def test_the_example_refuses_while_no_maintenance_is_announced(
    root: Path, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    there = tmp_path / "maintenance"
    script = EXAMPLE.read_text().replace("/run/maintenance ]", f"{there} ]")
    write_hook(root, "before-check/50-maintenance", script)
    with daemon(root):
        refused = ask(root, "install", tarballs["5.1"])
        assert refused.returncode == 4
        assert "no maintenance is announced" in refused.stderr
        there.mkdir()
        assert ask(root, "install", tarballs["5.1"]).returncode == 0
