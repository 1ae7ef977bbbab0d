"""The README on installing, word for word, on Debian systems without Python or a network."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuel_upgrade.cli.main import main
from tests.install_text import ROOT, commands
from tests.packaging.conftest import Packages
from tests.packaging.life import FUEL, every_command
from tests.packaging.machines import SUITES, Machine, booted, debian, lend_reach, needs_machines
from tests.tools import needs

pytestmark = [*needs_machines(), needs("dh")]
SHELLS = ("man-db", "bash-completion", "zsh", "fish")
#: The completions of "fuel-upgrade rel" in each shell, which loads them by itself.
COMPLETIONS = {
    "bash": """bash -c '
        . /usr/share/bash-completion/bash_completion
        _completion_loader fuel-upgrade || true
        COMP_WORDS=(fuel-upgrade rel) COMP_CWORD=1
        $(complete -p fuel-upgrade | sed "s/.*-F \\([^ ]*\\) .*/\\1/") fuel-upgrade
        echo "${COMPREPLY[@]}"'""",
    "zsh": """zsh -fc '
        autoload -U compinit && compinit -u -d /tmp/zcompdump
        _describe() { print -r -- $completions_with_descriptions }
        compadd() { print -r -- $completions }
        words=(fuel-upgrade rel) CURRENT=2
        $_comps[fuel-upgrade]'""",
    "fish": "fish -c 'complete -C \"fuel-upgrade rel\"'",
}


@pytest.fixture(params=SUITES)
def machine(
    request: pytest.FixtureRequest, tmp_path: Path, tarballs: dict[str, Path]
) -> Iterator[Machine]:
    """A master of Fuel 5.0 that has no Python and reaches nothing."""
    with booted(debian(request.param, SHELLS), tmp_path / "root") as machine:
        machine.run(FUEL)
        machine.put(*tarballs.values())
        machine.run("rm -f /usr/bin/python3*")  # which fish brings
        yield machine


def lines(words: str) -> str:
    return "\n".join(commands(words))


def follow(machine: Machine, words: str) -> None:
    """Run the README's commands below these words, and those for all ways to install."""
    begun = time.monotonic()
    machine.run(lines(words))
    sys.stderr.write(f"{words}: installed in {time.monotonic() - begun:.1f} s\n")
    machine.run(lines("The daemon now runs"))
    assert machine.run("systemctl is-enabled fuel-upgrade").strip() == "enabled"


def test_the_debian_package_works_as_the_readme_says(machine: Machine, debs: Packages) -> None:
    machine.put(debs.now)
    follow(machine, "The Debian package")
    machine.run("\n".join(f"fuel-upgrade {words} --help" for words in every_command(main)))
    assert "error:" not in machine.run("journalctl --no-pager --unit=fuel-upgrade")
    for page in ("fuel-upgrade", "fuel-upgraded"):
        assert "fuel-upgraded(8)" in machine.run(f"man -P cat {page}")
        assert machine.run(f"man --warnings -P cat {page} 2>&1 >/dev/null") == ""
    for shell, script in COMPLETIONS.items():
        assert "releases" in machine.run(script), shell
    machine.run("systemd-analyze verify fuel-upgrade.service fuel-upgrade-registry.service")
    assert "installed: Fuel 5.0 -> 5.1" in machine.run("fuel-upgrade install fuel-5.1-*.zst")
    machine.run("useradd member -G fuel-upgrade && useradd stranger")
    machine.run("su member -c 'fuel-upgrade status'")
    assert machine.attempt("su stranger -c 'fuel-upgrade status'").returncode != 0


def test_the_installer_works_as_the_readme_says(machine: Machine, installer: Path) -> None:
    machine.put(installer)
    follow(machine, "The installer")
    assert "installed: Fuel 5.0 -> 5.1" in machine.run("fuel-upgrade install fuel-5.1-*.zst")


def test_the_registry_alone_runs_as_a_service(machine: Machine, debs: Packages) -> None:
    machine.put(debs.now)
    machine.run(lines("The Debian package"))
    assert machine.attempt("systemctl is-enabled fuel-upgrade-registry").stdout.strip() == (
        "disabled"
    )
    machine.run("systemctl stop fuel-upgrade && systemctl start fuel-upgrade-registry")
    machine.run("systemctl is-active fuel-upgrade-registry")


def test_a_source_checkout_is_installed_as_the_readme_says(tmp_path: Path) -> None:
    """On the system that it names, with the indexes that it says are in reach."""
    with booted(debian("bookworm"), tmp_path / "root", network=True) as machine:
        lend_reach(machine.root)
        archive = subprocess.run(
            [ROOT / "packaging/build-wheel", tmp_path / "dist"], stdout=subprocess.PIPE, text=True,
            check=True,
        ).stdout.split()[0]  # fmt: skip
        machine.put(Path(archive))
        machine.run("apt-get update && tar -xzf fuel_upgrade-*.tar.gz && rm fuel_upgrade-*.gz")
        machine.run(f"cd fuel_upgrade-*\n{lines('Or a source archive')}", timeout_s=1200)
        machine.run(lines("The daemon now runs"))
