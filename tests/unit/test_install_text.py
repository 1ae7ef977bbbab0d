"""The install text: the same in README and operations, and of this version."""

import re

from fuel_upgrade import __version__
from tests.install_text import ROOT, commands, install_text, section

OPERATIONS = ROOT / "docs/operations.rst"


def test_operations_and_readme_have_the_same_install_text() -> None:
    assert section(OPERATIONS, "Setting up the service", "=").startswith(install_text())


def test_the_files_to_install_are_of_this_version() -> None:
    named = re.findall(r"fuel-upgrade[-_](\d[\d.]*\d)", install_text())
    assert len(named) >= 3
    assert set(named) == {__version__}


def test_each_way_to_install_is_commands() -> None:
    for words in ("The Debian package", "The RPM", "The installer", "Or a source archive"):
        assert commands(words)
