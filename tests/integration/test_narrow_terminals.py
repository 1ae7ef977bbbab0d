"""Output on terminals of 80 and 110 columns: no name, path or URL is cut."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host import BIN
from tests.scripted_daemon import scripted_daemon
from tests.terminal import OnTerminal

HOST = "http://10.20.0.2:8080"
REPO = f"{HOST}/2014.2-6.0/ubuntu/x86_64"
LONG_REPO = (
    f"{HOST}/full-view/2014.2-6.0-with-a-long-suffix-of-the-vendor/ubuntu/x86_64/and-more-of-it"
)
TARBALL = "/root/tarballs-of-november/fuel-6.0-with-security-updates-upgrade.tar.zst"
STARTED_S = 1795811643.2
INSTALL: dict[str, Any] = {
    "id": "22b5589d", "kind": "install", "tarball": TARBALL, "fuel_from": "5.1.1", "fuel_to": "6.0",
    "state": "inconsistent", "started_s": STARTED_S, "ended_s": STARTED_S + 100, "note": None,
    "released": False, "attempts": 0, "backups_bytes": 1 << 30,
    "error": {"what": f"switch repo: {REPO} is in the way, and so are more words of the reason",
              "remedy": f"remove /var/www/nailgun/2014.2-6.0/ubuntu/x86_64/{'x' * 40}, repair"},
    "steps": [
        {"number": 1, "title": f"unpack and verify {TARBALL}", "state": "reverted", "error": None},
        {"number": 2, "title": "switch repo 2014.2-6.0/ubuntu/x86_64", "state": "stuck",
         "error": f"cannot remove /var/www/nailgun/2014.2-6.0/ubuntu/x86_64/{'y' * 60}: busy"},
    ],
    "hooks": [{"point": "before-install", "name": "check-the-cabling-of-the-master.sh",
               "started_s": STARTED_S, "ended_s": None, "exit_code": None,
               "output": f"asked {HOST}/a/very/long/path/of/a/health/check/that/is/long: no"}],
}  # fmt: skip
RELEASE = {
    "id": 4, "name": "Juno on Ubuntu 14.04", "version": "2014.2-6.0", "state": "available",
    "operating_system": "Ubuntu", "repos": [{"name": "2014.2-6.0", "location": REPO},
                                            {"name": "2014.1.1-5.1", "location": LONG_REPO}],
}  # fmt: skip
PLAN: dict[str, Any] = {
    "fuel_from": "5.1.1", "fuel_to": "6.0", "running_tasks": [],
    "releases": [{**RELEASE, "base_found": None, "full_view": LONG_REPO}],
    "packages": [{"version": "2014.2-6.0", "operating_system": "ubuntu", "counts": {"added": 3},
                  "inherited": 1200, "note": "", "changes": []}],
    "steps": [{"number": 1, "title": f"unpack and verify {TARBALL}", "undo": "remove the staging"}],
    "calls": [{"count": 1, "method": "POST", "path": "/releases/", "undo": False,
               "purpose": "register Juno on Ubuntu 14.04, with its repos and those of its base"}],
    "read_bytes": 1 << 30, "write_bytes": 1 << 31, "memory": {"bound_bytes": 1 << 27},
    "disks": [{"mount_point": "/var/www", **dict.fromkeys(
        ("free_bytes", "needed_bytes", "reserve_bytes", "backup_bytes", "released_bytes",
         "peak_free_bytes", "after_free_bytes"), 1 << 30)}],
}  # fmt: skip
ANSWERS = {
    "/v1/installs": [INSTALL],
    "/v1/installs/22b5": INSTALL,
    "/v1/releases": [RELEASE],
    "/v1/plans": PLAN,
}
WHOLE = {
    ("history",): (TARBALL, "22b5589d", "inconsistent"),
    ("show", "22b5"): (
        TARBALL, REPO, "x" * 40, "y" * 60, "check-the-cabling-of-the-master.sh",
        f"{HOST}/a/very/long/path/of/a/health/check/that/is/long:",
    ),
    ("releases",): (REPO, LONG_REPO, "2014.1.1-5.1:"),
    ("plan", "x.tar"): (TARBALL, REPO, LONG_REPO),
}  # fmt: skip
KINDS = {
    "xterm": {"TERM": "xterm"},
    "no color": {"TERM": "xterm-256color", "NO_COLOR": "1"},
    "dumb": {"TERM": "dumb"},
}
every_output = pytest.mark.parametrize("words", WHOLE, ids=" ".join)
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (UTC|[+-]\d\d:\d\d)"


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "api.sock"
    with scripted_daemon(place, answers=ANSWERS):
        yield place


def command(socket: Path, words: tuple[str, ...]) -> list[str | Path]:
    return [BIN / "fuel-upgrade", "--socket", socket, *words]


def show_on_terminal(argv: list[str | Path], columns: int, kind: str) -> list[str]:
    with OnTerminal(argv, columns=columns, env=KINDS[kind]) as terminal:
        assert terminal.end() == 0
        assert re.findall(rb"\x1b\[[0-9;]*[A-Z]", terminal.raw) == []  # nothing moves the cursor
        return terminal.raw.decode().replace("\r\n", "\n").splitlines()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("columns", [80, 110])
@every_output
def test_no_name_and_no_url_is_cut_on_a_terminal(
    socket: Path, words: tuple[str, ...], columns: int, kind: str
) -> None:
    lines = show_on_terminal(command(socket, words), columns, kind)
    for text in WHOLE[words]:
        assert any(text in line for line in lines), text
    # a line longer than the terminal is one word that stays whole, after at most its name
    for line in lines:
        assert len(line) <= columns or len(max(line.split(), key=len)) > columns - 24, line
    assert "…" not in "".join(lines)


@every_output
def test_a_pipe_has_no_limit_and_no_color(socket: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        command(socket, words),
        capture_output=True, text=True, timeout=120, check=True,
        env={"TERM": "xterm", "COLUMNS": "20", "FORCE_COLOR": "1"},
    )  # fmt: skip
    for text in WHOLE[words]:
        assert text in done.stdout
    assert "\x1b" not in done.stdout


def test_a_row_is_one_line_in_a_pipe(socket: Path) -> None:
    done = subprocess.run(
        command(socket, ("history",)), capture_output=True, text=True, timeout=120, check=True
    )
    assert len(done.stdout.splitlines()) == 2
    assert re.search(TIME, done.stdout)


@pytest.mark.parametrize("words", [("history",), ("show", "22b5")], ids=" ".join)
def test_a_time_has_its_zone(socket: Path, words: tuple[str, ...]) -> None:
    done = {
        zone: subprocess.run(
            command(socket, words),
            capture_output=True, text=True, timeout=120, check=True, env={"TZ": zone},
        ).stdout
        for zone in ("UTC", "EET-2")
    }  # fmt: skip
    assert "2026-11-27 20:34:03 UTC" in done["UTC"]
    assert "2026-11-27 22:34:03 +02:00" in done["EET-2"]


def test_node_sources_are_whole_in_a_narrow_terminal() -> None:
    versions = (
        "2:1.21.1-0ubuntu1~cloud0+mos12+rebuilt3",
        "2:1.23.4-0ubuntu2~cloud0+mos17+rebuilt1",
    )
    rows = [("upgrade", "python-neutron-vpn-agent-plugin:amd64", *versions)] * 3
    code = (
        "from fuel_upgrade.cli.console import print_table;"
        f"print_table(('change', 'package', 'installed', 'release'), {rows!r}, empty='')"
    )
    lines = show_on_terminal([sys.executable, "-c", code], 80, "xterm")
    for text in rows[0]:
        assert sum(text in line for line in lines) == 3
    assert max(map(len, lines)) <= 80
