"""The collection as a file for Galaxy, and its linters."""

import tarfile
from pathlib import Path

import pytest
import yaml

from tests.ansible_runs import COLLECTION, copy_collection, needs_ansible, run_tool

pytestmark = needs_ansible()


def test_the_collection_builds_and_installs_with_files_in_place_of_links(tmp_path: Path) -> None:
    run_tool(tmp_path, "ansible-galaxy", "collection", "build", str(COLLECTION))
    (file,) = tmp_path.glob("fuel_upgrade-fuel_upgrade-*.tar.gz")
    run_tool(tmp_path, "ansible-galaxy", "collection", "install", file.name, "-p", ".", "--offline")
    installed = tmp_path / "ansible_collections/fuel_upgrade/fuel_upgrade"

    with tarfile.open(file) as archive:
        assert not [member.name for member in archive if member.issym()]
    for path in (COLLECTION / "plugins").rglob("*.py"):
        assert (installed / path.relative_to(COLLECTION)).read_bytes() == path.read_bytes()


def test_yamllint_and_ansible_lint_have_no_findings(tmp_path: Path) -> None:
    installed = copy_collection(tmp_path)

    assert run_tool(tmp_path, "yamllint", "--strict", str(installed)).stdout == ""
    run_tool(tmp_path, "ansible-lint", "--profile", "production", "--offline", cwd=installed)


def test_every_file_of_the_deployer_is_in_the_collection() -> None:
    sources = (COLLECTION.parent / "fuel_upgrade/venv/host").glob("*.py")
    links = {path.name for path in (COLLECTION / "plugins/module_utils/deployer").iterdir()}

    assert links == {path.name for path in sources} - {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("role", ["repo_build", "venv_deploy"])
def test_defaults_of_a_role_are_those_of_its_arguments(role: str) -> None:
    folder = COLLECTION / "roles" / role
    specs = yaml.safe_load((folder / "meta/argument_specs.yml").read_text())
    options = specs["argument_specs"]["main"]["options"]
    defaults = yaml.safe_load((folder / "defaults/main.yml").read_text())

    assert set(options) == set(defaults)
    for name, option in options.items():
        if not option.get("required"):
            assert defaults[name] == option["default"], name
