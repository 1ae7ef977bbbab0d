"""The drill that operators have, on a few of its cells; ``make selftest`` does them all."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.drill.bench import Bench
from fuel_upgrade.drill.faulty_nailgun import REFUSALS, FlakyProxy
from fuel_upgrade.drill.scenario import make_scenario
from fuel_upgrade.drill.scratch import Scratch
from fuel_upgrade.drill.verdict_table import Cell, Direction, Fault, Verdict
from fuel_upgrade.errors import ControlPlaneError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer, ensure_user
from tests.builders import make_tarball
from tests.tools import needs

pytestmark = needs("cp")
KINDS = {"unpack": 1, "view": 6, "switch": 7, "register": 11, "notify": 13, "last": 15}


def selftest(*arguments: object, tmp: Path) -> subprocess.CompletedProcess[str]:
    program = "from fuel_upgrade.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "selftest", *map(str, arguments)],
        env={**os.environ, "TMPDIR": str(tmp)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The output of a drill of a few faults, at a step of this host and at one of Nailgun."""
    tmp = tmp_path_factory.mktemp("selftest")
    mounts = Path("/proc/self/mounts").read_text()
    faults = ["error", "kill", "full", "read-only", "nailgun-busy", "nailgun-down", "nailgun-lost"]
    chosen = [word for fault in faults for word in ("--only", fault)]
    steps = ("--step", KINDS["switch"], "--step", KINDS["register"])
    done = selftest(*chosen, *steps, "--jobs", 2, "--json", tmp=tmp)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp.iterdir()) == []  # nothing is left
    assert Path("/proc/self/mounts").read_text() == mounts
    table: dict[str, Any] = json.loads(done.stdout)
    return table


def ends(table: dict[str, Any], fault: str, kind: str) -> set[tuple[str, str]]:
    cells = [c for c in table["cells"] if (c["fault"], c["step"]) == (fault, KINDS[kind])]
    return {(c["direction"], c["verdict"]) for c in cells}


def test_every_cell_was_drilled_and_none_is_wrong(table: dict[str, Any]) -> None:
    assert len(table["cells"]) == sum(table["counts"].values()) == 2 * (4 * 4 + 3 * 2)
    assert table["counts"]["wrong"] == 0


@pytest.mark.parametrize("kind", ["switch", "register"])
def test_a_killed_install_ends_as_it_began(table: dict[str, Any], kind: str) -> None:
    assert ends(table, "kill", kind) == {("forward", "before"), ("undoing", "before")}


def test_a_view_that_is_stuck_in_the_place_of_another_is_put_back_by_repair(
    table: dict[str, Any],
) -> None:
    assert ends(table, "error", "switch") == {("forward", "before"), ("undoing", "inconsistent")}


@pytest.mark.parametrize("fault", ["nailgun-busy", "nailgun-lost"])
def test_an_install_survives_a_nailgun_that_restarts_or_loses_an_answer(
    table: dict[str, Any], fault: str
) -> None:
    assert ends(table, fault, "register") == {("forward", "after"), ("undoing", "before")}


def test_a_nailgun_that_stays_away_makes_it_inconsistent_until_repaired(
    table: dict[str, Any],
) -> None:
    verdicts = ends(table, "nailgun-down", "register")
    assert verdicts == {("forward", "inconsistent"), ("undoing", "inconsistent")}


def test_the_steps_of_the_drills_own_tarball_are_of_every_kind(table: dict[str, Any]) -> None:
    steps = table["steps"]
    assert len(steps) == KINDS["last"]
    named = [steps[number - 1].split()[0] for number in KINDS.values()]
    assert named == ["unpack", "build", "switch", "register", "notify", "switch"]
    assert any(title.startswith("keep release") for title in steps)  # one is adopted


def test_a_tarball_is_drilled(tmp_path: Path) -> None:
    tarball = make_tarball(tmp_path)
    scratch = tmp_path / "s"  # sockets lie below it
    scratch.mkdir()
    done = selftest(tarball, "--only", "full", "--step", "2", "--no-mounts", tmp=scratch)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 drills: " in done.stdout
    assert "0 WRONG" in done.stdout
    assert "full and read-only: injected" in done.stdout


