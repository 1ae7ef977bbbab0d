"""Review, then install: the command and the API with a plan that was kept."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.host import BIN, Host
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
HOLD = (
    "import sys; from pathlib import Path; from fuel_upgrade.system.locks import Lock;"
    "lock = Lock(Path(sys.argv[1])); assert lock.acquire(); print('held', flush=True);"
    "sys.stdin.read()"
)


def test_a_kept_plan_is_installed_by_and_then_refused(
    host: Host, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    kept = tmp_path / "plan.json"
    with host.daemon():
        shown = host.command("plan", tarballs["5.1"], "--out", kept)
        assert shown.returncode == 0, shown.stderr
        assert json.loads(kept.read_text())["plan_format"] == 1
        assert host.json("install", "--plan", kept)["state"] == "installed"
        assert host.json("install", "--plan", kept)["changed"] is False
        assert host.command("plan", tarballs["6.0"], "--out", kept).returncode == 0
        assert host.command("rollback").returncode == 0
        again = host.command("install", "--plan", kept)
        assert again.returncode == 4
        assert "not as planned: this master runs Fuel 5.0 now, it was 5.1" in again.stderr
        assert "state:  nothing was changed" in again.stderr
        assert "fuel-upgrade plan --out FILE" in again.stderr


def test_the_plan_can_be_read_in_80_columns(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        host.json("install", tarballs["5.1"])
        shown = host.command("plan", tarballs["6.0"], "--packages", "--full-view").stdout
    long = [line for line in shown.splitlines() if len(line.rstrip()) > 80]
    assert [line for line in long if len(line.split()) > 1] == []
    for text in (
        "rebuilt: keystone (all) 2014.1.1-3",
        "undo: delete the release",
        "2 x POST   /releases/: register a release",
        "memory of the daemon: at most ",
        "earlier backups",
    ):
        assert text in " ".join(shown.split()) or text in shown


NO_PLANS = {
    "no json": "not a plan",
    "[]": "not a plan: expected an object, found list",
    "{}": "not a plan: it has no plan_format",
    '{"plan_format": 9}': "a plan of format 9, expected 1",
}


def test_a_file_that_is_no_plan_is_refused(host: Host, tmp_path: Path) -> None:
    kept = tmp_path / "plan.json"
    with host.daemon():
        before = host.tree()
        for content, message in NO_PLANS.items():
            kept.write_text(content)
            done = host.command("install", "--plan", kept)
            assert (done.returncode, message in done.stderr) == (2, True), done.stderr
        assert host.command("install").returncode == 2
        assert host.command("install", "--plan", tmp_path / "none").returncode == 2
        assert host.tree() == before


def test_the_api_takes_a_plan_of_one_tarball(host: Host, tarballs: dict[str, Path]) -> None:
    transport = httpx.HTTPTransport(uds=str(host.root / "run/fuel-upgrade/api.sock"))
    tarball = str(tarballs["5.1"])
    with (
        host.daemon(),
        httpx.Client(transport=transport, base_url="http://x/v1", timeout=60) as api,
    ):
        plan = api.post("/plans", json={"tarball": tarball}).json()
        two: dict[str, Any] = {"tarballs": [tarball, tarball], "plan": plan}
        assert api.post("/installs", json=two).status_code == 400
        assert api.post("/installs", json={"plan": {}}).json()["error"] == "config"
        assert api.post("/installs", json={"plan": plan, "wait_s": -1}).status_code == 400
        job = api.post("/installs", json={"plan": plan}).json()["job"]
        events = api.get(f"/jobs/{job}/events").text.splitlines()
        assert json.loads(events[-1])["result"]["state"] == "installed"


def test_an_install_waits_for_another_process(host: Host, tarballs: dict[str, Path]) -> None:
    lock = host.root / "var/lib/fuel_upgrade/install.lock"
    with host.daemon():
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with holder:
            assert holder.stdout is not None
            assert holder.stdin is not None
            assert holder.stdout.readline() == b"held\n"
            refused = host.command("install", tarballs["5.1"])
            assert refused.returncode == 4
            assert f"run by process {holder.pid} (" in refused.stderr
            waits = subprocess.Popen(
                [BIN / "fuel-upgrade", "--root", host.root, "install", tarballs["5.1"],
                 "--wait", "60"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            with waits:
                assert waits.stderr is not None
                line = waits.stderr.readline()
                assert line.startswith(f"waiting up to 1 min 0 s for process {holder.pid} (")
                holder.stdin.close()
                _, rest = waits.communicate(timeout=120)
        assert waits.returncode == 0, rest
        assert host.json("status")["fuel_version"] == "5.1"
