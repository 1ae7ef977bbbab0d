"""The state of a real daemon is closed to other users, at the first start and after an update."""

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host import BIN, Host, make_host
from tests.ordinary_user import NOBODY, command_as_nobody
from tests.tools import needs, needs_root

pytestmark = [needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c"), needs_root()]


@pytest.fixture
def host() -> Iterator[Host]:
    """A master whose folders other users can enter, unlike those of ``tmp_path``."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield make_host(Path(folder, "root"))


def own_files(host: Host) -> list[Path]:
    """Return the state folder, the files in it, the pid file and the log."""
    state = host.root / "var/lib/fuel_upgrade"
    files = [path for path in state.iterdir() if path.is_file()]
    pid_file = host.root / "run/fuel-upgrade/fuel-upgraded.pid"
    return [state, *files, pid_file, host.root / "var/log/fuel_upgrade.log"]


def modes(paths: list[Path]) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}


def test_every_file_of_the_state_is_closed_and_installed_files_are_not(
    host: Host, tarballs: dict[str, Path]
) -> None:
    before = os.umask(0o077)
    try:
        with host.daemon():
            host.json("install", tarballs["5.1"], "--idempotency-key", "one")
            actual = modes(own_files(host))
    finally:
        os.umask(before)
    assert actual.pop("fuel_upgrade") == 0o700
    assert set(actual) >= {
        "install.lock", "journal.sqlite", "registry.sqlite", "registry.sqlite-wal",
        "registry.sqlite-shm", "registry.password", "idempotency.json", "fuel-upgraded.pid",
        "fuel_upgrade.log",
    }  # fmt: skip
    assert set(actual.values()) == {0o600}
    live = [path for path in (host.root / "var/www/nailgun").rglob("*") if not path.is_symlink()]
    assert len(live) > 10
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in live)


def test_an_update_closes_what_earlier_versions_left_open_and_says_so(host: Host) -> None:
    with host.daemon():
        pass
    state, log = host.root / "var/lib/fuel_upgrade", host.root / "var/log/fuel_upgrade.log"
    loose = [state / name for name in ("install.lock", "journal.sqlite", "old.damaged-1")]
    rotated = log.with_name("fuel_upgrade.log.1")
    for path in (*loose, rotated, log):
        path.touch()
        path.chmod(0o644)
    state.chmod(0o755)
    with host.daemon():
        assert set(modes([state]).values()) == {0o700}
        assert set(modes([*loose, rotated, log]).values()) == {0o600}
    (line,) = [line for line in host.log().splitlines() if "other users had rights" in line]
    assert all(str(path) in line for path in (state, *loose, rotated, log))


@pytest.mark.parametrize("fault", ["writable", "foreign"])
def test_a_daemon_refuses_a_state_folder_that_others_can_write(host: Host, fault: str) -> None:
    state = host.root / "var/lib/fuel_upgrade"
    state.mkdir(parents=True)
    state.chmod(0o777 if fault == "writable" else 0o700)
    if fault == "foreign":
        os.chown(state, NOBODY, NOBODY)
    done = subprocess.run(
        [BIN / "fuel-upgraded", "--root", host.root],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 4
    assert str(state) in done.stderr
    assert list(state.iterdir()) == []


def test_an_ordinary_user_learns_that_the_rights_are_lacking(host: Host) -> None:
    with host.daemon():
        for argv in (("registry", "user", "list"), ("registry", "migrate"), ("status",)):
            done = command_as_nobody("--root", host.root, *argv)
            assert done.returncode in (4, 7), done.stderr
            assert "root" in done.stderr
            assert "Traceback" not in done.stderr
        done = command_as_nobody("--root", host.root, "doctor", "--json")
        assert "Traceback" not in done.stderr
        assert "free: no install runs" not in done.stdout
        assert "as root" in done.stdout
