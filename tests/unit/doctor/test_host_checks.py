"""Checks whose input a test can give: addresses, clock, kernel, unit, daemon, modes, hooks."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from fuel_upgrade import __version__
from fuel_upgrade.config import Config
from fuel_upgrade.doctor.address_checks import check_address, check_repo_url
from fuel_upgrade.doctor.all_checks import Host, check_host
from fuel_upgrade.doctor.check import Check, Verdict, checks_json, failure, ok, warning, worst
from fuel_upgrade.doctor.daemon_checks import check_daemon, check_unit, judge_unit
from fuel_upgrade.doctor.disk_checks import check_disks
from fuel_upgrade.doctor.host_checks import check_clock, check_kernel
from fuel_upgrade.doctor.journal_checks import check_journal, check_lock
from fuel_upgrade.doctor.permission_checks import check_hooks, check_modes
from fuel_upgrade.system.locks import Lock
from fuel_upgrade.upgrade.records import ChangeRecord, InstallState
from fuel_upgrade.upgrade.transaction.journal import Journal

OK, WARNING, FAILURE = Verdict.OK, Verdict.WARNING, Verdict.FAILURE


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = Config(master_ip="127.0.0.1").under(tmp_path)
    made.paths.state.mkdir(mode=0o700, parents=True)
    return made


def record(state: InstallState) -> ChangeRecord:
    return ChangeRecord(f"id-{state.name}", "/t.tar", "s", "5.0", "5.1", state, 1.0)


def verdicts(checks: Any) -> list[Verdict]:
    return [check.verdict for check in checks]


def test_the_worst_verdict_counts() -> None:
    checks = (ok("a", "x"), warning("b", "x", "y"), failure("c", "x", "y"))
    assert worst(checks) is FAILURE
    assert worst(checks[:2]) is WARNING
    assert worst(()) is OK
    assert checks_json(checks)["counts"] == {"ok": 1, "warning": 1, "failure": 1}


def test_an_address_of_another_host_is_a_warning_with_the_setting() -> None:
    findings = check_address(Config(), ["10.0.0.7"])
    assert findings.verdict is WARNING
    assert findings.detail.startswith(
        "master_ip 10.20.0.2 (the default) is not an address of this host"
    )
    assert findings.remedy.startswith("set master_ip in config.yaml")
    assert check_address(Config(master_ip="10.0.0.7"), ["10.0.0.7"]).verdict is OK


def repo(config: Config, content: bytes = b"<repomd/>") -> str:
    index = config.paths.repos / "2014.2-6.0/centos/x86_64/repodata/repomd.xml"
    index.parent.mkdir(parents=True)
    index.write_bytes(content)
    return "http://127.0.0.1:8080/2014.2-6.0/centos/x86_64/repodata/repomd.xml"


def test_a_web_server_that_serves_the_repos_is_known_by_an_index(config: Config) -> None:
    url = repo(config)
    requested: list[str] = []

    def serves(place: str) -> bytes:
        requested.append(place)
        return b"<repomd/>"

    assert check_repo_url(config, serves).verdict is OK
    assert requested == [url]


@pytest.mark.parametrize("place", ["Release", "dists/trusty-updates/juno/Release"])
def test_an_index_of_a_flat_repo_or_a_nested_suite_is_compared(config: Config, place: str) -> None:
    path = config.paths.repos / "2014.2-6.0/ubuntu/x86_64" / place
    path.parent.mkdir(parents=True)
    path.write_text("Label: Fuel\n")
    assert check_repo_url(config, lambda _url: b"another").verdict is FAILURE


def test_another_index_at_the_same_place_is_a_failure(config: Config) -> None:
    repo(config)
    actual = check_repo_url(config, lambda _url: b"another")
    assert actual.verdict is FAILURE
    assert str(config.paths.repos) in actual.remedy


def test_a_web_server_that_does_not_run_is_a_failure(config: Config) -> None:
    url = repo(config)

    def fails(_url: str) -> bytes:
        raise requests.ConnectionError

    assert check_repo_url(config, fails).detail == f"{url}: no connection"


def test_without_a_repo_there_is_nothing_to_compare(config: Config) -> None:
    assert check_repo_url(config, lambda _url: b"").verdict is OK


def test_a_clock_far_behind_recorded_times_is_a_warning() -> None:
    assert check_clock(1_000_000, 2_000_000).verdict is WARNING
    assert check_clock(2_000_000, 1_999_999).verdict is OK


@pytest.mark.parametrize(
    ("release", "glibc", "expected"),
    [
        ("6.1.0-13-amd64", "glibc 2.36", [OK]),
        ("4.18.0-553.el8", "glibc 2.28", [FAILURE, OK]),
        ("5.3.0", "glibc 2.17", [FAILURE, OK]),
        ("unknown", "a C library that is not glibc", [OK]),
    ],
)
def test_kernel_and_libc_are_compared_with_the_lowest_that_do(
    release: str, glibc: str, expected: list[Verdict]
) -> None:
    assert verdicts(check_kernel(release, glibc)) == expected


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({"ActiveState": "active", "UnitFileState": "enabled"}, [OK]),
        ({"ActiveState": "active", "UnitFileState": "disabled"}, [WARNING, OK]),
        ({"ActiveState": "active", "NeedDaemonReload": "yes"}, [WARNING, OK]),
        ({"ActiveState": "failed", "Result": "exit-code"}, [FAILURE]),
        ({"ActiveState": "inactive"}, [FAILURE]),
        ({"LoadState": "not-found", "ActiveState": "inactive"}, [WARNING]),
    ],
)
def test_a_unit_is_checked_by_its_properties(
    shown: dict[str, str], expected: list[Verdict]
) -> None:
    assert verdicts(judge_unit(shown)) == expected
    assert verdicts(check_unit(lambda: shown)) == expected


def test_a_daemon_of_another_version_is_a_warning_with_when_to_restart_it() -> None:
    actual = check_daemon(Path("/s"), lambda _p: {"version": "0.0.9", "running": "7f3a0001"})
    assert actual == Check(
        "daemon",
        WARNING,
        f"fuel-upgraded has version 0.0.9, this command has {__version__}",
        "wait until job 7f3a0001 has ended, then systemctl restart fuel-upgrade",
    )


def raises(error: Exception) -> Callable[[Path], dict[str, Any]]:
    def ask(_place: Path) -> dict[str, Any]:
        raise error

    return ask


def test_a_daemon_that_is_down_and_a_socket_that_is_denied_differ() -> None:
    down = check_daemon(Path("/s"), raises(ConnectionRefusedError(111, "Connection refused")))
    denied = check_daemon(Path("/s"), raises(PermissionError(13, "Permission denied")))
    assert (down.verdict, denied.verdict) == (FAILURE, FAILURE)
    assert down.remedy.startswith("systemctl start fuel-upgrade")
    assert denied.remedy.startswith("be root")


def test_a_daemon_that_answers_nonsense_is_a_failure() -> None:
    assert check_daemon(Path("/s"), raises(ValueError("no JSON"))).verdict is FAILURE


def test_a_journal_is_not_made_by_looking_at_it(config: Config) -> None:
    assert verdicts(check_journal(config.paths)) == [OK]
    assert not config.paths.journal.exists()


def test_an_install_that_waits_for_an_operator_has_its_command(config: Config) -> None:
    journal = Journal(config.paths.journal)
    for state in (InstallState.INSTALLED, InstallState.RUNNING, InstallState.INCONSISTENT):
        journal.begin(record(state))
    findings = list(check_journal(config.paths))
    assert [(c.verdict, c.remedy) for c in findings] == [
        (FAILURE, "fuel-upgrade recover"),
        (FAILURE, "fuel-upgrade show id-INCONSISTENT, then fuel-upgrade repair"),
        (OK, ""),
    ]


def test_a_running_install_is_not_unfinished(config: Config) -> None:
    Journal(config.paths.journal).begin(record(InstallState.RUNNING))
    lock = Lock(config.paths.lock)
    assert lock.acquire()
    try:
        assert verdicts(check_journal(config.paths)) == [OK]
        assert f"process {os.getpid()}" in check_lock(config.paths).detail
    finally:
        lock.release()
    assert check_lock(config.paths).detail == "free: no install runs"


def test_a_damaged_journal_is_a_failure(config: Config) -> None:
    config.paths.journal.write_bytes(b"junk" * 1000)
    assert verdicts(check_journal(config.paths)) == [FAILURE]


@pytest.mark.parametrize(
    ("name", "mode"),
    [("state", 0o755), ("registry_password", 0o640), ("hooks", 0o775), ("journal", 0o644)],
)
def test_a_file_that_others_can_change_or_read_is_a_failure(
    config: Config, name: str, mode: int
) -> None:
    place: Path = getattr(config.paths, name)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.mkdir(exist_ok=True) if name in ("state", "hooks") else place.touch()
    place.chmod(mode)
    (actual,) = check_modes(config)
    assert actual.verdict is FAILURE
    assert actual.remedy.startswith("chmod ")
    assert str(place) in actual.remedy


def test_files_as_the_daemon_makes_them_are_well(config: Config) -> None:
    assert verdicts(check_modes(config)) == [OK]


def test_hooks_that_do_not_run_are_reported(tmp_path: Path) -> None:
    for folder, name, mode in (
        ("before-install", "10-good", 0o755),
        ("before-install", "20-off", 0o644),
        ("before-instal", "30-lost", 0o755),
        ("after-install", "40-open", 0o777),
    ):
        hook = tmp_path / folder / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\n")
        hook.chmod(mode)
    refused, point, off = check_hooks(tmp_path)
    assert (refused.verdict, point.verdict, off.verdict) == (FAILURE, WARNING, WARNING)
    assert "40-open" in refused.detail
    assert point.remedy == "rename it to before-install"
    assert off.remedy.startswith(f"chmod 755 {tmp_path}/before-install/20-off")


def test_a_disk_without_the_reserve_is_a_failure_that_says_how_much_it_lacks(
    config: Config,
) -> None:
    assert verdicts(check_disks(config)) == [OK]
    greedy = Config(disk_reserve_mb=1 << 40).under(config.paths.state)
    (actual,) = check_disks(greedy)
    assert actual.verdict is FAILURE
    assert " short" in actual.detail


def test_a_check_that_breaks_is_a_warning_and_keeps_no_other_from_running(tmp_path: Path) -> None:
    def broken() -> list[str]:
        raise RuntimeError("no interfaces")

    host = Host(None, tmp_path, None, {}, addresses=broken)
    checks = list(check_host(host, host.settings()))
    (address,) = [check for check in checks if check.name == "address"]
    assert address.verdict is WARNING
    assert address.detail == "this could not be checked: RuntimeError: no interfaces"
    assert {"disk", "journal", "daemon", "clock"} <= {check.name for check in checks}
