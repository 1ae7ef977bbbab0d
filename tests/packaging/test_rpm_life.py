"""The life of the RPM, under rpm and systemd: as the README says, upgrades, downgrade, removal.

No distribution of RPMs need be reachable: a Debian system boots systemd, and gets rpm's
database and a package in it that provides the files of the system.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade import __version__
from tests.install_text import commands
from tests.packaging.conftest import LATER, Packages
from tests.packaging.gate import GATED, Gate
from tests.packaging.installers import installer
from tests.packaging.life import EDIT, FUEL, GREP_EDIT, assert_refused, daemon, version
from tests.packaging.machines import Machine, booted, debian, needs_machines, rpm_root, run_in
from tests.tools import needs

pytestmark = [*needs_machines(), needs("rpmbuild")]
SYSTEM = """
Name: system
Version: 1
Release: 1
Summary: Files of the system
License: Apache-2.0
BuildArch: noarch
Provides: /bin/sh
%description
Files of the system.
%files
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that provides the requirements of packages on a system."""
    folder = tmp_path_factory.mktemp("system")
    (folder / "system.spec").write_text(SYSTEM)
    subprocess.run(
        ["rpmbuild", "-bb", "--quiet", "--define", f"_rpmdir {folder}", "--define",
         f"_topdir {folder}", folder / "system.spec"], check=True,
    )  # fmt: skip
    return folder / "noarch/system-1-1.noarch.rpm"


@pytest.fixture
def machine(
    tmp_path: Path, tarballs: dict[str, Path], rpms: Packages, system: Path
) -> Iterator[Machine]:
    """A master of Fuel 5.0 whose packages are rpm's."""
    with booted(debian("bookworm", ["rpm"]), tmp_path / "root") as machine:
        machine.put(*tarballs.values(), rpms.now, rpms.later, system)
        machine.run(FUEL)
        # as Debian's rpm asks
        machine.run(
            f"echo '%_allow_debian 1' > /root/.rpmmacros; rpm -i --force-debian {system.name}"
        )
        yield machine


def test_the_rpm_works_as_the_readme_says(machine: Machine) -> None:
    machine.run("\n".join(commands("The RPM")))
    machine.run("\n".join(commands("The daemon now runs")))
    assert machine.run("systemctl is-enabled fuel-upgrade").strip() == "enabled"
    assert "installed: Fuel 5.0 -> 5.1" in machine.run("fuel-upgrade install fuel-5.1-*.zst")
    assert machine.run("rpm -V fuel-upgrade") == ""


def test_an_idle_daemon_is_restarted_and_settings_stay(machine: Machine, rpms: Packages) -> None:
    machine.run(f"rpm -i {rpms.now.name} && {EDIT}")
    before = daemon(machine)
    machine.run(f"rpm -U {rpms.later.name}")
    assert version(machine) == LATER
    assert daemon(machine) != before
    machine.run(f"rpm -U --oldpackage {rpms.now.name}")
    assert version(machine) == __version__
    machine.run(GREP_EDIT)


def test_nothing_is_restarted_amid_an_install(machine: Machine, rpms: Packages) -> None:
    machine.run(f"rpm -i {rpms.now.name}")
    gate = Gate(machine)
    before = daemon(machine)
    with gate.install("fuel-5.1-upgrade.tar.zst") as install:
        said = machine.run(f"rpm -U {rpms.later.name}")
        assert "systemctl restart fuel-upgrade" in said
        gate.open(fail=False)
        output, _ = install.communicate(timeout=GATED)
    assert "installed" in output
    assert (daemon(machine), version(machine)) == (before, __version__)
    machine.run("fuel-upgrade rollback && systemctl restart fuel-upgrade")
    assert version(machine) == LATER


def test_the_package_and_the_installers_copy_refuse_each_other(
    machine: Machine, rpms: Packages
) -> None:
    machine.put(installer())
    machine.run(f"sh {installer().name} --no-start && {EDIT}")
    refused = machine.attempt(f"rpm -i {rpms.now.name}")
    assert refused.returncode != 0
    assert_refused(refused.stderr, "installed here by the installer file")
    machine.run("fuel-upgrade --version")
    machine.run("sh /var/lib/fuel-upgrade-installer/uninstall")
    machine.run(f"rpm -i {rpms.now.name} && {GREP_EDIT}")
    refused = machine.attempt(f"sh {installer().name}")
    assert refused.returncode == 4
    assert_refused(refused.stderr, "the RPM fuel-upgrade is installed")


def test_erasing_keeps_the_operators_files(machine: Machine, rpms: Packages) -> None:
    machine.run(f"rpm -i {rpms.now.name} && {EDIT}")
    machine.run("rpm -e fuel-upgrade")
    assert machine.attempt("systemctl is-active fuel-upgrade").stdout.strip() == "inactive"
    machine.run("test ! -e /usr/lib/fuel-upgrade && test -e /var/lib/fuel_upgrade/registry.sqlite")
    machine.run("grep -q 'log_level: debug' /etc/fuel-upgrade/config.yaml.rpmsave")


@needs("dnf", "createrepo_c", "busybox")
def test_it_lives_in_a_root_of_rpms_that_has_no_library(tmp_path: Path, rpms: Packages) -> None:
    root = rpm_root(tmp_path / "root")
    config = root / "etc/fuel-upgrade/config.yaml"

    def rpm(*arguments: str | Path) -> None:
        # the root's one package names no /bin/sh, which is there
        subprocess.run(["rpm", f"--root={root}", "--nodeps", *arguments], check=True)

    def says() -> str:
        return run_in(root, "fuel-upgrade", "--version").stdout

    rpm("--install", rpms.now)
    assert __version__ in says()
    edited = f"{config.read_text()}log_level: debug\n"
    config.write_text(edited)
    rpm("--upgrade", rpms.later)
    assert (LATER in says(), config.read_text()) == (True, edited)
    rpm("--upgrade", "--oldpackage", rpms.now)
    assert (__version__ in says(), config.read_text()) == (True, edited)
    rpm("--erase", "fuel-upgrade")
    assert not (root / "usr/lib/fuel-upgrade").exists()
    assert config.with_suffix(".yaml.rpmsave").read_text() == edited
