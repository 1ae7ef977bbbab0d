"""/health and /metrics of the real daemon, on its socket and on a loopback port."""

import http.client
import json
import re
import socket
import subprocess
from pathlib import Path

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.host import BIN, Host
from tests.tools import needs

PACKAGING = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


def ask(host: Host, path: str, port: int | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    if port is None:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(host.root / "run/fuel-upgrade/api.sock"))
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def samples(text: str) -> dict[str, float]:
    """Return the value of each sample by its name and labels, as Prometheus' own parser has it."""
    return {
        sample.name + "".join(f" {k}={v}" for k, v in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@PACKAGING
def test_metrics_count_installs_and_measure_free_space(
    host: Host, tarballs: dict[str, Path]
) -> None:
    with host.daemon():
        status, text = ask(host, "/metrics")
        assert status == 200
        before = samples(text)
        record = host.json("install", tarballs["5.1"])
        after = samples(ask(host, "/metrics")[1])
        backups = host.json("show", record["id"])["backups_bytes"]
    assert before["fuel_upgrade_installs state=installed"] == 0
    assert after["fuel_upgrade_installs state=installed"] == 1
    assert after["fuel_upgrade_last_install_state state=installed"] == 1
    assert after["fuel_upgrade_last_install_timestamp_seconds"] == record["ended_s"]
    assert after["fuel_upgrade_backups_bytes"] == backups
    assert after["fuel_upgrade_job_running"] == 0
    assert after["fuel_upgrade_nailgun_requests_total method=POST"] >= 4
    assert after["fuel_upgrade_nailgun_request_seconds_total method=POST"] > 0
    assert after["fuel_upgrade_log_lines_total level=error"] == 0
    assert [name for name in after if name.startswith("fuel_upgrade_build_info")]
    folders = {re.search(r"folder=(\w+)", n)[1] for n in after if "_free_bytes" in n}  # type: ignore[index]
    assert folders == {"repos", "puppet", "fuel", "venvs", "state", "log"}


@PACKAGING
def test_every_line_and_request_of_an_install_has_its_id(
    host: Host, tarballs: dict[str, Path]
) -> None:
    with host.daemon():
        install = host.json("install", tarballs["5.1"])["id"]
    lines = [line for line in host.log().splitlines() if "event='request'" in line]
    posted = [line for line in lines if "method='POST' path='/api" in line]
    assert len(posted) == 4
    assert all(f" install='{install}' " in line for line in posted)
    steps = [line for line in host.log().splitlines() if "event='step'" in line]
    assert steps
    assert all(f" install='{install}' " in line for line in steps)


def test_a_daemon_that_is_ready_says_so(host: Host) -> None:
    with host.daemon():
        status, text = ask(host, "/health")
    health = json.loads(text)
    assert status == 200
    assert next(iter(health)) == "format"
    assert health["ready"] is True
    assert health["checks"]["control_plane"]["detail"].startswith("embedded registry at http")


def test_a_journal_that_cannot_be_read_makes_it_unready_and_ends_no_metrics(host: Host) -> None:
    with host.daemon():
        journal = host.root / "var/lib/fuel_upgrade/journal.sqlite"
        journal.write_bytes(b"junk" * 1000)
        status, text = ask(host, "/health")
        measured = samples(ask(host, "/metrics")[1])
    assert status == 503
    assert json.loads(text)["checks"]["journal"]["ok"] is False
    assert measured["fuel_upgrade_journal_readable"] == 0
    assert "fuel_upgrade_installs state=installed" not in measured


def test_the_loopback_port_serves_these_two_and_nothing_else(host: Host) -> None:
    settings = {"master_ip": "127.0.0.1", "registry": {"port": 0}, "metrics": {"port": 0}}
    (host.root / "etc/fuel-upgrade/config.yaml").write_text(yaml.safe_dump(settings))
    with host.daemon():
        match = re.search(r"health and metrics are served' host='127.0.0.1' port=(\d+)", host.log())
        assert match is not None
        port = int(match[1])
        assert ask(host, "/health", port)[0] == 200
        assert "fuel_upgrade_build_info" in ask(host, "/metrics", port)[1]
        for path in ("/v1/status", "/v1/installs", "/openapi.json", "/docs"):
            assert ask(host, path, port)[0] == 404


def test_a_port_in_use_is_reported(host: Host) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = {"registry": {"port": 0}, "metrics": {"port": port}}
        (host.root / "etc/fuel-upgrade/config.yaml").write_text(yaml.safe_dump(settings))
        argv = [str(BIN / "fuel-upgraded"), "--root", str(host.root)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 7
    assert f"error:  metrics.port: cannot listen on 127.0.0.1:{port}" in done.stderr
