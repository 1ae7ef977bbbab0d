"""Output of the real command on terminals of several kinds, with a scripted daemon."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.host import BIN
from tests.scripted_daemon import JOB, scripted_daemon
from tests.terminal import OnTerminal

MIB = 1 << 20
HOSTILE = "switch repo [/b][red]x[/red] \x1b[2J\x1b]0;owned\x07 :smile: end"
HARMLESS = "switch repo [/b][red]x[/red] \\x1b[2J\\x1b]0;owned\\x07 :smile: end"
LONG = "register release " + " ".join(f"word{number:03}" for number in range(40))
EXACT = "x" * (80 - len("[4/5] "))  # ends in the last column
TITLES = ["unpack and verify fuel-6.0-upgrade.tar.zst", HOSTILE, LONG, EXACT, "the last"]
SHOWN = [TITLES[0], HARMLESS, *TITLES[2:]]
RECORD = {"id": JOB, "kind": "install", "tarball": "t", "fuel_from": "5.1", "fuel_to": "6.0",
          "state": "installed", "changed": True}  # fmt: skip
KINDS: dict[str, dict[str, str]] = {
    "xterm": {"TERM": "xterm"},
    "no color": {"TERM": "xterm-256color", "NO_COLOR": "1"},
    "linux": {"TERM": "linux"},
    "dumb": {"TERM": "dumb"},
    "latin": {"TERM": "xterm", "PYTHONIOENCODING": "iso-8859-1"},
}


class Install:
    """The events of an install that stops at a gate until the test opens it."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.cancelled = threading.Event()
        self.ends_with_error = False

    def __call__(self) -> Iterator[dict[str, Any]]:
        for number, title in enumerate(TITLES, 1):
            step = {"number": number, "of": len(TITLES), "title": title, "percent": 5.0}
            yield {"event": "step", **step}
            if number == 1:
                yield from self.unpacking()
            if self.cancelled.is_set():
                yield from self.going_back()
                return
        yield {"event": "result", "changed": True, "result": RECORD}

    def unpacking(self) -> Iterator[dict[str, Any]]:
        for second in range(0, 100, 5):
            at = f"2026-11-27T12:{second // 60:02}:{second % 60:02}+00:00"
            yield {
                "event": "progress", "at": at,
                "what": "unpacking", "done": second * MIB, "total": 100 * MIB,
                "percent": second * 0.9, "bytes_per_s": MIB, "remaining_s": 100 - second,
            }  # fmt: skip
            if second == 50:
                self.gate.wait(60)

    def going_back(self) -> Iterator[dict[str, Any]]:
        error = {"what": "it was cancelled", "remedy": "r", "state": "s", "exit_code": 5}
        yield {"event": "failed", "install": JOB, "error": "StepError", **error}
        for number in (2, 1):
            yield {"event": "undo step", "number": number, "title": TITLES[number - 1],
                   "undone": 2 - number, "to_undo": 2, "percent": 50.0}  # fmt: skip
        yield {"event": "error", "error": "StepError", "failures": [], **error}


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "api.sock"


def command(socket: Path, *argv: str) -> list[str | Path]:
    return [BIN / "fuel-upgrade", "--socket", socket, *argv]


@pytest.mark.parametrize("columns", [80, 110])
@pytest.mark.parametrize("kind", KINDS)
def test_every_step_line_is_printed_whole_and_once(socket: Path, kind: str, columns: int) -> None:
    script = Install()
    argv = command(socket, "install", "/t.tar.zst")
    with (
        scripted_daemon(socket, script),
        OnTerminal(argv, columns=columns, env=KINDS[kind]) as terminal,
    ):
        terminal.read_until("40 %" if kind == "dumb" else "45 %")
        script.gate.set()
        assert terminal.end() == 0
    for number, title in enumerate(SHOWN, 1):
        assert terminal.count(f"[{number}/{len(TITLES)}] {title}") == 1, terminal.rows()
    rows = "\n".join(row for row in terminal.rows() if row)
    assert ("unpacking" in rows) == (kind == "dumb")  # no bar is left over
    assert rows.count("installed: Fuel 5.1 -> 6.0") == 1


@pytest.mark.parametrize("columns", [80, 110])
def test_the_bar_has_step_bytes_speed_and_remaining_time(socket: Path, columns: int) -> None:
    script = Install()
    argv = command(socket, "install", "/t.tar.zst")
    with (
        scripted_daemon(socket, script),
        OnTerminal(argv, columns=columns, env=KINDS["xterm"]) as terminal,
    ):
        terminal.read_until("45 %")
        bar = next(row for row in terminal.rows() if "45 %" in row)
        script.gate.set()
        terminal.end()
    for part in ("[1/5] unpacking", "━━━", "50.0 of 100.0 MiB", "1.0 MiB/s", "0:50 left"):
        assert part in bar


