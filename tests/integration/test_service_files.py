"""The systemd unit: complete, hardened, and in step with the defaults of the configuration."""

import re
import signal
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fuel_upgrade.config import Paths
from fuel_upgrade.errors import ConfigError, PreflightError
from fuel_upgrade.system import process
from tests.tools import needs

UNIT = Path(__file__).parents[2] / "systemd/fuel-upgrade.service"
REGISTRY = UNIT.with_name("fuel-upgrade-registry.service")
PROGRAM = Path(sys.executable).with_name("fuel-upgraded")
TIMEOUT_S = 60
MOST_EXPOSED = 30  # tenths; "OK" of systemd-analyze security ends at 4.9
#: Folders that systemd makes for the service, by the setting that names each.
MADE_BELOW = {"StateDirectory": "/var/lib", "RuntimeDirectory": "/run"}


def settings(unit: Path = UNIT) -> dict[str, list[str]]:
    """Return every value of every setting, in their order."""
    entries: dict[str, list[str]] = defaultdict(list)
    for name, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE):
        entries[name].append(value)
    return entries


def writable() -> list[Path]:
    words = " ".join(settings()["ReadWritePaths"]).split()
    made = [Path(root, *settings()[name]) for name, root in MADE_BELOW.items()]
    return [*(Path(word.lstrip("-")) for word in words), *made]


@pytest.fixture(params=[UNIT, REGISTRY], ids=lambda path: path.stem)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit with the program where it is in this environment: systemd looks for it."""
    source: Path = request.param
    text = source.read_text(encoding="utf-8")
    changed = re.sub(r"(?m)^(Exec\w+=)/usr/bin/", rf"\1{PROGRAM.parent}/", text)
    assert changed != text
    path = tmp_path / source.name
    path.write_text(changed, encoding="utf-8")
    return path


@needs("systemd-analyze")
def test_systemd_finds_nothing_wrong(unit: Path) -> None:
    # its manual pages need not be installed here
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, ours) == (0, [])


@needs("systemd-analyze")
def test_the_service_stays_hardened(unit: Path) -> None:
    argv = ["systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}"]
    process.run([*argv, "--no-pager", str(unit)], timeout_s=TIMEOUT_S)


def test_every_default_path_may_be_written_inside_one_mount() -> None:
    """A switch is a rename: staging and destination must lie below one entry, named once."""
    paths = Paths()
    places = writable()
    assert len(places) == len(set(places))
    for folder in (paths.repos, paths.puppet, paths.fuel, paths.state):
        assert folder in places
    for file in (paths.log, paths.socket, paths.pid_file):
        assert file.parent in places
    nested = [p for p in places for other in places if p != other and p.is_relative_to(other)]
    assert nested == []


def test_folders_that_may_be_missing_are_made_first() -> None:
    words = " ".join(settings()["ReadWritePaths"]).split()
    missing = {word.lstrip("-") for word in words if word.startswith("-")}
    (before,) = settings()["ExecStartPre"]
    assert before.startswith("+/bin/mkdir -p ")
    assert missing == set(before.split()[2:])


def test_a_reload_runs_the_command_that_waits_for_the_daemons_answer() -> None:
    assert settings()["ExecReload"] == ["/usr/bin/fuel-upgrade config reload"]


def test_faults_that_stay_do_not_restart_it() -> None:
    (codes,) = settings()["RestartPreventExitStatus"]
    assert {int(code) for code in codes.split()} == {
        ConfigError.exit_code,
        PreflightError.exit_code,
    }


@pytest.mark.parametrize("source", [UNIT, REGISTRY], ids=lambda path: path.stem)
def test_a_start_that_fails_at_once_is_not_tried_for_ever(source: Path) -> None:
    unit = settings(source)
    (burst,), (interval,), (pause,) = (
        unit[name] for name in ("StartLimitBurst", "StartLimitIntervalSec", "RestartSec")
    )
    minutes, seconds = interval.removesuffix("min"), pause.removesuffix("s")
    assert int(burst) * int(seconds) < int(minutes) * 60 / 2  # so the limit is reached in time


def test_the_registrys_service_runs_the_command_and_may_write_its_data() -> None:
    unit = settings(REGISTRY)
    assert unit["ExecStart"] == ["/usr/bin/fuel-upgrade registry serve"]
    assert unit["Type"] == ["notify"]  # as test_registry_commands.py shows that it does
    assert Path("/var/lib", *unit["StateDirectory"]) == Paths().registry.parent
    assert unit["RestartPreventExitStatus"] == [str(ConfigError.exit_code)]


@contextmanager
def notified(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(TIMEOUT_S)
        yield listener


def test_the_daemon_notifies_as_the_unit_expects(tmp_path: Path) -> None:
    assert settings()["Type"] == ["notify"]
    root = tmp_path / "root"
    config = root / "etc/fuel-upgrade/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("registry: {port: 0}\n")
    with notified(tmp_path / "notify") as listener:
        argv = [str(PROGRAM), "--root", str(root)]
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "PATH": "/usr/bin:/bin"}
        with subprocess.Popen(argv, env=environment, stderr=subprocess.DEVNULL) as daemon:
            try:
                assert listener.recv(100).startswith(b"READY=1\nSTATUS=")
                assert (root / "run/fuel-upgrade/api.sock").is_socket()
                daemon.send_signal(signal.SIGTERM)
                assert listener.recv(100) == b"STOPPING=1"
                assert daemon.wait(TIMEOUT_S) == 0
            finally:
                daemon.kill()
    assert not (root / "run/fuel-upgrade/api.sock").exists()
