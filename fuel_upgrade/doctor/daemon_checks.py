"""Checks of the daemon: its response, its version and its unit."""

import http.client
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from fuel_upgrade import __version__
from fuel_upgrade.doctor.check import Check, failure, ok, warning
from fuel_upgrade.errors import CommandError
from fuel_upgrade.system import process

_DAEMON, _UNIT = "daemon", "systemd unit"
_NAME = "fuel-upgrade.service"
_TIMEOUT_S = 5.0
_MAX_BYTES = 16 << 20
_PROPERTIES = ("LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload", "Result")
_SYSTEMD = Path("/run/systemd/system")  # sd_booted(3)


def ask_status(place: Path) -> dict[str, Any]:
    """Return the status of the daemon.

    Raises:
        OSError, http.client.HTTPException, ValueError: there is no response, or an invalid one.
    """
    connection = http.client.HTTPConnection("fuel-upgraded", timeout=_TIMEOUT_S)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with closing(connection):
        connection.sock.settimeout(_TIMEOUT_S)
        connection.sock.connect(str(place))
        connection.request("GET", "/v1/status")
        answer = json.loads(connection.getresponse().read(_MAX_BYTES))
    if not isinstance(answer, dict):
        raise ValueError("the answer is not an object")  # noqa: TRY004 - as any invalid response
    return answer


def check_daemon(place: Path, ask: Callable[[Path], Mapping[str, Any]] = ask_status) -> Check:
    """Check that the daemon answers and has the version of this command."""
    try:
        status = ask(place)
    except PermissionError:
        what = f"{place}: permission denied: only its owner and its group may ask the daemon"
        return failure(_DAEMON, what, "be root, or a member of the group of the socket")
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        remedy = "systemctl start fuel-upgrade; journalctl -u fuel-upgrade shows why it ended"
        return failure(_DAEMON, f"does not answer at {place}: {reason}", remedy)
    version, running = status.get("version"), status.get("running")
    if "what" in status:
        return failure(_DAEMON, str(status["what"]), str(status.get("remedy", "see its log")))
    if version != __version__:
        what = f"fuel-upgraded has version {version}, this command has {__version__}"
        wait = f"wait until job {running} has ended, then " if running else ""
        return warning(_DAEMON, what, f"{wait}systemctl restart fuel-upgrade")
    job = f"job {running} is running" if running else "no job is running"
    return ok(_DAEMON, f"version {version}, {status.get('control_plane')}; {job}")


def check_unit(show: Callable[[], Mapping[str, str]] | None = None) -> Iterator[Check]:
    """Check the unit if systemd runs."""
    if show is None and not _SYSTEMD.is_dir():
        yield ok(_UNIT, "systemd does not run here: not checked")
        return
    try:
        properties = (show or show_unit)()
    except CommandError as error:
        yield warning(_UNIT, error.what, error.remedy)
        return
    yield from judge_unit(properties)


def judge_unit(properties: Mapping[str, str]) -> Iterator[Check]:
    """Check the properties of the unit that systemctl shows. Pure."""
    if properties.get("LoadState") == "not-found":
        what = f"{_NAME} is not installed"
        yield warning(_UNIT, what, "install the package, or systemd/fuel-upgrade.service by hand")
        return
    if properties.get("NeedDaemonReload") == "yes":
        yield warning(_UNIT, f"{_NAME} changed on disk", "systemctl daemon-reload")
    active = properties.get("ActiveState", "unknown")
    result = properties.get("Result", "unknown")
    if active == "failed":
        what = f"{_NAME} has failed: {result}"
        remedy = "see journalctl -u fuel-upgrade, remove the cause, systemctl restart fuel-upgrade"
        yield failure(_UNIT, what, remedy)
    elif active not in ("active", "reloading", "activating"):
        yield failure(_UNIT, f"{_NAME} is {active}", "systemctl start fuel-upgrade")
    if properties.get("UnitFileState") in ("disabled", "masked"):
        what = f"{_NAME} is {properties['UnitFileState']}: it does not start at boot"
        yield warning(_UNIT, what, "systemctl enable fuel-upgrade")
    if active in ("active", "reloading", "activating"):
        yield ok(_UNIT, f"{_NAME} is {active}")


def show_unit() -> dict[str, str]:
    """Return the properties of the unit.

    Raises:
        CommandError: systemctl cannot be run.
    """
    properties = ",".join(_PROPERTIES)
    text = process.run(("systemctl", "show", _NAME, "-p", properties), timeout_s=_TIMEOUT_S)
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
