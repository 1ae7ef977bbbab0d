"""The daemon reads its settings again, on request and on SIGHUP, and disturbs nothing."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from fuel_upgrade.registry.release_store import Store
from tests.host import Host, configure
from tests.programs import Program
from tests.readiness import Readiness, readiness
from tests.tools import needs

TIMEOUT_S = 60
PACKAGING = needs("dpkg-deb", "apt-ftparchive", "rpmbuild", "createrepo_c")


@pytest.fixture
def systemd() -> Iterator[Readiness]:
    """The notifications of the service to systemd."""
    with readiness() as ready:
        ready.listener.settimeout(TIMEOUT_S)
        yield ready


def heard(systemd: Readiness, beginning: str) -> str:
    """Return the next notification that begins so; others may come before it."""
    while not (text := systemd.listener.recv(1000).decode()).startswith(beginning):
        pass
    return text


def reload(daemon: Program, systemd: Readiness) -> str:
    """Have the daemon read its settings again; return its status when it is done."""
    daemon.send_signal(signal.SIGHUP)
    begun = heard(systemd, "RELOADING=1")
    assert "MONOTONIC_USEC=" in begun
    return heard(systemd, "READY=1").partition("STATUS=")[2]


@contextmanager
def running(host: Host, systemd: Readiness) -> Iterator[Program]:
    with host.daemon(notified=systemd) as daemon:
        yield daemon
        assert daemon.poll() is None


def socket_of(host: Host) -> Path:
    return host.root / "run/fuel-upgrade/api.sock"


def write(host: Host, text: str) -> None:
    (host.root / "etc/fuel-upgrade/config.yaml").write_text(text)


def test_a_password_that_was_corrected_is_taken_by_a_reload(
    host: Host, nailgun: str, systemd: Readiness
) -> None:
    configure(host, url=nailgun, password="wrong")
    with running(host, systemd) as daemon:
        assert "systemctl reload fuel-upgrade" in host.command("releases", "list").stderr
        configure(host, url=nailgun, password="right")
        assert reload(daemon, systemd) == "Reloaded: nailgun.password"
        assert host.command("releases", "list").returncode == 0


def test_a_password_in_a_file_is_read_again_by_itself(
    host: Host, nailgun_store: Store, nailgun: str, systemd: Readiness
) -> None:
    secret = host.root / "etc/fuel-upgrade/nailgun.password"
    secret.write_text("right\n")
    secret.chmod(0o600)
    configure(host, url=nailgun, password_file="/etc/fuel-upgrade/nailgun.password")
    with running(host, systemd):
        assert host.command("releases", "list").returncode == 0
        nailgun_store.accounts.set_password(
            "admin", "second"
        )  # which ends all sessions of the user
        secret.write_text("second\n")
        assert host.command("releases", "list").returncode == 0


def test_settings_that_are_wrong_are_refused_and_the_old_ones_stay(
    host: Host, nailgun: str, systemd: Readiness
) -> None:
    configure(host, url=nailgun, password="right")
    with running(host, systemd) as daemon:
        write(host, "masterip: 10.0.0.1\n")
        assert reload(daemon, systemd) == (
            "Reload refused, the settings stay as they were:"
            f" {host.root}/etc/fuel-upgrade/config.yaml: masterip: unknown setting: did you mean"
            " master_ip?"
        )
        assert host.command("--socket", socket_of(host), "releases", "list").returncode == 0
    assert "reload refused" in host.log()


def test_the_command_of_a_reload_ends_with_the_daemons_refusal(
    host: Host, systemd: Readiness
) -> None:
    with running(host, systemd):
        write(host, "masterip: 10.0.0.1\n")
        done = host.command("config", "reload")
        assert done.returncode == 2
        error, state, remedy = done.stderr.splitlines()
        assert error.startswith("error:")
        assert "did you mean master_ip?" in error
        assert (state, remedy[:7]) == ("state:  the settings stay as they were", "remedy:")
        assert "STATUS=Reload refused" in heard(systemd, "READY=1\nSTATUS=Reload")
    assert "reload refused" in host.log()


def test_config_reload_names_changed_settings_and_those_that_need_a_restart(
    host: Host, systemd: Readiness
) -> None:
    with running(host, systemd):
        settings = {"master_ip": "127.0.0.2", "log_level": "debug", "registry": {"port": 0}}
        write(host, yaml.safe_dump(settings))
        assert host.command("config", "reload").stdout.splitlines() == [
            "reloaded: log_level",
            "only after systemctl restart fuel-upgrade: master_ip",
        ]
        answer = host.json("config", "reload")
        assert (answer["changed"], answer["need_restart"]) == ([], ["master_ip"])


def test_a_reload_changes_the_log_level_and_names_settings_that_need_a_restart(
    host: Host, systemd: Readiness
) -> None:
    with running(host, systemd) as daemon:
        settings = {"master_ip": "127.0.0.2", "log_level": "debug", "registry": {"port": 0}}
        write(host, yaml.safe_dump(settings))
        assert reload(daemon, systemd) == "Reloaded: log_level"
        host.command("releases", "list")
    assert "settings=['master_ip']" in host.log()
    assert "level='debug' event='request' method='GET'" in host.log()


def test_a_reload_amid_a_reload_is_done_as_well(host: Host, systemd: Readiness) -> None:
    with running(host, systemd) as daemon:
        for _ in range(5):
            daemon.send_signal(signal.SIGHUP)
        assert reload(daemon, systemd) == "Reloaded: nothing changed"


@PACKAGING
def test_an_install_goes_on_undisturbed_by_a_reload(
    host: Host, tarballs: dict[str, Path], systemd: Readiness
) -> None:
    hook = host.root / "etc/fuel-upgrade/hooks.d/before-install/10-reload"
    hook.parent.mkdir(parents=True)
    done = host.root / "reloaded"
    # the reload comes in the middle of a step, and the step does not end before it was made
    hook.write_text(f"#!/bin/sh\nkill -HUP $PPID\nuntil [ -e {done} ]; do sleep 0.05; done\n")
    hook.chmod(0o755)
    with running(host, systemd):
        command = subprocess.Popen(host.argv("install", tarballs["5.1"], "--json"))
        heard(systemd, "RELOADING=1")
        assert heard(systemd, "READY=1").endswith("Reloaded: nothing changed")
        done.touch()
        assert command.wait(TIMEOUT_S) == 0
        assert host.json("status")["last_install"]["state"] == "installed"
