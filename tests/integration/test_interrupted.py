"""Stopping an install in any way undoes it; an undo is not stopped."""

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from fuel_upgrade.config import Config
from fuel_upgrade.daemon.jobs import Jobs
from fuel_upgrade.daemon.response_models.install_forms import InstallForm
from fuel_upgrade.errors import PreflightError
from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from fuel_upgrade.upgrade.engine import Engine
from fuel_upgrade.upgrade.event_json import event_fields, to_json
from fuel_upgrade.upgrade.events import Event, Watch
from fuel_upgrade.upgrade.records import InstallState
from tests.flaky import FlakyNailgun, Held, flaky_nailgun
from tests.host import BIN, Host, configure
from tests.master import ScratchMaster, scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


@pytest.fixture(scope="module")
def master(
    tarballs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScratchMaster]:
    """A master with 5.1 installed; each test leaves it as it was, or fails."""
    with scratch_master(tmp_path_factory.mktemp("master")) as prepared:
        prepared.install(tarballs["5.1"])
        yield prepared


def cancelled_at(
    master: ScratchMaster, tarball: Path, keys: Mapping[str, Any], fail_points: str = ""
) -> tuple[list[dict[str, Any]], list[PreflightError]]:
    """Install and cancel at the first event with these keys; return all events and the refusals."""
    jobs, refused = Jobs(), list[PreflightError]()

    def work(watch: Watch) -> Mapping[str, Any]:
        def cancel_and_watch(event: Event) -> None:
            if keys.items() <= {"event": event.kind, **event_fields(event)}.items():
                try:
                    jobs.cancel("aaaa0001")
                except PreflightError as error:
                    refused.append(error)
            watch(event)

        engine = master.engine(fail_points)
        install = f"{len(engine.journal.installs()):08x}"
        record = engine.install(tarball, install=install, watch=cancel_and_watch)
        return InstallForm.model_validate(record).to_json()

    events = [to_json(streamed) for streamed in jobs.start("aaaa0001", work).follow()]
    jobs.wait()
    return events, refused


@pytest.mark.parametrize(
    "event",
    [
        {"event": "step", "number": 1},
        {"event": "progress"},  # in the middle of unpacking
        {"event": "step", "number": 3},
        {"event": "step", "title": "register release Juno on Ubuntu 12.04.4 (2014.2-6.0)"},
        {"event": "step", "number": 11},
    ],
    ids=lambda event: " ".join(map(str, event.values())),
)
def test_a_cancelled_install_ends_exactly_before(
    master: ScratchMaster, tarballs: dict[str, Path], event: Mapping[str, Any]
) -> None:
    before = master.state()
    events, refused = cancelled_at(master, tarballs["6.0"], event)
    assert refused == []
    assert (events[-1]["exit_code"], events[-1]["state"]) == (5, "rolled back to Fuel 5.1")
    assert "it was cancelled" in events[-1]["what"]
    assert master.engine().journal.installs()[-1].state is InstallState.ROLLED_BACK
    assert master.state() == before


def test_an_install_that_is_being_undone_is_not_cancelled(
    master: ScratchMaster, tarballs: dict[str, Path]
) -> None:
    before = master.state()
    undoing = {"event": "undo step", "number": 3}
    events, refused = cancelled_at(master, tarballs["6.0"], undoing, "5:after")
    assert ["is being undone" in error.what for error in refused] == [True]
    assert "fail point 5:after" in events[-1]["what"]
    assert master.state() == before


