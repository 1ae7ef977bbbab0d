"""The real daemon as a process of its own, asked by the real command."""

import json
import os
import select
import signal
import socket
import subprocess
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import yaml

from fuel_upgrade.config import Config, NailgunSettings
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.upgrade.records import InstallState
from fuel_upgrade.upgrade.transaction.journal import Journal
from tests.host import BIN, Host, configure
from tests.postgres import PostgresServer, needs_postgres
from tests.programs import TIMEOUT_S
from tests.readiness import readiness
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


def test_the_whole_life_of_an_install(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        before = host.tree()
        assert host.json("status")["fuel_version"] == "5.0"
        assert host.json("releases")["releases"] == []
        assert host.json("history")["installs"] == []
        plan = host.json("plan", tarballs["5.1"])
        assert host.tree() == before
        install = host.json("install", tarballs["5.1"])
        assert install["state"] == "installed"
        shown = host.json("show", install["id"][:6])
        assert [s["title"] for s in shown["steps"]] == [s["title"] for s in plan["steps"]]
        assert host.json("status")["undoable"] == install["id"]
        assert len(host.json("releases")["releases"]) == 2
        assert host.json("rollback", install["id"])["state"] == "undone"
        assert host.tree() == before
        assert host.json("releases")["releases"] == []


def test_the_daemon_needs_no_login_to_its_own_registry(
    host: Host, tarballs: dict[str, Path]
) -> None:
    with host.daemon():
        host.json("install", tarballs["5.1"])
    assert "path='/api/v1/releases/'" in host.log()
    assert "/keystone/" not in host.log()


def test_text_output_has_the_steps_and_the_result(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        done = host.command("install", tarballs["5.1"])
        assert done.returncode == 0
        assert "installed: Fuel 5.0 -> 5.1" in done.stdout
        assert "[1/11] unpack and verify" in done.stderr
        again = host.command("install", tarballs["5.1"], "--fail-if-installed")
        assert again.returncode == 4
        assert "this master already runs Fuel 5.1" in again.stderr
        assert "state:  nothing was changed" in again.stderr
        assert "remedy: " in again.stderr
        assert "5.0 -> 5.1" in host.command("history").stdout


def test_the_current_release_has_its_own_repo_before_its_base(
    host: Host, tarballs: dict[str, Path]
) -> None:
    with host.daemon():
        host.json("install", tarballs["5.1"])
        host.json("install", tarballs["6.0"])
        current = [r for r in host.json("releases")["releases"] if r["version"] == "2014.2-6.0"]
        assert len(current) == 2
        for release in current:
            names = [repo["name"] for repo in release["repos"]]
            assert names == ["2014.2-6.0", "2014.1.1-5.1"]


def test_several_tarballs_are_installed_in_order_and_a_missing_one_is_named(
    host: Host, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    both = (tarballs["6.0"], tarballs["5.1"])
    request = tmp_path / "missing.yaml"
    with host.daemon():
        planned = host.command("install", *both, "--dry-run")
        assert planned.stdout.startswith(f"1. {both[1].name}: Fuel 5.1\n2. {both[0].name}: Fuel")
        assert host.json("history")["installs"] == []
        done = host.command("install", *both)
        assert "installed: Fuel 5.1 -> 6.0" in done.stdout, done.stderr
        assert f"== 2 of 2: {both[0].name}" in done.stderr
        assert host.json("install", *both)["installs"] == []
        host.json("rollback")
        (package,) = (host.root / "var/www/nailgun").rglob("libvirt_*.deb")
        package.unlink()
        refused = host.command("install", both[0], "--repair-request", request)
        assert refused.returncode == 4
        assert "packages that it inherits: libvirt" in refused.stderr
        assert "libvirt" in request.read_text()
        twice = host.command("plan", both[0], "--repair-request", request)
        assert (twice.returncode, "exists already" in twice.stderr) == (2, True)
    built = host.command(
        "bundle",
        "repair",
        request,
        both[0],
        "--from",
        tarballs["5.1"].parent / "6.0/ubuntu",
        "-o",
        tmp_path / "new.tar",
    )
    assert built.returncode == 0, built.stderr
    with host.daemon():
        assert host.json("install", tmp_path / "new.tar")["fuel_to"] == "6.0"


def test_errors_cross_the_socket_with_their_exit_code(
    host: Host, tarballs: dict[str, Path]
) -> None:
    with host.daemon(fail_points="7:before"):
        host.command("install", tarballs["5.1"])
        failed = host.command("install", tarballs["5.1"], "--json")
        assert failed.returncode == 5
        error = json.loads(failed.stdout.splitlines()[-1])
        assert error["state"] == "rolled back to Fuel 5.0"
        assert "fail point 7:before" in error["what"]
        assert host.json("history")["installs"][-1]["error"]["what"] == error["what"]


def test_without_a_daemon_the_remedy_is_to_start_it(host: Host) -> None:
    done = host.command("status")
    assert done.returncode == 7
    assert "systemctl start fuel-upgrade" in done.stderr


def test_a_second_daemon_is_refused(host: Host) -> None:
    with host.daemon():
        second = subprocess.run(
            [BIN / "fuel-upgraded", "--root", host.root],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 4
        assert "another fuel-upgraded runs" in second.stderr
        assert host.command("status").returncode == 0


@pytest.mark.parametrize("step", [1, 3, 7, 11])
@pytest.mark.parametrize("where", ["before", "after"])
def test_a_kill_in_the_middle_is_rolled_back_at_the_next_start(
    host: Host, tarballs: dict[str, Path], step: int, where: str
) -> None:
    with host.daemon(fail_points=f"{step}:{where}=kill") as process:
        before = host.tree()
        done = host.command("install", tarballs["5.1"])
        assert done.returncode == 7
        assert process.wait(timeout=120) == -signal.SIGKILL
    with host.daemon():
        assert host.tree() == before
        assert host.json("releases")["releases"] == []
        assert host.json("history")["installs"][-1]["state"] == "rolled back"
        host.json("install", tarballs["5.1"])


@pytest.mark.parametrize("point", ["8:after", "9:after"])
def test_a_kill_amid_the_full_views_is_rolled_back_at_the_next_start(
    host: Host, tarballs: dict[str, Path], point: str
) -> None:
    with host.daemon():
        host.json("install", tarballs["5.1"])
        before = host.tree()
        text = host.command("plan", "--full-view", tarballs["6.0"]).stdout
        assert "http://127.0.0.1:8080/full-view/2014.2-6.0/centos/x86_64" in text
    with host.daemon(fail_points=f"{point}=kill") as process:
        done = host.command("install", "--full-view", tarballs["6.0"])
        assert done.returncode == 7
        assert process.wait(timeout=120) == -signal.SIGKILL
    with host.daemon():
        assert host.tree() == before
        host.json("install", "--full-view", tarballs["6.0"])
    view = host.root / "var/www/nailgun/full-view/2014.2-6.0"
    assert (view / "centos/x86_64/repodata/repomd.xml").is_file()
    assert (view / "ubuntu/x86_64/dists/precise/Release").is_file()


def test_an_undo_killed_in_the_middle_is_finished_at_the_next_start(
    host: Host, tarballs: dict[str, Path]
) -> None:
    with host.daemon() as process:
        before = host.tree()
        install = host.json("install", tarballs["5.1"])["id"]
        process.kill()
    journal = Journal(Config().under(host.root).paths.journal)
    journal.mark(install, InstallState.UNDOING)  # as if it had come as far as its first step
    with host.daemon():
        assert host.json("show", install)["state"] == "undone"
        assert host.tree() == before


def test_a_missing_object_is_named(host: Host) -> None:
    with host.daemon():
        for argv in (("show", "nope"), ("watch", "nope"), ("watch",), ("rollback", "nope")):
            done = host.command(*argv)
            assert done.returncode in (2, 4), argv
            assert "Traceback" not in done.stderr


def test_a_malformed_request_gets_an_error_of_the_usual_form(host: Host) -> None:
    with host.daemon():
        transport = httpx.HTTPTransport(uds=str(Config().under(host.root).paths.socket))
        with httpx.Client(transport=transport, base_url="http://daemon/v1") as client:
            answer = client.post("/installs", json={"file": "x"})
            assert answer.status_code == 400
            assert "body.file" in answer.json()["what"]
            assert client.get("/installs/nope").status_code == 404


def test_a_stop_ends_the_daemon_cleanly(host: Host) -> None:
    config = Config().under(host.root)
    with host.daemon() as process:
        assert config.paths.socket.exists()
        assert config.paths.socket.stat().st_mode & 0o777 == 0o660
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 0
    assert not config.paths.socket.exists()
    assert not config.paths.pid_file.exists()


def test_detached_it_answers_and_its_pid_file_names_it(host: Host) -> None:
    argv = [str(BIN / "fuel-upgraded"), "--root", str(host.root), "--detach"]
    with readiness() as ready:
        started = subprocess.run(argv, env=ready.environment(), check=False)
        assert started.returncode == 0
        ready.wait()
    assert host.command("status").returncode == 0
    pid = int((host.root / "run/fuel-upgrade/fuel-upgraded.pid").read_text())
    try:
        assert b"fuel-upgraded" in Path(f"/proc/{pid}/cmdline").read_bytes()
    finally:
        with closing(os.fdopen(os.pidfd_open(pid))) as end:
            os.kill(pid, signal.SIGTERM)
            assert select.select([end], [], [], TIMEOUT_S)[0]
    assert not (host.root / "run/fuel-upgrade/fuel-upgraded.pid").exists()


def test_systemd_is_notified_when_the_daemon_is_ready(host: Host, tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(address))
        listener.settimeout(TIMEOUT_S)
        process = subprocess.Popen(
            [BIN / "fuel-upgraded", "--root", host.root],
            env={**os.environ, "NOTIFY_SOCKET": str(address)},
            stderr=subprocess.DEVNULL,
        )
        try:
            assert listener.recv(100).startswith(b"READY=1")
            assert host.command("status").returncode == 0
            process.terminate()
            assert listener.recv(100) == b"STOPPING=1"
        finally:
            process.kill()
            process.wait()


def test_no_secret_reaches_the_log(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        host.json("install", tarballs["5.1"])
    password = (host.root / "var/lib/fuel_upgrade/registry.password").read_text()
    assert password
    assert password not in host.log()
    assert "READY" not in host.log()
    assert "register release Icehouse" in host.log()


def test_a_configured_nailgun_is_used_instead_of_the_embedded_registry(
    host: Host, tarballs: dict[str, Path], nailgun: str
) -> None:
    configure(host, url=nailgun, password="right")
    with host.daemon():
        assert host.json("status")["control_plane"] == f"Nailgun at {nailgun}"
        host.json("install", tarballs["5.1"])
        settings = NailgunSettings(url=nailgun, password="right")
        with NailgunClient(settings) as client:
            assert len(client.releases()) == 2
            assert len(client.notifications()) == 2
            host.json("rollback")
            assert client.releases() == ()
            assert client.notifications() == ()
    assert not Config().under(host.root).paths.registry.exists()


@needs_postgres()
def test_the_embedded_registry_may_be_in_postgresql(
    host: Host, tarballs: dict[str, Path], postgres: PostgresServer
) -> None:
    url = postgres.new_database()
    config = {"master_ip": "127.0.0.1", "registry": {"port": 0, "database": url}}
    (host.root / "etc/fuel-upgrade/config.yaml").write_text(yaml.safe_dump(config))
    with closing(Store.open(url)) as store:
        with host.daemon():
            host.json("install", tarballs["5.1"])
        assert len(store.releases()) == 2
        with host.daemon():
            host.json("rollback")
        assert store.releases() == ()
    assert not Config().under(host.root).paths.registry.exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"password": "wrong"}, "correct nailgun.username and nailgun.password"),
        ({"url": "http://127.0.0.1:9", "retries": 0}, "check that Nailgun and Keystone run"),
    ],
)
def test_an_unreachable_nailgun_leaves_everything_as_before(
    host: Host, tarballs: dict[str, Path], nailgun: str, settings: dict[str, object], message: str
) -> None:
    configure(host, **{"url": nailgun, **settings})
    with host.daemon():
        before = host.tree()
        done = host.command("install", tarballs["5.1"])
        assert done.returncode == 7
        assert message in done.stderr
        assert host.tree() == before
        assert host.json("history")["installs"] == []


def test_node_sources_of_a_registered_release(
    host: Host, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    with host.daemon():
        host.json("install", tarballs["5.1"])
        host.json("install", tarballs["6.0"])
        out = tmp_path / "node"
        args = ("node", "sources", "2014.2-6.0", "-o", out)
        written = host.json(*args, "--os", "centos", "--format", "astute")["files"]
        assert written == [str(out / "etc/yum.repos.d/nailgun.repo")]
        (shown,) = host.json("releases", "show", "2014.2-6.0/centos")["releases"]
        repos = shown["body"]["orchestrator_data"]["repo_metadata"]
        sections = [f"[{key}]\nname={key}\nbaseurl={url}\ngpgcheck=0" for key, url in repos.items()]
        assert (out / "etc/yum.repos.d/nailgun.repo").read_text() == "\n".join(sections)
        assert list(repos) == ["2014.2-6.0", "zz02-2014.1.1-5.1"]
        host.json(*args, "--os", "ubuntu", "--format", "astute")
    lines = (out / "etc/apt/sources.list").read_text().splitlines()
    assert lines == [
        "deb http://127.0.0.1:8080/2014.2-6.0/ubuntu/x86_64 precise main",
        "deb http://127.0.0.1:8080/2014.1.1-5.1/ubuntu/x86_64 precise main",
    ]


def test_an_unknown_release_is_reported_with_the_known_ones(
    host: Host, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    with host.daemon():
        host.json("install", tarballs["5.1"])
        done = host.command("node", "sources", "nope", "--os", "ubuntu", "-o", tmp_path / "n")
        assert done.returncode == 2
        assert "Icehouse on Ubuntu 12.04.4 (2014.1.1-5.1)" in done.stderr
