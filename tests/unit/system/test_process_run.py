"""The one subprocess call: clean output or a CommandError with a remedy."""

import os
import sys
from pathlib import Path

import pytest

from fuel_upgrade.errors import CommandError
from fuel_upgrade.system.disk_space import file_system_at
from fuel_upgrade.system.process import Ending, run, stream
from tests.clock import Clock


def sh(script: str, **options: float) -> str:
    return run(["sh", "-c", script], timeout_s=options.get("timeout_s", 60))


def test_output_is_returned() -> None:
    assert sh("echo out; echo err >&2") == "out\n"


def test_output_that_is_not_utf8_is_returned_all_the_same() -> None:
    assert sh(r"printf '\377'") == "\ufffd"


def test_arguments_reach_the_program_as_they_are() -> None:
    assert run(["printf", "%s|", "a b", "$HOME", "*"], timeout_s=60) == "a b|$HOME|*|"


def test_stdin_is_closed_and_the_language_is_c(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert sh("cat; echo $LC_ALL") == "C\n"


def test_the_environment_is_added_to(tmp_path: Path) -> None:
    argv = [
        sys.executable,
        "-c",
        "import os; print(os.getcwd(), os.environ['X'], 'PATH' in os.environ)",
    ]
    assert run(argv, timeout_s=60, env={"X": "1"}, cwd=tmp_path) == f"{tmp_path} 1 True\n"


def test_a_failing_program_gives_its_code_and_last_words() -> None:
    with pytest.raises(CommandError, match="sh ended with 3: why") as caught:
        sh("echo not this; echo why >&2; exit 3")
    assert caught.value.returncode == 3
    assert caught.value.argv[0] == "sh"
    assert "by hand" in caught.value.remedy
    assert caught.value.exit_code == 7


def test_a_program_that_complains_on_stdout_is_heard() -> None:
    with pytest.raises(CommandError, match="on stdout"):
        sh("echo on stdout; exit 1")


def test_a_program_without_output_is_reported_as_silent() -> None:
    with pytest.raises(CommandError, match="it printed no error"):
        sh("exit 1")


def test_only_the_tail_of_a_long_complaint_is_kept() -> None:
    with pytest.raises(CommandError) as caught:
        sh("yes complaint | head -n 9999 >&2; echo last >&2; exit 1")
    assert len(caught.value.stderr_tail) == 2000
    assert caught.value.what.endswith("last")


def test_a_killed_program_is_an_error() -> None:
    with pytest.raises(CommandError) as caught:
        sh("kill -9 $$")
    assert caught.value.returncode == -9


@pytest.mark.parametrize("argv", [["/no/such/program"], ["/"]])
def test_a_program_that_cannot_be_started_is_an_error(argv: list[str]) -> None:
    with pytest.raises(CommandError, match="could not be run") as caught:
        run(argv, timeout_s=60)
    assert caught.value.returncode is None


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no-such"):
        run(["true"], timeout_s=60, cwd=tmp_path / "no-such")


def test_a_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(CommandError, match=r"no end after 0\.05 s"):
        run(["sleep", "60"], timeout_s=0.05)


def test_free_space_of_a_future_path_is_measured(tmp_path: Path) -> None:
    file_system = file_system_at(tmp_path / "not" / "yet" / "there")
    there = file_system_at(tmp_path)
    assert (file_system.device, file_system.mount_point) == (
        tmp_path.stat().st_dev,
        there.mount_point,
    )
    assert file_system.free_bytes > 0
    assert file_system.mount_point in (tmp_path.resolve(), *tmp_path.resolve().parents)
    assert file_system.mount_point.is_mount()


def test_free_space_of_a_link_is_that_of_its_target(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc")
    assert file_system_at(tmp_path / "link" / "x").mount_point == Path("/proc")


def listen(script: str, *, stdin: bytes = b"", each_s: float = 0) -> tuple[Ending, bytes]:
    """Let a script talk for at most 20 seconds of a clock that runs when something is heard."""
    heard: list[bytes] = []
    clock = Clock()

    def hear(chunk: bytes) -> None:
        heard.append(chunk)
        clock.advance(each_s)

    ending = stream(
        ["/bin/sh", "-c", script],
        stdin=stdin,
        env={"PATH": "/usr/bin:/bin"},
        timeout_s=20,
        on_output=hear,
        tick=lambda: None,
        monotonic=clock,
    )
    return ending, b"".join(heard)


def test_a_stream_gives_input_and_output_and_how_it_ended() -> None:
    assert listen("cat; echo err >&2; exit 3", stdin=b"in\n") == (
        Ending(3, timed_out=False),
        b"in\nerr\n",
    )


def test_a_stream_without_an_end_is_cut_off_at_the_deadline() -> None:
    assert listen("echo a; exec sleep 300", each_s=20) == (Ending(-9, timed_out=True), b"a\n")


def test_a_flood_from_the_background_does_not_keep_a_stream_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "begun")
    script = f"(echo y; echo > {tmp_path}/begun; exec yes) & read line < {tmp_path}/begun"
    ending, heard = listen(script)
    assert ending == Ending(0, timed_out=False)
    assert heard.startswith(b"y\n")


def test_a_stream_of_no_program_is_an_error() -> None:
    with pytest.raises(CommandError, match="could not be run"):
        stream(["/no/such"], stdin=b"", env={}, timeout_s=1, on_output=print, tick=lambda: None)
