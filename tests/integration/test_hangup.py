"""A hangup, as when a terminal closes, ends no service of ours."""

import json
import os
import signal
import subprocess
from pathlib import Path

import requests

from tests.host import BIN, Host

_TIMEOUT_S = 60


def test_the_registry_as_a_service_of_its_own_ignores_it(host: Host) -> None:
    argv = [BIN / "fuel-upgrade", "--root", host.root, "registry", "serve", "--port", "0", "--json"]
    with subprocess.Popen(
        [*map(str, argv)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as serving:
        try:
            assert serving.stdout is not None
            url = json.loads("".join(iter(serving.stdout.readline, "}\n")) + "}")["url"]
            for _ in range(3):
                serving.send_signal(signal.SIGHUP)
                assert requests.get(f"{url}/v3", timeout=_TIMEOUT_S).status_code == 200
            serving.terminate()
            assert serving.wait(_TIMEOUT_S) == 0
        finally:
            serving.kill()


def test_a_detached_daemon_reloads_and_goes_on(host: Host) -> None:
    subprocess.run(
        [BIN / "fuel-upgraded", "--root", host.root, "--detach"], check=True, timeout=_TIMEOUT_S
    )
    pid_file = host.root / "run/fuel-upgrade/fuel-upgraded.pid"
    process = wait_for(host, pid_file)
    try:
        for _ in range(3):
            os.kill(process, signal.SIGHUP)
            host.json("status")
        assert Path(f"/proc/{process}").exists()
    finally:
        os.kill(process, signal.SIGTERM)


def wait_for(host: Host, pid_file: Path) -> int:
    """Return the process id of the daemon when it answers."""
    for _ in range(100):
        if host.command("status").returncode == 0:
            return int(pid_file.read_text())
    raise AssertionError("the daemon did not come up")
