"""Hooks with the real engine: the rights of each point, and the undo of each hook."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from fuel_upgrade.config import Config, HookSettings
from fuel_upgrade.errors import PreflightError, RollbackError, StepError
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.events import Event, HookEnded, HookRefused
from fuel_upgrade.upgrade.hooks import STEP_POINTS
from fuel_upgrade.upgrade.records import InstallState, StepState
from tests.master import ScratchMaster, planned, scratch_master
from tests.tools import needs

pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")
CRASHING = """
import os, sys
from pathlib import Path
from fuel_upgrade.config import Config, NailgunSettings
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.upgrade.engine import Engine
root, url, tarball = sys.argv[1:]
config = Config(master_ip="127.0.0.1", disk_reserve_mb=1).under(Path(root))
with NailgunClient(NailgunSettings(url=url, retries=0, timeout_s=120)) as client:
    Engine(config, client).install(Path(tarball), install="c4a54ed0")
"""

E = TypeVar("E", bound=Event)


class Hooked:
    """A master with a folder of hooks, and a file in which every hook writes its line."""

    def __init__(self, master: ScratchMaster, notes: Path) -> None:
        self.master = master
        self.notes = notes
        self.events: list[Event] = []

    def write(self, hook: str, script: str = "", *, mode: int = 0o755) -> Path:
        path = self.master.config.paths.hooks / hook
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in (path.parent, path.parent.parent):
            folder.chmod(0o755)
        note = f'echo "{hook} $FUEL_UPGRADE_STATE" >> {self.notes}'
        path.write_text(f"#!/bin/sh\n{note}\n{script}\n")
        path.chmod(mode)
        return path

    def ran(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def engine(self, *, timeout_s: float = 60, fail_points: str = "") -> Engine:
        config = replace(self.master.config, hooks=HookSettings(timeout_s))
        return replace(self.master, config=config).engine(fail_points)

    def install(self, tarball: Path, **options: Any) -> str:
        install = new_id()
        self.engine(**options).install(tarball, install=install, watch=self.events.append)
        return install

    def last(self) -> str:
        return self.engine().journal.installs()[-1].id

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def hooked(tarballs: dict[str, Path], tmp_path: Path) -> Iterator[Hooked]:
    """A master with 5.1 installed, for one test."""
    with scratch_master(tmp_path / "master") as master:
        master.install(tarballs["5.1"])
        yield Hooked(master, tmp_path / "notes")


def test_every_point_of_a_good_install_and_its_undo(
    hooked: Hooked, tarballs: dict[str, Path]
) -> None:
    for point in ("before-check", *STEP_POINTS, "on-failure", "after-rollback", "on-inconsistent"):
        hooked.write(f"{point}/10-note")
        hooked.write(f"{point}/10-note.undo")
    plan = planned(hooked.engine().plan(tarballs["6.0"]))
    assert hooked.ran() == []  # a plan runs nothing
    steps = [step["title"] for step in plan["steps"]]
    assert steps[0] == "run hook before-install/10-note"
    assert steps[1:3] == [
        "unpack and verify fuel-6.0-upgrade.tar.zst", "run hook after-stage/10-note",
    ]  # fmt: skip
    assert steps[7].startswith("run hook before-register")
    assert steps[8].startswith("register release")
    assert steps[-1] == "run hook after-install/10-note"
    assert plan["steps"][0]["undo"] == "run 10-note.undo"
    install = hooked.install(tarballs["6.0"])
    assert hooked.ran() == [
        "before-check/10-note checking",
        *(f"{point}/10-note running" for point in STEP_POINTS),
    ]
    hooked.notes.unlink()
    hooked.engine().rollback(install)
    assert hooked.ran() == [
        *(f"{point}/10-note.undo undoing" for point in reversed(STEP_POINTS)),
        "after-rollback/10-note undone",
    ]
    runs = hooked.engine().journal.hook_runs(install)
    assert [run.exit_code for run in runs] == [0] * 10


def test_a_hook_gets_the_releases_of_the_install(hooked: Hooked, tarballs: dict[str, Path]) -> None:
    hooked.write("before-register/10-note", f"cat > {hooked.notes}.json")
    install = hooked.install(tarballs["6.0"])
    message = json.loads(Path(f"{hooked.notes}.json").read_text())
    assert {key: message[key] for key in ("point", "install", "fuel_from", "fuel_to", "state")} == {
        "point": "before-register", "install": install, "fuel_from": "5.1", "fuel_to": "6.0",
        "state": "running",
    }  # fmt: skip
    assert message["tarball"] == str(tarballs["6.0"])
    assert [r["version"] for r in message["releases"]] == ["2014.2-6.0"] * 2
    assert all(install in folder for folder in message["staging"])


def test_a_veto_before_the_checks_leaves_no_trace(
    hooked: Hooked, tarballs: dict[str, Path]
) -> None:
    hooked.write("before-check/10-no", "echo not today; exit 1")
    hooked.write("before-check/20-later")
    before, installs = hooked.master.state(), hooked.engine().journal.installs()
    with pytest.raises(PreflightError, match="10-no ended with 1: not today") as caught:
        hooked.install(tarballs["6.0"])
    assert "chmod -x" in caught.value.remedy
    assert hooked.master.state() == before
    assert hooked.engine().journal.installs() == installs
    assert hooked.ran() == ["before-check/10-no checking"]


def test_a_veto_before_the_install_changes_nothing_and_undoes_the_hooks_before_it(
    hooked: Hooked, tarballs: dict[str, Path]
) -> None:
    hooked.write("before-install/10-first")
    hooked.write("before-install/10-first.undo")
    hooked.write("before-install/20-no", "echo not today; exit 1")
    hooked.write("before-install/20-no.undo")
    before = hooked.master.state()
    with pytest.raises(PreflightError, match="20-no ended with 1: not today") as caught:
        hooked.install(tarballs["6.0"])
    assert (caught.value.exit_code, caught.value.state) == (4, "nothing was changed")
    assert hooked.master.state() == before
    assert hooked.ran() == [
        "before-install/10-first running",
        "before-install/20-no running",
        "before-install/10-first.undo rolling back",
    ]


@pytest.mark.parametrize("point", ["after-stage", "before-register"])
def test_a_failing_hook_within_the_install_has_it_rolled_back(
    hooked: Hooked, tarballs: dict[str, Path], point: str
) -> None:
    hooked.write("after-stage/05-first")
    hooked.write("after-stage/05-first.undo")
    hooked.write(f"{point}/10-no", "echo wrong >&2; exit 7")
    hooked.write("on-failure/10-note", f"cat > {hooked.notes}.json")
    hooked.write("after-rollback/10-note")
    before = hooked.master.state()
    with pytest.raises(StepError, match=f"hook {point}/10-no ended with 7: wrong") as caught:
        hooked.install(tarballs["6.0"])
    assert caught.value.state == "rolled back to Fuel 5.1"
    assert hooked.master.state() == before
    assert hooked.ran()[-3:] == [
        "on-failure/10-note rolling back",
        "after-stage/05-first.undo rolling back",
        "after-rollback/10-note rolled back",
    ]
    error = json.loads(Path(f"{hooked.notes}.json").read_text())["error"]
    assert "ended with 7: wrong" in error["what"]


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("step", [1, 2, 3, 8, 14, 15])  # hooks are 1, 3, 8, 15
def test_whatever_step_fails_the_twins_of_the_hooks_that_ran_run(
    hooked: Hooked, tarballs: dict[str, Path], step: int, where: str
) -> None:
    for point in STEP_POINTS:
        hooked.write(f"{point}/10-note")
        hooked.write(f"{point}/10-note.undo")
    before = hooked.master.state()
    with pytest.raises(StepError, match="fail point"):
        hooked.install(tarballs["6.0"], fail_points=f"{step}:{where}")
    assert hooked.master.state() == before
    ran = [line.split()[0] for line in hooked.ran()]
    forward = [line for line in ran if not line.endswith(".undo")]
    assert ran == [*forward, *(f"{line}.undo" for line in reversed(forward))]


def test_a_hook_that_takes_too_long_fails_the_install_and_its_twin_runs(
    hooked: Hooked, tarballs: dict[str, Path]
) -> None:
    hooked.write("after-stage/10-slow", "exec sleep 300")
    hooked.write("after-stage/10-slow.undo")
    before = hooked.master.state()
    with pytest.raises(StepError, match=r"10-slow was killed: no end after"):
        hooked.install(tarballs["6.0"], timeout_s=3)
    assert hooked.master.state() == before
    assert hooked.ran()[-1] == "after-stage/10-slow.undo rolling back"
    run = hooked.engine().journal.hook_runs(hooked.last())[0]
    assert (run.exit_code, "no end after" in run.output) == (-signal.SIGKILL, True)


@pytest.mark.parametrize("point", ["after-install", "on-failure", "after-rollback"])
def test_a_failing_hook_at_a_point_of_notification_changes_nothing(
    hooked: Hooked, tarballs: dict[str, Path], point: str
) -> None:
    hooked.write(f"{point}/10-bad", "exit 9")
    hooked.write(f"{point}/20-next")
    fails = point != "after-install"
    before = hooked.master.state()
    if fails:
        with pytest.raises(StepError, match="fail point"):
            hooked.install(tarballs["6.0"], fail_points="3:before")
        assert hooked.master.state() == before
    else:
        hooked.install(tarballs["6.0"])
    state = InstallState.ROLLED_BACK if fails else InstallState.INSTALLED
    assert hooked.engine().record(hooked.last()).state is state
    assert [line.split()[0] for line in hooked.ran()] == [f"{point}/10-bad", f"{point}/20-next"]
    assert [event.exit_code for event in hooked.of(HookEnded)] == [9, 0]


def test_a_twin_that_fails_leaves_one_step_stuck_and_can_be_repeated(
    hooked: Hooked, tarballs: dict[str, Path]
) -> None:
    hooked.write("after-stage/10-foo")
    twin = hooked.write("after-stage/10-foo.undo", "echo cannot; exit 1")
    hooked.write("on-inconsistent/10-note")
    before = hooked.master.state()
    with pytest.raises(RollbackError, match=r"10-foo\.undo ended with 1: cannot"):
        hooked.install(tarballs["6.0"], fail_points="5:after")
    assert hooked.ran()[-1] == "on-inconsistent/10-note inconsistent"
    assert not (hooked.master.config.paths.repos / "2014.2-6.0").exists()  # the rest was undone
    states = {s.title: s.state for s in hooked.engine().journal.steps(hooked.last())}
    assert states["run hook after-stage/10-foo"] is StepState.STUCK
    old = twin.stat()
    twin.write_text(twin.read_text().replace("exit 1", "exit 0"))
    hooked.engine().rollback(hooked.last())
    twin.write_text(twin.read_text().replace("exit 0", "exit 1"))
    os.utime(twin, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert hooked.master.state() == before


def test_a_hook_repairs_a_failed_check_and_the_checks_run_again(
    hooked: Hooked, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    link = hooked.master.config.paths.version_link
    away = tmp_path / "version.yaml"
    link.rename(away)
    hooked.write(
        "before-check/10-fix",
        f"""cat > {hooked.notes}.$FUEL_UPGRADE_STATE
        test $FUEL_UPGRADE_STATE = failed || exit 0
        mv {away} {link}; exit 75""",
    )
    hooked.install(tarballs["6.0"])
    failed = json.loads(Path(f"{hooked.notes}.failed").read_text())
    assert "expected the version of this master" in failed["failures"][0]


def test_a_repair_that_repaired_nothing_is_not_repeated(
    hooked: Hooked, tarballs: dict[str, Path]
) -> None:
    hooked.write("before-check/10-fix", "test $FUEL_UPGRADE_STATE = checking || exit 75")
    with pytest.raises(PreflightError, match=r"cannot be upgraded to 6\.0\.1"):
        hooked.install(tarballs["6.0.1"])
    assert hooked.ran() == ["before-check/10-fix checking", "before-check/10-fix failed"]


@pytest.mark.parametrize("point", ["before-check", "before-install", "before-register"])
def test_a_hook_that_others_can_write_is_a_veto_where_it_could_have_given_one(
    hooked: Hooked, tarballs: dict[str, Path], point: str
) -> None:
    hooked.write(f"{point}/10-foo", mode=0o777)
    before = hooked.master.state()
    with pytest.raises(PreflightError, match="can be written by others"):
        hooked.install(tarballs["6.0"])
    assert hooked.ran() == []
    assert hooked.master.state() == before


@pytest.mark.parametrize("point", ["after-stage", "after-install"])
def test_a_hook_that_others_can_write_is_reported_and_not_run_elsewhere(
    hooked: Hooked, tarballs: dict[str, Path], point: str
) -> None:
    hooked.write(f"{point}/10-foo", mode=0o777)
    hooked.install(tarballs["6.0"])
    assert hooked.ran() == []
    assert "can be written by others" in hooked.of(HookRefused)[0].what


def test_a_crash_in_the_middle_of_a_hook_is_rolled_back_with_its_twin(
    hooked: Hooked, tarballs: dict[str, Path]
) -> None:
    """The hook itself kills the process that runs the install, as a power cut would."""
    hooked.write("after-stage/10-crash", "kill -9 $PPID")
    hooked.write("after-stage/10-crash.undo")
    before = hooked.master.state()
    url = hooked.master.client._root.removesuffix("/api/v1")
    done = subprocess.run(
        [sys.executable, "-c", CRASHING, hooked.master.root, url, tarballs["6.0"]],
        cwd=Path(__file__).parents[2], timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    (run,) = hooked.engine().journal.hook_runs("c4a54ed0")
    assert (run.name, run.ended_s, run.exit_code) == ("10-crash", None, None)
    (record,) = hooked.engine().recover()
    assert record.state is InstallState.ROLLED_BACK
    assert hooked.master.state() == before
    assert hooked.ran()[-1] == "after-stage/10-crash.undo rolling back"


def test_no_hooks_are_the_default(tmp_path: Path) -> None:
    assert not Config().under(tmp_path).paths.hooks.exists()
