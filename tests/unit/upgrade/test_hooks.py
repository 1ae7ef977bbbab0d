"""Hooks: which files count, which are refused, and the result of a run."""

import errno
import json
import os
import select
from contextlib import closing
from pathlib import Path

import pytest

from fuel_upgrade.system import process
from fuel_upgrade.upgrade import hooks
from fuel_upgrade.upgrade.hooks import Hook, HookRun, environment, find_hooks, read_hooks
from tests.clock import Clock
from tests.tools import needs

POINT = "after-stage"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "hooks.d"
    (place / POINT).mkdir(parents=True)
    for made in (place, place / POINT):
        made.chmod(0o755)
    return place


def write(folder: Path, name: str, script: str = "exit 0", *, mode: int = 0o755) -> Path:
    path = folder / POINT / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(mode)
    return path


def names(folder: Path) -> list[str]:
    return [hook.name for hook in find_hooks(folder, POINT).accepted]


def run(
    hook: Hook, context: dict[str, object] | None = None, *, timeout_s: float = 60
) -> tuple[HookRun, list[str]]:
    lines: list[str] = []
    message = {"point": POINT, "install": "ab12", **(context or {})}
    done = hooks.run_hook(
        hook, message, timeout_s=timeout_s, report=lines.append, tick=lambda: None
    )
    return done, lines


def sh(folder: Path, script: str, *, timeout_s: float = 60) -> tuple[HookRun, list[str]]:
    return run(Hook(POINT, write(folder, "hook", script)), timeout_s=timeout_s)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return False
    return state != "Z"


def dies(pid: int) -> bool:
    """Wait for a process that was killed; give up long before it would end by itself."""
    try:
        end = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with closing(os.fdopen(end)) as readable:
        return bool(select.select([readable], [], [], 60)[0])


def test_a_point_without_a_folder_has_no_hooks(tmp_path: Path) -> None:
    assert read_hooks(tmp_path / "none") == dict.fromkeys(hooks.POINTS, hooks.Hooks())


@needs("run-parts")
def test_names_and_order_are_those_of_run_parts(folder: Path) -> None:
    for name in ("9-b", "10-a", "B", "_x", "a", "a-1", "a.sh", "a~", "a.dpkg-old", "b c", "é"):
        write(folder, name)
    write(folder, "off", mode=0o644)
    (folder / POINT / "folder").mkdir()
    place = folder / POINT
    listed = process.run(["run-parts", "--test", str(place)], timeout_s=20)
    assert names(folder) == [Path(line).name for line in listed.splitlines()]
    assert names(folder)[:2] == ["10-a", "9-b"]


