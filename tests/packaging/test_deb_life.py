"""The life of the Debian package: upgrades, also amid an install, downgrade, removal, purge."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade import __version__
from tests.packaging.conftest import LATER, Packages
from tests.packaging.gate import GATED, Gate
from tests.packaging.installers import installer
from tests.packaging.life import EDIT, FUEL, GREP_EDIT, assert_refused, daemon, version
from tests.packaging.machines import SUITES, Machine, booted, debian, needs_machines
from tests.tools import needs

pytestmark = [*needs_machines(), needs("dh")]
#: Every file and folder except the system's own state.
LIST = """find / -xdev -mindepth 1 \\( -path /root -o -path /proc -o -path /sys -o -path /run \\
    -o -path /tmp -o -path /var/tmp -o -path /var/lib/dpkg -o -path /var/lib/systemd \\
    -o -path /var/cache -o -path /var/log -o -path /dev \\) -prune -o -print | sort"""
#: The group stays, as Debian's rules for users and groups have it.
STAYS = {"/etc/group-", "/etc/gshadow-"}


@pytest.fixture(params=SUITES)
def machine(
    request: pytest.FixtureRequest, tmp_path: Path, tarballs: dict[str, Path], debs: Packages
) -> Iterator[Machine]:
    """A system with packages and tarballs in /root, none of them installed."""
    with booted(debian(request.param), tmp_path / "root") as machine:
        machine.put(*tarballs.values(), debs.now, debs.later)
        yield machine


def test_an_idle_daemon_is_restarted_and_settings_stay(machine: Machine, debs: Packages) -> None:
    machine.run(f"dpkg -i {debs.now.name} && {EDIT}")
    before = daemon(machine)
    machine.run(f"dpkg -i {debs.later.name}")
    assert version(machine) == LATER
    assert daemon(machine) != before
    assert "log_level: debug" in machine.run("tail -n 1 /etc/fuel-upgrade/config.yaml")
    machine.run(f"dpkg -i {debs.now.name}")  # and back
    assert version(machine) == __version__
    assert "log_level: debug" in machine.run("tail -n 1 /etc/fuel-upgrade/config.yaml")


def test_a_daemon_that_was_stopped_and_disabled_stays_so(machine: Machine, debs: Packages) -> None:
    machine.run(f"dpkg -i {debs.now.name} && systemctl disable --now fuel-upgrade")
    machine.run(f"dpkg -i {debs.later.name}")
    assert machine.attempt("systemctl is-enabled fuel-upgrade").stdout.strip() == "disabled"
    assert machine.attempt("systemctl is-active fuel-upgrade").stdout.strip() == "inactive"


@pytest.mark.parametrize("outcome", ["installed", "rolled back"])
def test_nothing_is_restarted_amid_an_install_which_ends_with_its_own_code(
    machine: Machine, debs: Packages, outcome: str
) -> None:
    machine.run(FUEL + f"dpkg -i {debs.now.name}")
    gate = Gate(machine)
    before = daemon(machine)
    with gate.install("fuel-5.1-upgrade.tar.zst") as install:
        said = machine.run(f"dpkg -i {debs.later.name}")
        assert "systemctl restart fuel-upgrade" in said
        assert (daemon(machine), version(machine)) == (before, __version__)
        gate.open(fail=outcome == "rolled back")
        output, _ = install.communicate(timeout=GATED)
    assert (install.returncode, outcome in output) == (5 if gate.failed else 0, True), output
    assert (daemon(machine), version(machine)) == (before, __version__)
    if not gate.failed:
        machine.run("fuel-upgrade rollback")
    machine.run("systemctl restart fuel-upgrade")
    assert version(machine) == LATER


def test_a_reload_of_wrong_settings_fails_and_the_daemon_goes_on(
    machine: Machine, debs: Packages
) -> None:
    machine.run(f"dpkg -i {debs.now.name}")
    before = daemon(machine)
    machine.run("systemctl reload fuel-upgrade")
    machine.run("echo 'masterip: 10.0.0.1' >> /etc/fuel-upgrade/config.yaml")
    assert machine.attempt("systemctl reload fuel-upgrade").returncode != 0
    assert "did you mean master_ip?" in machine.run("journalctl --unit=fuel-upgrade")
    assert "Reload refused" in machine.run("systemctl status fuel-upgrade")
    assert machine.run("systemctl is-active fuel-upgrade").strip() == "active"
    machine.run("sed -i '$d' /etc/fuel-upgrade/config.yaml && systemctl reload fuel-upgrade")
    assert daemon(machine) == before


def test_the_package_and_the_installers_copy_refuse_each_other(
    machine: Machine, debs: Packages
) -> None:
    machine.put(installer())
    machine.run(f"sh {installer().name} --no-start && {EDIT}")
    before = machine.run(LIST)
    refused = machine.attempt(f"dpkg -i {debs.now.name}")
    assert refused.returncode != 0
    assert_refused(refused.stderr, "installed here by the installer file")
    assert machine.run(f"fuel-upgrade --version >/dev/null; {LIST}") == before
    machine.run("sh /var/lib/fuel-upgrade-installer/uninstall")
    machine.run(f"dpkg -i --force-confold {debs.now.name} && {GREP_EDIT}")
    refused = machine.attempt(f"sh {installer().name}")
    assert refused.returncode == 4
    assert_refused(refused.stderr, "the Debian package fuel-upgrade is installed")
    machine.run("dpkg --verify fuel-upgrade && fuel-upgrade status")


def test_a_late_purge_spares_the_state_of_the_installers_copy(
    machine: Machine, debs: Packages
) -> None:
    machine.put(installer())
    machine.run(f"dpkg -i {debs.now.name} && dpkg -r fuel-upgrade && sh {installer().name}")
    before = daemon(machine)
    machine.run("dpkg -P fuel-upgrade && test -e /var/lib/fuel_upgrade/registry.sqlite")
    assert machine.run("systemctl is-enabled fuel-upgrade").strip() == "enabled"
    assert daemon(machine) == before


def test_removal_keeps_the_operators_files_and_purge_removes_all(
    machine: Machine, debs: Packages
) -> None:
    before = set(machine.run(LIST).splitlines())
    machine.run(f"dpkg -i {debs.now.name} && {EDIT}")
    machine.run("fuel-upgrade status")
    machine.run("dpkg -r fuel-upgrade")
    assert machine.attempt("systemctl is-active fuel-upgrade").stdout.strip() == "inactive"
    machine.run("test ! -e /usr/lib/fuel-upgrade && test -e /var/lib/fuel_upgrade/registry.sqlite")
    machine.run(GREP_EDIT)
    machine.run("dpkg -P fuel-upgrade")
    assert set(machine.run(LIST).splitlines()) - before - STAYS == set()
    assert machine.attempt("ls /var/log/fuel_upgrade.log*").returncode != 0


def test_a_purge_leaves_the_releases_that_were_installed(machine: Machine, debs: Packages) -> None:
    machine.run(FUEL + f"dpkg -i {debs.now.name} && fuel-upgrade install fuel-5.1-upgrade.tar.zst")
    content = "find /var/www/nailgun /etc/puppet /etc/fuel -type f | sort"
    before = machine.run(content)
    machine.run("dpkg -P fuel-upgrade")
    assert machine.run(content) == before