def test_no_color_disables_colors(socket: Path) -> None:
    script = Install()
    script.gate.set()
    argv = command(socket, "install", "/t.tar.zst")
    for kind in ("no color", "dumb"):
        with (
            scripted_daemon(socket, script),
            OnTerminal(argv, columns=80, env=KINDS[kind]) as terminal,
        ):
            assert terminal.end() == 0
        socket.unlink()
        assert not re.search(rb"\x1b\[[0-9;]*3[0-9]", terminal.raw)
        assert (b"\x1b" in terminal.raw) == (kind != "dumb")


def test_a_pipe_gets_plain_lines_every_ten_per_cent(socket: Path) -> None:
    script = Install()
    script.gate.set()
    with scripted_daemon(socket, script):
        done = subprocess.run(
            command(socket, "install", "/t.tar.zst"),
            capture_output=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.decode().splitlines()
    steps = [f"[{number}/5] {title}" for number, title in enumerate(SHOWN, 1)]
    assert [line for line in lines if ": " not in line or "MiB" not in line] == steps
    percents = [int(match[1]) for line in lines if (match := re.search(r"(\d+) %", line))]
    assert 8 <= len(percents) <= 10
    assert all(a // 10 < b // 10 for a, b in pairwise(percents))
    assert b"\x1b" not in done.stderr + done.stdout
    assert b"\r" not in done.stderr + done.stdout


@pytest.mark.parametrize("columns", [80, 110])
def test_ctrl_c_shows_the_undo_on_the_same_bar(socket: Path, columns: int) -> None:
    script = Install()
    argv = command(socket, "install", "/t.tar.zst")
    with (
        scripted_daemon(socket, script) as daemon,
        OnTerminal(argv, columns=columns, env=KINDS["xterm"]) as terminal,
    ):
        script.cancelled = daemon.cancelled
        terminal.read_until("45 %")
        terminal.press_ctrl_c()
        assert daemon.cancelled.wait(60)
        terminal.read_until("Ctrl-C again to leave")
        script.gate.set()
        assert terminal.end() == 5
    for line in (
        f"[1/5] {SHOWN[0]}",
        "stopping and putting everything back; Ctrl-C again to leave",
        "failed: it was cancelled",
        f"undo [2] {SHOWN[1]}",
        f"undo [1] {SHOWN[0]}",
        "error:  it was cancelled",
    ):
        assert terminal.count(line) == 1, (line, terminal.rows())
    assert not [row for row in terminal.rows() if "^C" in row and row.strip("^C")]


def test_the_second_ctrl_c_leaves_and_says_how_to_attach_again(socket: Path) -> None:
    script = Install()
    argv = command(socket, "install", "/t.tar.zst")
    with (
        scripted_daemon(socket, script),
        OnTerminal(argv, columns=80, env=KINDS["xterm"]) as terminal,
    ):
        terminal.read_until("45 %")
        terminal.press_ctrl_c()
        terminal.read_until("Ctrl-C again to leave")
        terminal.press_ctrl_c()
        terminal.read_until("fuel-upgrade status --follow")
        assert terminal.end() == 130
        script.gate.set()


def run_json(socket: Path, *argv: str) -> tuple[int, list[Mapping[str, Any]]]:
    done = subprocess.run(
        command(socket, *argv), capture_output=True, timeout=120, check=False, text=True
    )
    assert done.stderr == ""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_scripts_get_each_event_as_a_line_and_the_result_last(socket: Path) -> None:
    script = Install()
    script.gate.set()
    with scripted_daemon(socket, script):
        code, events = run_json(socket, "install", "/t.tar.zst", "--json")
    assert code == 0
    assert [e["title"] for e in events if e["event"] == "step"] == TITLES
    assert (events[-1]["event"], events[-1]["changed"]) == ("result", True)


def test_the_error_is_the_last_event_and_printed_once(socket: Path) -> None:
    script = Install()
    script.gate.set()
    script.cancelled.set()
    with scripted_daemon(socket, script):
        code, events = run_json(socket, "install", "/t.tar.zst", "--json")
    assert (code, [e["event"] for e in events].count("error")) == (5, 1)
    assert (events[-1]["what"], events[-1]["format"]) == ("it was cancelled", 1)


def test_an_error_before_the_job_is_an_event_too(socket: Path) -> None:
    code, (event,) = run_json(socket, "install", "/t.tar.zst", "--json")
    assert (code, event["event"], event["exit_code"], event["format"]) == (7, "error", 7, 1)
