"""Usual mistakes, made on a real daemon: the messages of docs/mistakes.rst, word for word."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from fuel_upgrade import __version__
from fuel_upgrade.config import NailgunSettings
from fuel_upgrade.nailgun.client import NailgunClient
from tests.crash.disks import disk, needs_mounts
from tests.host import BIN, Host, configure, make_host
from tests.readiness import readiness
from tests.tools import needs, needs_root

PAGE = Path(__file__).parents[2] / "docs/mistakes.rst"
TIMEOUT_S = 120
NOBODY = 65534
pytestmark = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


def documented(title: str, number: int = 0) -> str:
    """Return the output of a command on the page, in its ``number``-th example."""
    sections = re.split(r"^(.+)\n=+\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    section = sections[sections.index(title) + 1]
    blocks = re.findall(r"^::\n\n((?:    .*\n|\n)+)", section, re.MULTILINE)
    lines = [line.removeprefix("    ") for line in blocks[number].strip("\n").split("\n")]
    assert lines[0].startswith("$ ")
    return _without_sizes("\n".join(lines[1:]))


def printed(host: Host, text: str, **paths: Path) -> str:
    """Return the output, with the parts that differ from run to run as on the page."""
    for name, path in paths.items():
        text = text.replace(str(path), f"/root/{name.replace('_', '-')}")
    text = text.replace(str(host.root), "").strip("\n")
    return _without_sizes(re.sub(r"\b[0-9a-f]{8}\b", "7f3a0001", text))


def _without_sizes(text: str) -> str:
    return re.sub(r"\d+(\.\d+)? ([KMG]iB|B)\b", "SIZE", text)


def error_of(done: subprocess.CompletedProcess[str]) -> str:
    """Return the three lines of an error, without the steps that came before."""
    return done.stderr[done.stderr.index("error:") :]


def named(host: Host, done: subprocess.CompletedProcess[str], tarballs: dict[str, Path]) -> str:
    folder = tarballs["5.1"].parent
    return printed(host, error_of(done).replace(str(folder), "/root"))


def test_a_wrong_file(host: Host) -> None:
    notes = host.root / "notes.txt"
    notes.write_text("hello\n" * 200)
    with host.daemon():
        done = host.command("install", notes)
        lost = host.command("install", host.root / "nothing.tar.zst")
    printed_text = printed(host, done.stderr.replace(str(notes), "/root/notes.txt"))
    assert (printed_text, done.returncode) == (documented("A wrong file"), 3)
    printed_text = printed(host, lost.stderr.replace(f"{host.root}/nothing", "/root/nothing"))
    assert (printed_text, lost.returncode) == (documented("A file that is not there"), 2)


@pytest.fixture
def open_host() -> Iterator[Host]:
    """A host below a folder that every user may enter."""
    place = Path(tempfile.mkdtemp(prefix="fuel-upgrade-"))
    place.chmod(0o755)
    yield make_host(place / "root")
    shutil.rmtree(place)


@needs_root()
@needs("setpriv")
def test_no_permission_on_the_socket(open_host: Host) -> None:
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    runs = subprocess.run(
        [*as_nobody, BIN / "fuel-upgrade", "--version"], capture_output=True, check=False
    )
    if runs.returncode:
        pytest.skip("the command lies in a folder that only root may enter")
    with open_host.daemon():
        argv = [*as_nobody, *open_host.argv("status")]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert printed(open_host, done.stderr) == documented("No permission on the socket")
    assert done.returncode == 4


@needs_mounts()
def test_no_space(host: Host, tarballs: dict[str, Path]) -> None:
    with disk(host.root / "var/www/nailgun", size_bytes=1 << 20), host.daemon():
        done = host.command("install", tarballs["5.1"])
    assert (named(host, done, tarballs), done.returncode) == (documented("No space"), 4)


def test_the_daemon_does_not_run(host: Host, tarballs: dict[str, Path]) -> None:
    done = host.command("install", tarballs["5.1"])
    assert printed(host, done.stderr) == documented("The daemon does not run")
    assert done.returncode == 7


def test_a_wrong_password_that_is_corrected(
    host: Host, tarballs: dict[str, Path], nailgun: str
) -> None:
    configure(host, url=nailgun, password="wrong", keystone_version="v2.0")
    with readiness() as systemd:
        systemd.listener.settimeout(TIMEOUT_S)
        with host.daemon(notified=systemd) as daemon:
            done = host.command("install", tarballs["5.1"])
            assert printed(host, done.stderr) == documented("A wrong password of Nailgun")
            assert done.returncode == 7
            configure(host, url=nailgun, password="right", keystone_version="v2.0")
            daemon.send_signal(signal.SIGHUP)
            while b"Reloaded: nailgun.password" not in systemd.listener.recv(1000):
                pass
            assert host.command("install", tarballs["5.1"]).returncode == 0
    with NailgunClient(NailgunSettings(url=nailgun, password="right")) as client:
        assert len(client.releases()) == 2


def test_a_mistyped_command(host: Host, tarballs: dict[str, Path]) -> None:
    done = host.command("instal", tarballs["5.1"])
    assert (printed(host, done.stderr), done.returncode) == (documented("A mistyped command"), 2)


def test_a_tarball_of_a_wrong_version(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        done = host.command("install", tarballs["6.0"])
    printed_text = named(host, done, tarballs)
    assert (printed_text, done.returncode) == (documented("A tarball of a wrong version"), 4)


def test_a_base_that_is_missing(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        host.json("install", tarballs["5.1"])
        for release in host.json("releases", "list")["releases"]:
            host.command("releases", "delete", str(release["id"]), "--yes", "--force")
        assert host.json("releases", "list")["releases"] == []
        done = host.command("install", tarballs["6.0"])
    printed_text = named(host, done, tarballs)
    assert (printed_text, done.returncode) == (documented("A base that is missing"), 4)


def test_a_tarball_that_is_already_installed(host: Host, tarballs: dict[str, Path]) -> None:
    with host.daemon():
        host.json("install", tarballs["5.1"])
        done = host.command("install", tarballs["5.1"])
        again = host.command("install", tarballs["5.1"], "--json")
        planned = host.command("install", tarballs["5.1"], "--dry-run")
        refused = host.command("install", tarballs["5.1"], "--fail-if-installed")
    printed_text = printed(host, done.stdout).partition("\n")[0]
    assert (printed_text, done.returncode) == (documented("What is installed already"), 0)
    assert '"changed": false' in again.stdout
    assert (planned.stdout[:17], planned.returncode) == ("installed already", 0)
    assert refused.returncode == 4


def test_a_second_install(host: Host, tarballs: dict[str, Path]) -> None:
    hook = host.root / "etc/fuel-upgrade/hooks.d/before-check/10-wait"
    begun, go = host.root / "begun", host.root / "go"
    os.mkfifo(begun)
    hook.parent.mkdir(parents=True)
    hook.write_text(f"#!/bin/sh\necho x > {begun}\nuntil [ -e {go} ]; do sleep 0.05; done\n")
    hook.chmod(0o755)
    with host.daemon():
        first = subprocess.Popen(host.argv("install", tarballs["5.1"], "--json"))
        begun.read_text()  # which waits for the hook
        done = host.command("install", tarballs["5.1"])
        go.touch()
        assert first.wait(TIMEOUT_S) == 0
    assert (printed(host, done.stderr), done.returncode) == (documented("A second install"), 4)


def test_a_tarball_that_is_still_being_copied_and_a_truncated_one(
    host: Host, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "growing.tar.zst"
    with host.daemon():
        with path.open("wb") as file:
            file.write(tarballs["5.1"].read_bytes()[:5000])
            file.flush()
            growing = host.command("install", path)
        cut = host.command("install", path)
    for done, title in (
        (growing, "A tarball that is still being copied"),
        (cut, "A tarball that was cut off"),
    ):
        printed_text = printed(host, done.stderr.replace(str(tmp_path), "/root"))
        assert (printed_text, done.returncode) == (documented(title), 3)


def test_a_mistyped_setting(host: Host) -> None:
    (host.root / "etc/fuel-upgrade/config.yaml").write_text("masterip: 10.0.0.1\n")
    argv = [str(BIN / "fuel-upgraded"), "--root", str(host.root)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert (printed(host, done.stderr), done.returncode) == (documented("A mistyped setting"), 2)
    done = host.command("config", "check")
    printed_text = printed(host, done.stdout)
    assert (printed_text, done.returncode) == (documented("A mistyped setting", 1), 2)


def test_a_master_ip_of_another_host(host: Host, tarballs: dict[str, Path]) -> None:
    (host.root / "etc/fuel-upgrade/config.yaml").write_text("registry: {port: 0}\n")
    with host.daemon():
        done = host.command("plan", tarballs["5.1"])
        doctor = host.json("doctor")
    warning = done.stdout[done.stdout.index("warning:") :].partition("\n\n")[0]
    printed_text = re.sub(
        r"which has .+?: nodes", "which has 127.0.0.1: nodes", " ".join(warning.split())
    )
    assert printed_text == documented("A master_ip of another host")
    assert done.returncode == 0
    (check,) = (check for check in doctor["checks"] if check["name"] == "address")
    assert check["verdict"] == "warning"
    assert "master_ip 10.20.0.2 (the default) is not an address of this host" in host.log()


def test_command_and_daemon_of_different_versions(host: Host) -> None:
    code = (
        "import fuel_upgrade; fuel_upgrade.__version__ = '0.0.9';"
        "from fuel_upgrade.daemon.service import main; main()"
    )
    argv = [sys.executable, "-c", code, "--root", str(host.root)]
    with (
        readiness() as ready,
        subprocess.Popen(argv, stderr=subprocess.DEVNULL, env=ready.environment()) as daemon,
    ):
        try:
            ready.wait(daemon)
            done = host.command("status")
            doctor = host.json("doctor")
        finally:
            daemon.kill()
    printed_text = printed(host, done.stderr).replace(f"of {__version__};", "of 0.1.0;")
    assert printed_text == documented("Command and daemon of different versions")
    assert done.returncode == 0
    (check,) = (check for check in doctor["checks"] if check["name"] == "daemon")
    assert check["remedy"] == "systemctl restart fuel-upgrade"


def without_reserve(host: Host, **settings: object) -> None:
    whole = {"master_ip": "127.0.0.1", "disk_reserve_mb": 0, **settings}
    (host.root / "etc/fuel-upgrade/config.yaml").write_text(yaml.safe_dump(whole))


@needs_mounts()
def test_a_full_disk_below_the_journal_and_the_registry(
    host: Host, tarballs: dict[str, Path]
) -> None:
    without_reserve(host, registry={"port": 0})
    with disk(host.root / "var/lib/fuel_upgrade", size_bytes=8 << 20) as small, host.daemon():
        small.fill(0)
        done = host.command("install", tarballs["5.1"])
        small.make_room()
        assert host.command("install", tarballs["5.1"]).returncode == 0
    printed_text = named(host, done, tarballs)
    assert (printed_text, done.returncode) == (documented("A full disk below the journal"), 4)


@needs_mounts()
def test_a_full_disk_below_the_journal_alone(
    host: Host, tarballs: dict[str, Path], nailgun: str
) -> None:
    without_reserve(host, nailgun={"url": nailgun, "password": "right"})
    with disk(host.root / "var/lib/fuel_upgrade", size_bytes=8 << 20) as small, host.daemon():
        small.fill(20 << 10)
        done = host.command("install", tarballs["5.1"])
        small.make_room()
        assert host.command("install", tarballs["5.1"]).returncode == 0
    printed_text = named(host, done, tarballs)
    assert (printed_text, done.returncode) == (documented("A full disk below the journal", 1), 4)
