"""The installer file on whole Debian releases under their own systemd: no Python, no network."""

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade import __version__
from fuel_upgrade.cli.main import main
from tests.packaging.installers import installer, tree, version_in
from tests.packaging.life import EDIT, daemon, every_command
from tests.packaging.machines import SUITES, Machine, booted, debian, needs_machines
from tests.tools import needs

pytestmark = [*needs_machines(), needs("readelf")]
LATER = "99.0"
MAX_BYTES = 60_000_000
CONFIG = "/etc/fuel-upgrade/config.yaml"
#: Modules that an operator or a library may ask for: each is in the tree or fails cleanly.
ABILITIES = """
import grp, locale, os, pwd, socket, ssl, subprocess, sys, zoneinfo
import createrepo_c, psycopg, requests, sqlite3, yaml, zstandard
assert pwd.getpwnam("root").pw_uid == 0 and grp.getgrnam("root").gr_gid == 0
assert sys.getfilesystemencoding() == sys.stdout.encoding == "utf-8"
assert all(path.startswith("/usr/lib/fuel-upgrade/") for path in sys.path), sys.path
assert sys.executable == "/usr/lib/fuel-upgrade/bin/python3"
assert os.path.exists(requests.certs.where())
assert yaml.__with_libyaml__
ssl.create_default_context(cafile=requests.certs.where())
locale.setlocale(locale.LC_ALL, "")
child = [sys.executable, "-c", "import sys; print(sys.prefix)"]
assert subprocess.check_output(child, text=True).strip() == "/usr/lib/fuel-upgrade"
environment = subprocess.check_output(["env"], text=True)
assert "LD_" not in environment and "PYTHON" not in environment, environment
try:
    socket.getaddrinfo("nosuch.invalid", 80)
except OSError:
    pass
"""


@pytest.fixture(params=SUITES)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A system without Python that has the installer file in /root."""
    with booted(debian(request.param), tmp_path / "root") as system:
        system.put(installer())
        system.run("mv *.run now.run")
        assert system.attempt("command -v python3").returncode != 0
        yield system


def test_it_is_small_and_names_its_floor() -> None:
    assert installer().stat().st_size <= MAX_BYTES
    argv = ["readelf", "--notes", str(tree() / "lib/libc.so.6")]
    notes = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    assert "OS: Linux, ABI: 3.2.0" in notes, "the lowest kernel, as stub.sh and the documents say"


def test_it_installs_and_every_command_works_without_python(machine: Machine) -> None:
    machine.run("sh now.run")
    assert machine.run("systemctl is-active fuel-upgrade").strip() == "active"
    machine.run("fuel-upgrade status")
    lines = "\n".join(f"fuel-upgrade {words} --help >/dev/null" for words in every_command(main))
    assert machine.run(lines) == ""
    machine.run("fuel-upgraded --version")


def test_the_interpreter_lacks_nothing_and_leaks_nothing(machine: Machine) -> None:
    machine.run("sh now.run --no-start")
    assert machine.attempt("systemctl is-active fuel-upgrade").returncode != 0
    machine.run(shlex.join(["/usr/lib/fuel-upgrade/bin/python3", "-c", ABILITIES]))
    misled = "PYTHONPATH=/nosuch PYTHONHOME=/nosuch LD_LIBRARY_PATH=/lib fuel-upgrade --version"
    assert version_in(machine.run(misled)) == __version__


def test_upgrade_downgrade_and_removal(machine: Machine) -> None:
    machine.put(installer(LATER))
    machine.run("mv fuel-upgrade-*.run later.run")
    listing = "find / -xdev -not -path '/var/log/journal/*'"
    before = set(machine.run(listing).splitlines())
    machine.run(f"sh now.run && {EDIT}")
    first = daemon(machine)
    for file, version in (("later", LATER), ("now", __version__)):
        machine.run(f"sh {file}.run")
        assert version_in(machine.run("fuel-upgrade --version")) == version
        assert daemon(machine) != first
        assert machine.run(f"tail -n1 {CONFIG}") == "log_level: debug\n"
        first = daemon(machine)
    machine.run("sh now.run --uninstall --purge")
    after = set(machine.run(listing).splitlines())
    assert {path for path in after - before if not path.startswith(("/proc", "/tmp"))} == set()


def test_a_package_of_the_tool_is_not_overwritten(machine: Machine) -> None:
    query = machine.root / "usr/local/bin/rpm"
    query.write_text("#!/bin/sh\n")
    query.chmod(0o755)
    done = machine.attempt("sh now.run")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        4, "error:  the RPM fuel-upgrade is installed",
    )  # fmt: skip