def test_an_undo_twin_belongs_to_its_hook_and_is_no_hook_itself(folder: Path) -> None:
    path, undo = write(folder, "10-foo"), write(folder, "10-foo.undo")
    write(folder, "20-bar")
    write(folder, "30-gone.undo")
    first, second = find_hooks(folder, POINT).accepted
    assert first == Hook(POINT, path, undo)
    assert (second.name, second.undo) == ("20-bar", None)


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o722])
@pytest.mark.parametrize("place", ["", POINT, f"{POINT}/10-foo", f"{POINT}/10-foo.undo"])
def test_a_hook_that_others_can_write_is_refused(folder: Path, place: str, mode: int) -> None:
    write(folder, "10-foo")
    write(folder, "10-foo.undo")
    (folder / place).chmod(mode)
    actual = find_hooks(folder, POINT)
    assert actual.accepted == ()
    assert f"can be written by others than its owner (mode {mode:o})" in actual.refused[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a file away")
@pytest.mark.parametrize("place", ["", POINT, f"{POINT}/10-foo"])
def test_a_hook_of_another_user_is_refused(folder: Path, place: str) -> None:
    write(folder, "10-foo")
    os.chown(folder / place, 12345, -1)
    (fault,) = find_hooks(folder, POINT).refused
    assert "belongs to user 12345, expected root" in fault


def test_a_link_is_refused(folder: Path) -> None:
    (folder / POINT / "10-foo").symlink_to(write(folder, "real.sh"))
    (fault,) = find_hooks(folder, POINT).refused
    assert "expected a regular file, found lrwx" in fault


def test_a_twin_that_cannot_run_refuses_its_hook_alone(folder: Path) -> None:
    write(folder, "10-foo")
    write(folder, "10-foo.undo", mode=0o644)
    write(folder, "20-bar")
    actual = find_hooks(folder, POINT)
    assert [hook.name for hook in actual.accepted] == ["20-bar"]
    assert actual.refused == (f"{folder / POINT / '10-foo.undo'}: not executable",)


def test_a_hook_that_became_unsafe_is_not_run(folder: Path) -> None:
    path = write(folder, "hook", f"touch {folder}/ran")
    path.chmod(0o777)
    done, lines = run(Hook(POINT, path))
    assert done.exit_code == hooks.REFUSED
    assert "mode 777" in lines[0]
    assert not (folder / "ran").exists()


def test_a_hook_reads_its_context_as_json(folder: Path) -> None:
    hook = Hook(POINT, write(folder, "hook", "cat"))
    done, lines = run(hook, {"releases": ["x" * 200_000]})
    assert done.exit_code == 0
    message = "".join(lines)
    assert json.loads(message) == {"point": POINT, "install": "ab12", "releases": ["x" * 200_000]}


def test_a_context_that_is_not_read_does_not_matter(folder: Path) -> None:
    done, _ = run(Hook(POINT, write(folder, "hook", "exit 0")), {"releases": ["x" * 200_000]})
    assert done.exit_code == 0


def test_the_environment_is_clean(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    monkeypatch.delenv("TMPDIR", raising=False)
    known: dict[str, object] = {
        "fuel_from": "5.1",
        "fuel_to": "6.0",
        "state": "running",
        "tarball": "/t",
    }
    _, lines = run(Hook(POINT, write(folder, "hook", "env")), known)
    # sh adds its folder
    assert {line.partition("=")[0] for line in lines} - {"PWD", "OLDPWD", "_", "SHLVL"} == {
        "PATH", "HOME", "LC_ALL", "FUEL_UPGRADE_POINT", "FUEL_UPGRADE_INSTALL",
        "FUEL_UPGRADE_TARBALL", "FUEL_UPGRADE_FUEL_FROM", "FUEL_UPGRADE_FUEL_TO",
        "FUEL_UPGRADE_STATE",
    }  # fmt: skip
    assert "FUEL_UPGRADE_FUEL_TO=6.0" in lines


def test_temporary_files_go_where_the_service_may_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/run/fuel-upgrade")
    assert environment({})["TMPDIR"] == "/run/fuel-upgrade"


def test_output_and_stderr_are_reported_line_by_line(folder: Path) -> None:
    done, lines = sh(folder, "echo one; echo two >&2; printf three; exit 3")
    assert lines == ["one", "two", "three"]
    assert done.output == "one\ntwo\nthree"
    assert done.ending == "hook after-stage/hook ended with 3: three"


def test_a_flood_of_output_is_reported_in_part_and_its_end_kept(folder: Path) -> None:
    done, lines = sh(folder, "yes flood | head -n 200000; echo the end")
    assert len(lines) == 1000
    assert "more lines are not shown" in lines[-1]
    assert len(done.output) == 4096
    assert done.output.endswith("the end\n")


def test_a_line_without_an_end_is_reported_in_parts(folder: Path) -> None:
    _, lines = sh(folder, "head -c 1000000 /dev/zero | tr '\\0' x")
    assert max(map(len, lines)) == 4096
    assert sum(map(len, lines)) == 1_000_000


def test_after_the_time_out_the_whole_group_is_killed(folder: Path) -> None:
    clock, lines = Clock(), list[str]()

    def hear(line: str) -> None:
        lines.append(line)
        clock.advance(20)

    hook = Hook(POINT, write(folder, "hook", f"sleep 300 & echo $! > {folder}/pid; echo on; wait"))
    done = hooks.run_hook(hook, {}, timeout_s=20, report=hear, tick=lambda: None, monotonic=clock)
    assert done.timed_out
    assert "hook after-stage/hook was killed: no end after" in done.ending
    assert lines == ["on"]
    child = int((folder / "pid").read_text())
    assert dies(child)


def test_a_child_in_the_background_that_holds_the_output_is_not_waited_for(folder: Path) -> None:
    done, lines = sh(folder, f"echo begun; sleep 300 & echo $! > {folder}/pid", timeout_s=200)
    child = int((folder / "pid").read_text())
    try:
        assert (done.exit_code, lines) == (0, ["begun"])
        assert is_alive(child)
    finally:
        os.kill(child, 9)


def test_a_hook_that_closes_its_output_is_waited_for(folder: Path) -> None:
    done, _ = sh(folder, f"exec >&- 2>&-; sleep 0.2; touch {folder}/done; exit 4")
    assert done.exit_code == 4
    assert (folder / "done").exists()


def test_an_interruption_ends_the_hook(folder: Path) -> None:
    path = write(folder, "hook", f"echo $$ > {folder}/pid; echo begun; exec sleep 300")

    def interrupt() -> None:
        if (folder / "pid").exists() and (folder / "pid").read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hooks.run_hook(
            Hook(POINT, path), {}, timeout_s=200, report=lambda _line: None, tick=interrupt
        )
    assert not is_alive(int((folder / "pid").read_text()))


def test_a_hook_that_kills_itself_is_reported_with_the_signal(folder: Path) -> None:
    done, _ = sh(folder, "kill -9 $$")
    assert done.ending == "hook after-stage/hook was ended by signal 9"


def test_a_hook_that_cannot_start_is_refused_with_the_reason(folder: Path) -> None:
    path = folder / POINT / "hook"
    path.write_text("#!/no/such/shell\n")
    path.chmod(0o755)
    done, lines = run(Hook(POINT, path))
    assert done.exit_code == hooks.REFUSED
    assert os.strerror(errno.ENOENT) in lines[0]
