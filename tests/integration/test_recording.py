"""The operator's view of a running install, with the real daemon."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fuel_upgrade.config import Config
from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from fuel_upgrade.system.locks import Lock
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState
from fuel_upgrade.upgrade.transaction.journal import Journal
from tests.flaky import Held, flaky_nailgun
from tests.host import BIN, Host, configure
from tests.terminal import OnTerminal
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


@pytest.fixture
def held(host: Host, tmp_path: Path) -> Iterator[Held]:
    """Holds the first release that is posted to the Nailgun of ``host``."""
    store = Store.open(f"sqlite:///{tmp_path}/nailgun.sqlite")
    ensure_user(store, "admin", "right")
    app = create_app(store, master_ip="10.20.0.2", fuel_version=lambda: "5.0")
    with RegistryServer(app, "127.0.0.1", 0) as server, flaky_nailgun(server.url) as nailgun:
        configure(host, url=nailgun.url, password="right")
        made = Held()
        nailgun.set("POST", "releases", made)
        yield made
        made.let_go.set()
    store.close()


def on_terminal(host: Host, *argv: str | Path, columns: int = 80) -> OnTerminal:
    whole = [BIN / "fuel-upgrade", "--root", host.root, *argv]
    return OnTerminal(whole, columns=columns, env={"TERM": "xterm"})


def expect_whole(terminal: OnTerminal, lines: list[str]) -> None:
    for line in lines:
        assert terminal.count(line) == 1, (line, terminal.rows())
    bars = [row for row in terminal.rows() if "━" in row]
    assert bars == [], "a bar is left over"


def test_install_attach_ctrl_c_attach_again_and_roll_back_leave_no_garbled_line(
    host: Host, tarballs: dict[str, Path], held: Held, tmp_path: Path
) -> None:
    with host.daemon():
        before = host.tree()
        titles = [step["title"] for step in host.json("plan", tarballs["5.1"])["steps"]]
        steps = [f"[{n}/{len(titles)}] {title}" for n, title in enumerate(titles, 1)]
        at = next(n for n, title in enumerate(titles, 1) if title.startswith("register"))
        with on_terminal(host, "install", tarballs["5.1"]) as install:
            assert held.arrived.wait(60)
            with on_terminal(host, "status", "--follow", columns=110) as second:
                second.read_until(steps[at - 1])
                install.press_ctrl_c()
                install.read_until("Ctrl-C again to leave")
                install.press_ctrl_c()
                assert install.end() == 130
                second.press_ctrl_c()
                assert second.end() == 130
            with on_terminal(host, "status", "--follow") as third:
                third.read_until(steps[at - 1])
                held.let_go.set()
                assert third.end() == 5
        assert host.tree() == before
        undo = [f"undo [{n}] {titles[n - 1]}" for n in range(1, at + 1)]
        follow_again = "the daemon continues; to follow again: fuel-upgrade status --follow"
        expect_whole(install, [*steps[:at], follow_again])
        expect_whole(second, steps[:at])
        expect_whole(third, [*steps[:at], *undo])
        with on_terminal(host, "install", tarballs["5.1"]) as again:
            assert again.end() == 0
        expect_whole(again, steps)
        with on_terminal(host, "rollback", columns=110) as rollback:
            assert rollback.end() == 0
        expect_whole(rollback, [f"undo [{n}] {title}" for n, title in enumerate(titles, 1)])
        assert host.tree() == before
    for name, terminal in {
        "install": install,
        "second": second,
        "third": third,
        "again": again,
    }.items():
        (tmp_path / f"{name}.raw").write_bytes(terminal.raw)


def installing(host: Host, tarball: Path, held: Held, *more: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [BIN / "fuel-upgrade", "--root", host.root, "install", tarball, *more],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert held.arrived.wait(60)
    return process


def test_the_status_of_a_healthy_install_says_how_far_it_is_and_asks_for_nothing(
    host: Host, tarballs: dict[str, Path], held: Held
) -> None:
    with host.daemon(), installing(host, tarballs["5.1"], held) as process:
        status = host.json("status")
        text = host.command("status").stdout
        held.let_go.set()
        process.communicate(timeout=60)
        after = host.json("status")
    job = status["job"]
    assert (job["id"], job["kind"], job["going_back"]) == (status["running"], "install", False)
    assert (job["install"], job["waiting"]) == (job["id"], [])
    assert job["step"]["title"].startswith("register release")
    assert 0 < job["percent"] < 100
    assert job["started_at"].endswith("+00:00")
    assert status["unsettled"] == []
    assert "recover" not in text
    assert f"install, job {job['id']}" in text
    assert f"step {job['step']['number']} of {job['step']['of']}, register release" in text
    assert "fuel-upgrade status --follow" in text
    assert (after["job"], after["running"]) == (None, None)


def test_an_install_of_another_process_is_neither_unsettled_nor_ours(host: Host) -> None:
    config = Config().under(host.root)
    with host.daemon():
        Journal(config.paths.journal).begin(
            ChangeRecord("aaaa0001", "t", "s", "5.0", "5.1", InstallState.RUNNING, 0.0)
        )
        lock = Lock(config.paths.lock)
        assert lock.acquire()
        held, text = host.json("status"), host.command("status").stdout
        lock.release()
        free = host.json("status")
    assert held["unsettled"] == []
    assert held["locked_by"].startswith("process ")
    assert f"nothing here, but process {os.getpid()} " in text
    assert [record["id"] for record in free["unsettled"]] == ["aaaa0001"]
    assert free["locked_by"] is None


def test_scripts_follow_the_status_as_lines(
    host: Host, tarballs: dict[str, Path], held: Held
) -> None:
    with host.daemon(), installing(host, tarballs["5.1"], held, "--json") as process:
        argv: list[str | Path] = [BIN / "fuel-upgrade", "--root", host.root]
        argv += ["status", "--follow", "--json"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as second:
            assert second.stdout is not None
            first = json.loads(second.stdout.readline())
            held.let_go.set()
            events = [json.loads(line) for line in second.stdout]
        printed = [json.loads(line) for line in process.communicate(timeout=60)[0].splitlines()]
    assert (first["event"], first["job"]["kind"]) == ("status", "install")
    for stream in (events, printed):
        assert {event["format"] for event in stream} == {1}
        assert all(event["at"].endswith("+00:00") for event in stream)
        assert (stream[-1]["event"], stream[-1]["changed"]) == ("result", True)
        percents = [event["percent"] for event in stream if "percent" in event]
        assert percents == sorted(percents)
        assert percents[-1] < 100


def test_nothing_under_way_is_no_error_of_the_status(host: Host) -> None:
    with host.daemon():
        done = host.command("status", "--follow")
        assert (done.returncode, "running:" in done.stdout) == (0, True)
        (event,) = host.command("status", "--follow", "--json").stdout.splitlines()
        assert json.loads(event)["event"] == "status"


def test_installing_again_is_no_error_for_command_folder_and_api(
    host: Host, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "tarballs"
    folder.mkdir()
    (folder / "fuel-5.1-upgrade.tar.zst").symlink_to(tarballs["5.1"])
    with host.daemon():
        first = host.json("install", tarballs["5.1"])
        before, journal = host.tree(), Config().under(host.root).paths.journal.read_bytes()
        again = host.json("install", tarballs["5.1"])
        assert (first["changed"], again["changed"], again["id"]) == (True, False, first["id"])
        inside = host.json("install", folder)
        assert (inside["changed"], inside["installs"]) == (False, [])
        assert [skipped["why"] for skipped in inside["skipped"]] == ["installed already"]
        text = host.command("install", tarballs["5.1"]).stdout
        assert text == f"installed already: Fuel 5.1, id {first['id']}\n"
        for place in (tarballs["5.1"], folder):
            refused = host.command("install", place, "--fail-if-installed", "--json")
            error = json.loads(refused.stdout.splitlines()[-1])
            assert (refused.returncode, error["error"]) == (4, "already-installed")
        assert host.tree() == before
        assert Config().under(host.root).paths.journal.read_bytes() == journal


def test_a_request_with_a_key_is_carried_out_once_also_across_a_restart(
    host: Host, tarballs: dict[str, Path]
) -> None:
    def ask(path: str, body: dict[str, Any], key: str) -> httpx.Response:
        transport = httpx.HTTPTransport(uds=str(Config().under(host.root).paths.socket))
        with httpx.Client(transport=transport, base_url="http://daemon/v1", timeout=60) as client:
            answer = client.post(path, json=body, headers={"Idempotency-Key": key})
            if answer.status_code == 202:
                client.get(f"/jobs/{answer.json()['job']}/events")  # which ends with the job
            return answer

    body = {"tarball": str(tarballs["5.1"])}
    with host.daemon():
        install = ask("/installs", body, "one").json()["job"]
        assert ask("/installs", body, "one").json()["job"] == install
        other = ask("/installs", {**body, "full_view": True}, "one")
        assert (other.status_code, other.json()["error"]) == (409, "idempotency-conflict")
        undo = ask("/rollbacks", {}, "two").json()["job"]
        assert ask("/installs", body, "").status_code == 400
    with host.daemon():
        assert ask("/rollbacks", {}, "two").json()["job"] == undo
        assert ask("/installs", body, "one").json()["job"] == install
        assert [record["state"] for record in host.json("history")["installs"]] == ["undone"]
        done = host.command("install", tarballs["5.1"], "--idempotency-key", "three")
        assert done.returncode == 0
        again = host.command("install", tarballs["5.1"], "--idempotency-key", "three", "--json")
        last = json.loads(again.stdout.splitlines()[-1])
        assert (last["event"], last["result"]["state"]) == ("result", "installed")
        assert len(host.json("history")["installs"]) == 2