def test_leftovers_of_an_undo_are_detected_and_kept(tmp_path: Path) -> None:
    """A start with more than the master had simulates an undo that loses something."""
    scenario = make_scenario(tmp_path, None)
    scratch = Scratch(tmp_path / "bench", size_bytes=0, is_real=False)
    bench = Bench(scratch, scenario, keep=tmp_path / "kept")
    start = bench.prepare()
    more = replace(start.before, exact={**start.before.exact, "etc/lost": "a file"})
    cell = Cell(Fault.ERROR, 2, Direction.FORWARD, "after")
    outcome = bench.drill(cell, replace(start, before=more))
    assert (outcome.verdict, outcome.reasons) == (Verdict.WRONG, ("etc/lost: gone",))
    assert (tmp_path / "kept/error-step 2-forward-after/etc/fuel/version.yaml").is_symlink()
    assert bench.drill(cell, start).verdict is Verdict.BEFORE


class Front:
    """A registry behind a proxy of one fault, and its client."""

    def __init__(self, folder: Path, store: Store, url: str) -> None:
        self.store, self.url, self.armed = store, url, folder / "armed"

    def client(self, *, retries: int = 0, timeout_s: float = 60) -> NailgunClient:
        return NailgunClient(NailgunSettings(url=self.url, retries=retries, timeout_s=timeout_s))


@pytest.fixture
def front(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Front]:
    with closing(Store.open(f"sqlite:///{tmp_path}/registry.sqlite")) as store:
        ensure_user(store, "admin", "admin")
        app = create_app(store, master_ip="127.0.0.1", fuel_version=lambda: "6.0")
        with (
            RegistryServer(app, "127.0.0.1", 0) as server,
            FlakyProxy(server.url, request.param, tmp_path / "armed") as proxy,
        ):
            yield Front(tmp_path, store, proxy.url)


@pytest.mark.parametrize("front", list(Fault), indirect=True, ids=lambda fault: fault.value)
def test_a_proxy_that_is_not_armed_is_honest(front: Front) -> None:
    with front.client() as client:
        client.notify("one")
        assert [n.message for n in client.notifications()] == ["one"]


@pytest.mark.parametrize("front", [Fault.BUSY], indirect=True)
def test_a_busy_nailgun_answers_in_the_end(front: Front) -> None:
    with front.client(retries=REFUSALS) as client:
        client.releases()
        front.armed.touch()
        assert client.notifications() == ()


@pytest.mark.parametrize("front", [Fault.DOWN], indirect=True)
def test_a_nailgun_that_is_down_does_nothing(front: Front) -> None:
    with front.client() as client:
        client.releases()
        front.armed.touch()
        with pytest.raises(ControlPlaneError) as caught:
            client.notify("one")
        front.armed.unlink()
        assert caught.value.status == 503
        assert client.notifications() == ()


@pytest.mark.parametrize("front", [Fault.SILENT], indirect=True)
def test_a_silent_nailgun_does_nothing(front: Front) -> None:
    front.armed.touch()
    with front.client(timeout_s=0.2) as client, pytest.raises(ControlPlaneError) as caught:
        client.releases()
    front.armed.unlink()
    assert caught.value.status is None
    assert "no answer in time" in str(caught.value)


@pytest.mark.parametrize("front", [Fault.LOST], indirect=True)
def test_a_lost_answer_is_of_something_done(front: Front) -> None:
    with front.client() as client:
        client.releases()
        front.armed.touch()
        with pytest.raises(ControlPlaneError) as caught:
            client.notify("one")
        assert caught.value.status is None
        assert len(client.notifications()) == 1


@pytest.mark.parametrize("front", [Fault.TWICE], indirect=True)
def test_a_duplicate_is_done_twice(front: Front) -> None:
    with front.client() as client:
        client.releases()
        front.armed.touch()
        client.notify("one")
        assert len(client.notifications()) == 2