def test_an_ended_job_is_not_cancelled(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        install = host.json("install", tarballs["5.1"])["id"]
        done = host.command("cancel", install)
        assert (done.returncode, f"job {install} has ended" in done.stderr) == (4, True)
        assert host.command("cancel").returncode == 2
        transport = httpx.HTTPTransport(uds=str(Config().under(host.root).paths.socket))
        with httpx.Client(transport=transport, base_url="http://daemon/v1") as client:
            assert client.post(f"/jobs/{install}/cancel", json={}).status_code == 409
            assert client.post("/jobs/nope/cancel", json={}).status_code == 404


@pytest.fixture
def nailgun(tmp_path: Path) -> Iterator[FlakyNailgun]:
    """A Nailgun of its own, in this process."""
    store = Store.open(f"sqlite:///{tmp_path}/nailgun.sqlite")
    ensure_user(store, "admin", "right")
    app = create_app(store, master_ip="10.20.0.2", fuel_version=lambda: "5.0")
    with RegistryServer(app, "127.0.0.1", 0) as server, flaky_nailgun(server.url) as made:
        yield made
    store.close()


@pytest.fixture
def held(host: Host, nailgun: FlakyNailgun) -> Iterator[Held]:
    """Holds the first release that is posted to the Nailgun of ``host``."""
    configure(host, url=nailgun.url, password="right")
    made = Held()
    nailgun.set("POST", "releases", made)
    yield made
    made.let_go.set()


def installing(host: Host, tarball: Path, held: Held) -> "subprocess.Popen[str]":
    """Start the command, and return when it registers a release."""
    process = subprocess.Popen(
        [BIN / "fuel-upgrade", "--root", host.root, "install", tarball],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert held.arrived.wait(60)
    return process


def read_until(process: "subprocess.Popen[str]", text: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    pytest.fail(f"it never printed {text!r}")


def test_the_first_ctrl_c_stops_the_install_and_puts_back(
    host: Host, tarballs: dict[str, Path], held: Held
) -> None:
    with host.daemon():
        before = host.tree()
        with installing(host, tarballs["5.1"], held) as process:
            read_until(process, "register release")
            process.send_signal(signal.SIGINT)
            read_until(process, "stopping and putting everything back")
            held.let_go.set()
            _, stderr = process.communicate(timeout=60)
        assert process.returncode == 5, stderr
        assert "it was cancelled" in stderr
        assert "state:  rolled back to Fuel 5.0" in stderr
        assert host.tree() == before
        assert host.json("releases")["releases"] == []


def test_the_second_ctrl_c_leaves_the_daemon_to_it(
    host: Host, tarballs: dict[str, Path], held: Held
) -> None:
    with host.daemon():
        before = host.tree()
        with installing(host, tarballs["5.1"], held) as process:
            read_until(process, "register release")
            process.send_signal(signal.SIGINT)
            read_until(process, "Ctrl-C again to leave")
            process.send_signal(signal.SIGINT)
            read_until(process, "fuel-upgrade status --follow")
            assert process.wait(timeout=60) == 130
        running = host.json("status")["running"]
        assert running
        held.let_go.set()
        assert host.command("watch", running).returncode == 5
        assert host.tree() == before


def test_a_stop_of_the_daemon_puts_back_before_it_ends(
    host: Host, tarballs: dict[str, Path], held: Held
) -> None:
    with host.daemon() as daemon:
        before = host.tree()
        with installing(host, tarballs["5.1"], held) as process:
            daemon.send_signal(signal.SIGTERM)
            while host.command("status").returncode == 0:  # it listens until the signal is there
                time.sleep(0.1)
            held.let_go.set()
            assert daemon.wait(timeout=60) == 0
            _, stderr = process.communicate(timeout=60)
        assert process.returncode == 5, stderr
        assert "fuel-upgraded is stopping" in stderr
    with host.daemon():
        assert host.tree() == before  # the discarded trees that the stop left are deleted now
        assert host.json("status")["unsettled"] == []
        assert host.json("history")["installs"][-1]["state"] == "rolled back"


def test_a_second_process_gets_the_owner_of_the_lock(
    host: Host, tarballs: dict[str, Path], held: Held, master: ScratchMaster
) -> None:
    with host.daemon() as daemon, installing(host, tarballs["5.1"], held) as process:
        assert (
            "another install is in progress: job" in host.command("install", tarballs["5.1"]).stderr
        )
        engine = Engine(Config().under(host.root), master.client)
        with pytest.raises(
            PreflightError, match=rf"run by process {daemon.pid} \(.+\), started .+ ago"
        ):
            engine.install(tarballs["5.1"], install="bbbb0002")
        held.let_go.set()
        process.communicate(timeout=60)
        assert process.returncode == 0
